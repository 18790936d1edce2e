/** What can happen to a client: stored for ever. Add optional fields; never rename, never reuse. */
import { z } from 'zod';
import { event } from '../decider.ts';
import { Permission, rightsShape } from '../permission.ts';
import {
  caused,
  Id,
  Instant,
  PairingId,
  PersonId,
  Reason,
  RoleName,
  Sealed,
  Text,
  Username,
} from '../values.ts';

/** What a grant gives, and until when. */
export const Rights = z.object({ ...rightsShape, expiresAt: Instant.nullable() });
export type Rights = z.infer<typeof Rights>;

/** The SHA-256 of a SubjectPublicKeyInfo, in hex. */
export const KeyFingerprint = z.string().regex(/^[0-9a-f]{64}$/);

/** A public key that a certificate is issued for: its SubjectPublicKeyInfo in base64, and the SHA-256 of that in hex. */
export const ClientKey = z.object({
  publicKeyAlgorithm: z.string().min(1).max(32),
  fingerprint: KeyFingerprint,
  publicKey: z.base64().max(2_048),
});
export type ClientKey = z.infer<typeof ClientKey>;

const CertificateSerial = z.string().regex(/^[0-9a-f]{32}$/);

/** How it came by the explicit flow; absent: by REST. */
const door = { door: z.enum(['est']).optional() };

const client = { username: Username, ...caused };
const request = { ...client, requestId: Id };

/** What is known of somebody who asks. The personal fields are sealed under `personalKeyId`. */
const requested = {
  ...request,
  credentialId: Id,
  /** Null: a rule let it ask, or in, without a window. */
  windowId: Id.nullable(),
  flow: z.enum(['explicit', 'implicit']),
  ...door,
  pairingId: PairingId.nullable(),
  expiresAt: Instant,
  personalKeyId: Id,
  source: Sealed.nullable(),
  clientId: Sealed.nullable(),
  context: Sealed.nullable(),
  requestedRoles: z.array(RoleName),
  requestedPermissions: z.array(Permission),
  /** The key that it asked with: then its certificate opens, and no password. Absent: a password alone. */
  csr: ClientKey.optional(),
  /** A rule let in its key alone: a password that came along was not kept. */
  admits: z.enum(['key']).optional(),
};

/** The window that it was asked in, so that a window tells what came of it; absent in older events. */
const inWindow = { windowId: Id.nullable().optional() };

/**
 * The HTTP permissions that its roles, but for the built-in ones, gave when the rights were given: they never give it
 * more (docs/decisions/0055). Absent: as much as they come to have, and in older events.
 */
const ofRoles = { httpOfRoles: z.array(Permission).optional() };

const granted = {
  ...request,
  ...inWindow,
  credentialId: Id,
  rights: Rights,
  ...ofRoles,
  reason: Reason.nullable(),
  preauthorizationId: Id.nullable(),
};

/** `windowId` is the newest window when it was decided: only a later one lets the client ask again. */
const denied = {
  ...request,
  windowId: Id.nullable(),
  reason: Reason.nullable(),
  blockedUntil: Instant.nullable(),
};

const changed = { ...client, reason: Reason.nullable() };

/**
 * `httpLimit`: the HTTP permissions that whoever shows this password never goes beyond, where somebody else
 * set it; absent: none, and in older events.
 */
const passwordSet = { credentialId: Id, httpLimit: z.array(Permission).optional() };

export const ClientEvent = z.discriminatedUnion('type', [
  event('RegistrationRequested', requested),
  event('RegistrationContested', {
    ...request,
    windowId: Id,
    flow: z.enum(['explicit', 'implicit']),
    ...door,
    personalKeyId: Id,
    source: Sealed.nullable(),
    clientId: Sealed.nullable(),
  }),
  event('RegistrationGranted', granted),
  event('RegistrationDenied', denied),
  event('RegistrationExpired', { ...request, ...inWindow }),
  event('ReplacementRequested', requested),
  event('ReplacementGranted', granted),
  event('ReplacementDenied', denied),
  event('ReplacementExpired', { ...request, ...inWindow }),
  event('ClientCreated', {
    ...changed,
    ...passwordSet,
    rights: Rights,
    ...ofRoles,
    /** Of a client that moved in: what checks its password until it was shown once; absent: our own verifier. */
    foreignVerifierId: Id.optional(),
  }),
  /** By who runs the machine, with the service stopped: whatever the name was, it is an administrator now. */
  event('AdministratorReset', { ...changed, credentialId: Id, rights: Rights }),
  /** A person signed in at the identity provider: the name is theirs, and access is given until `rights.expiresAt`. */
  event('PersonSignedIn', {
    ...client,
    personId: PersonId,
    issuer: Text(1, 512),
    credentialId: Id,
    rights: Rights,
  }),
  event('AuthorizationChanged', { ...changed, rights: Rights, ...ofRoles }),
  event('CredentialRotated', {
    ...changed,
    ...passwordSet,
    /** What became of its named tokens; absent: they go on. */
    namedTokens: z.enum(['ended']).optional(),
  }),
  /** The certificate for the key of a credential's CSR: DER in base64, and what of it is asked for. */
  event('CertificateIssued', {
    ...client,
    credentialId: Id,
    csr: ClientKey,
    serial: CertificateSerial,
    notAfter: Instant,
    certificate: z.base64().max(16_384),
  }),
  /** The next certificate was used, and is the current one from now on. */
  event('CertificateTaken', { ...client, credentialId: Id, serial: CertificateSerial }),
  /** One whose place another took was shown all the same: its key is in two hands. */
  event('CertificateContested', { ...client, serial: CertificateSerial }),
  event('AccessSuspended', changed),
  event('AccessResumed', changed),
  event('AccessRevoked', changed),
  event('AccessReinstated', changed),
  /** `reason`: why it ended before its time; absent: it did not, and in older events. */
  event('AccessExpired', { ...client, reason: Reason.optional() }),
  /** It is told, so long before, that access ends by itself; once for each end and lead. */
  event('AccessEnding', { ...client, endsAt: Instant, leadMs: z.int().min(1) }),
  event('ClientErased', changed),
]);
export type ClientEvent = z.infer<typeof ClientEvent>;
