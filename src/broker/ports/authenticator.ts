/** The port to what decides at CONNECT: the attempt, and the rights of a client that is admitted. */
import type { CompiledPermissions } from '../../../domain/matching.ts';
import type { Soon } from '../../platform/soon.ts';

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
  /** Null: none, one that is not this registry's, or it was not this process that spoke TLS. */
  readonly certificate: ShownCertificate | null;
  /** Aborted when the connection is over, so that nobody waits for the answer; absent: that is not known. */
  readonly gone?: () => AbortSignal;
}

/** The name that a client connects as: a certificate says it where it says none itself. */
export const nameOf = ({
  username,
  certificate,
}: Pick<ConnectAttempt, 'username' | 'certificate'>): string | undefined =>
  username ?? certificate?.username;

export interface MqttRights {
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  /** The only client id this account may use; null: any. */
  readonly pinnedClientId: string | null;
}

/** What an admitted client may do now. `credentialId` is null when it was admitted by a token. */
export interface Admission extends MqttRights {
  readonly username: string;
  readonly credentialId: string | null;
  readonly tokenId: string | null;
  /** The certificate that it was admitted by, also beside a password or a token. */
  readonly certificate: ShownCertificate | null;
  /** The same rights as they are held already, which takes no more room however long; absent: they are not. */
  readonly held?: MqttRights;
}

export type ConnectAnswer =
  | { readonly admitted: true; readonly admission: Admission }
  /** `unavailable`: the registry cannot decide now (store away, hashing queue full, stopping). */
  | { readonly admitted: false; readonly reason: 'refused' | 'unavailable' };

/**
 * Decides about CONNECTs. Never throws nor rejects: a fault is `unavailable`. An admission has the name of the attempt.
 * One CONNECT may be decided again, up to three times in all, when `setAuthorization` or `endSessions` was
 * called for that username meanwhile: the answer must be at least as new as they are.
 */
export interface Authenticator {
  authenticate(attempt: ConnectAttempt): Soon<ConnectAnswer>;
}
