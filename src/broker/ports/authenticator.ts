/** The port to what decides at CONNECT: the attempt, and the rights of a client that is admitted. */
import type { CompiledPermissions } from '../../../domain/matching.ts';

/** A certificate of this registry whose key a client proved in the TLS handshake; it may have ended or been revoked since. */
export interface ShownCertificate {
  /** Its CN; empty: it is no client's. */
  readonly username: string;
  readonly serial: string;
  /** ISO instant. */
  readonly notAfter: string;
  /** SHA-256 of its key's SubjectPublicKeyInfo, hex. */
  readonly keyFingerprint: string;
}

/** What a client presents when it connects. Strings are as received, not yet checked. */
export interface ConnectAttempt {
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly clientId: string;
  /** The client's address, or null where it is not known. */
  readonly source: string | null;
}

/** What an admitted client may do now. `credentialId` is null when it was admitted by a token. */
export interface Admission {
  readonly username: string;
  readonly credentialId: string | null;
  readonly tokenId: string | null;
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  /** The only client id this account may use; null: any. */
  readonly pinnedClientId: string | null;
}

export type ConnectAnswer =
  | { readonly admitted: true; readonly admission: Admission }
  /** `unavailable`: the registry cannot decide now (store away, hashing queue full, stopping). */
  | { readonly admitted: false; readonly reason: 'refused' | 'unavailable' };

/**
 * Decides about CONNECTs. Never rejects: a fault is `unavailable`. An admission has the attempt's username.
 * One CONNECT may be decided again, up to three times in all, when `setAuthorization` or `endSessions` was
 * called for that username meanwhile: the answer must be at least as new as they are.
 */
export interface Authenticator {
  authenticate(attempt: ConnectAttempt): Promise<ConnectAnswer>;
}
