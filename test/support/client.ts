/** One client's story, told once, for every test to start from. */
import { noRights, type Rights } from '../../domain/client/client.ts';
import type {
  ClientCommand,
  ClientCommandOf,
  RequestRegistration,
} from '../../domain/client/commands.ts';
import type { ClientEvent } from '../../domain/client/events.ts';
import type { Permission } from '../../domain/permission.ts';
import { type Actor, system } from '../../domain/values.ts';

export type Fact<Type extends ClientEvent['type']> = Extract<ClientEvent, { type: Type }>;
type Data<Type extends ClientEvent['type']> = Fact<Type>['data'];

export const id = (number: number): string =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

export const username = 'press-07';
export const device: Actor = { kind: 'client', name: username };
export const ada: Actor = { kind: 'user', name: 'ada' };

export const at = '2026-01-01T10:00:00.000Z';
export const later = '2026-01-01T11:00:00.000Z';
/** When a request that was asked at `at` has waited too long. */
export const due = '2026-01-02T10:00:00.000Z';
export const afterwards = '2026-02-01T10:00:00.000Z';

export const firstWindow = id(1);
export const nextWindow = id(2);
export const personalKeyId = id(3);

/** The first to ask, the one who asks beside an active client, and somebody else. */
export const first = { requestId: id(11), credentialId: id(21) };
export const challenger = { requestId: id(12), credentialId: id(22) };
export const stranger = { requestId: id(13), credentialId: id(23) };

export const plant: Permission = { context: 'mqtt', resource: 'plant/#', operation: 'readWrite' };
export const rights: Rights = { ...noRights, roles: ['press'], permissions: [plant] };
export const otherRights: Rights = { ...noRights, roles: ['oven'], mqttPublishPrefix: 'hall/' };

const asked = (who: typeof first) => ({
  ...who,
  username,
  windowId: firstWindow,
  flow: 'explicit' as const,
  pairingId: '00ff00',
  expiresAt: due,
  personalKeyId,
  source: 'sealed-source',
  clientId: null,
  context: 'sealed-context',
  requestedRoles: ['press'],
  requestedPermissions: [plant],
  at,
  by: device,
});

// ── Facts ─────────────────────────────────────────────────────────────────────────────────────────

export const requested = (
  over: Partial<Data<'RegistrationRequested'>> = {},
): Fact<'RegistrationRequested'> => ({
  type: 'RegistrationRequested',
  data: { ...asked(first), ...over },
});

export const replacementRequested = (
  over: Partial<Data<'ReplacementRequested'>> = {},
): Fact<'ReplacementRequested'> => ({
  type: 'ReplacementRequested',
  data: { ...asked(challenger), ...over },
});

export const contested = (
  over: Partial<Data<'RegistrationContested'>> = {},
): Fact<'RegistrationContested'> => ({
  type: 'RegistrationContested',
  data: {
    username,
    requestId: first.requestId,
    windowId: firstWindow,
    flow: 'explicit',
    personalKeyId,
    source: 'sealed-source',
    clientId: null,
    at,
    by: device,
    ...over,
  },
});

const grantedTo = (who: typeof first) => ({
  ...who,
  username,
  windowId: firstWindow,
  rights,
  reason: null,
  preauthorizationId: null,
  at,
  by: ada,
});

export const granted = (
  over: Partial<Data<'RegistrationGranted'>> = {},
): Fact<'RegistrationGranted'> => ({
  type: 'RegistrationGranted',
  data: { ...grantedTo(first), ...over },
});

export const replacementGranted = (
  over: Partial<Data<'ReplacementGranted'>> = {},
): Fact<'ReplacementGranted'> => ({
  type: 'ReplacementGranted',
  data: { ...grantedTo(challenger), ...over },
});

const refusedTo = (who: typeof first) => ({
  username,
  requestId: who.requestId,
  windowId: firstWindow,
  reason: 'not ours',
  blockedUntil: null,
  at,
  by: ada,
});

export const denied = (
  over: Partial<Data<'RegistrationDenied'>> = {},
): Fact<'RegistrationDenied'> => ({
  type: 'RegistrationDenied',
  data: { ...refusedTo(first), ...over },
});

export const replacementDenied = (
  over: Partial<Data<'ReplacementDenied'>> = {},
): Fact<'ReplacementDenied'> => ({
  type: 'ReplacementDenied',
  data: { ...refusedTo(challenger), ...over },
});

export const lapsed: Fact<'RegistrationExpired'> = {
  type: 'RegistrationExpired',
  data: { username, requestId: first.requestId, windowId: firstWindow, at: due, by: system },
};
export const replacementLapsed: Fact<'ReplacementExpired'> = {
  type: 'ReplacementExpired',
  data: { username, requestId: challenger.requestId, windowId: firstWindow, at: due, by: system },
};
export const created = (over: Partial<Data<'ClientCreated'>> = {}): Fact<'ClientCreated'> => ({
  type: 'ClientCreated',
  data: {
    username,
    credentialId: first.credentialId,
    rights,
    reason: null,
    at,
    by: ada,
    ...over,
  },
});
export const reset = (
  given: Partial<Rights> = {},
  { credentialId } = stranger,
): Fact<'AdministratorReset'> => ({
  type: 'AdministratorReset',
  data: {
    username,
    credentialId,
    rights: { ...noRights, ...given, roles: [...(given.roles ?? []), 'administrator'] },
    reason: null,
    at,
    by: ada,
  },
});
export const changedTo = (given: Rights): Fact<'AuthorizationChanged'> => ({
  type: 'AuthorizationChanged',
  data: { username, rights: given, reason: null, at, by: ada },
});
/** A key, as a CSR brings it; `digit` tells it from others. */
export const clientKey = (digit = 'a') => ({
  publicKeyAlgorithm: 'EC P-256',
  fingerprint: digit.repeat(64),
  publicKey: 'MFkw',
});
export const issue = (
  over: Partial<ClientCommandOf<'IssueCertificate'>> = {},
): ClientCommandOf<'IssueCertificate'> => ({
  type: 'IssueCertificate',
  username,
  credentialId: first.credentialId,
  csr: clientKey(),
  serial: '4'.repeat(32),
  notAfter: due,
  certificate: 'MIIB',
  at,
  by: { kind: 'system', name: 'gatebook' },
  ...over,
});

export const rotated: Fact<'CredentialRotated'> = {
  type: 'CredentialRotated',
  data: { username, credentialId: stranger.credentialId, reason: null, at, by: ada },
};
const change = { username, reason: null, at, by: ada };
export const suspended: Fact<'AccessSuspended'> = { type: 'AccessSuspended', data: change };
export const resumed: Fact<'AccessResumed'> = { type: 'AccessResumed', data: change };
export const revoked: Fact<'AccessRevoked'> = { type: 'AccessRevoked', data: change };
export const reinstated: Fact<'AccessReinstated'> = { type: 'AccessReinstated', data: change };
export const erased: Fact<'ClientErased'> = { type: 'ClientErased', data: change };
export const ended: Fact<'AccessExpired'> = {
  type: 'AccessExpired',
  data: { username, at: later, by: system },
};
export const endingSoon = (leadMs = 3_600_000): Fact<'AccessEnding'> => ({
  type: 'AccessEnding',
  data: { username, endsAt: later, leadMs, at, by: system },
});
/** The challenger's waiting ends with what it asked to replace. */
export const challengeEnded = (
  over: Partial<Data<'ReplacementDenied'>> = {},
): Fact<'ReplacementDenied'> => replacementDenied({ reason: null, ...over });

// ── Histories ─────────────────────────────────────────────────────────────────────────────────────

const ending: Rights = { ...rights, expiresAt: later };
const active = [requested(), granted()];
const challenged = [...active, replacementRequested()];

export const histories = {
  unknown: [],
  pending: [requested()],
  'pending, contested': [requested(), contested()],
  active,
  'active, challenged': challenged,
  'active, challenger contested': [
    ...challenged,
    contested({ requestId: challenger.requestId, windowId: firstWindow }),
  ],
  'active, challenger denied': [...challenged, replacementDenied()],
  'active, challenger blocked': [...challenged, replacementDenied({ blockedUntil: afterwards })],
  suspended: [...active, suspended],
  'suspended, challenger denied': [...challenged, replacementDenied(), suspended],
  denied: [requested(), denied()],
  'denied, blocked': [requested(), denied({ blockedUntil: afterwards })],
  revoked: [...active, revoked],
  expired: [requested(), granted({ rights: ending }), ended],
  lapsed: [requested(), lapsed],
  reinstated: [...active, revoked, reinstated],
  created: [created()],
  erased: [...active, erased],
  'reset, revoked before': [...active, revoked, reset({}, challenger)],
} as const satisfies Record<string, readonly ClientEvent[]>;
export type StateName = keyof typeof histories;

// ── Commands ──────────────────────────────────────────────────────────────────────────────────────

/** Somebody with a credential that nobody knows, while the window is open. */
export const knock = (over: Partial<RequestRegistration> = {}): RequestRegistration => ({
  ...asked(stranger),
  type: 'RequestRegistration',
  matched: null,
  csr: null,
  gate: 'open',
  capacity: 'free',
  holdsHttpRights: false,
  ...over,
});

type Over<Type extends ClientCommand['type']> = Partial<ClientCommandOf<Type>>;

export const grant = (
  over: Over<'GrantRegistration'> = {},
): ClientCommandOf<'GrantRegistration'> => ({
  type: 'GrantRegistration',
  username,
  requestId: first.requestId,
  rights: { roles: rights.roles, permissions: rights.permissions },
  reason: null,
  confirmContested: false,
  inBulk: false,
  holdsHttpRights: false,
  at,
  by: ada,
  ...over,
});
export const deny = (over: Over<'DenyRegistration'> = {}): ClientCommandOf<'DenyRegistration'> => ({
  type: 'DenyRegistration',
  ...refusedTo(first),
  ...over,
});
export const lapse = (
  over: Over<'ExpireRegistration'> = {},
): ClientCommandOf<'ExpireRegistration'> => ({
  type: 'ExpireRegistration',
  username,
  requestId: first.requestId,
  at: due,
  by: system,
  ...over,
});
export const endChallenge: ClientCommandOf<'EndChallenge'> = {
  type: 'EndChallenge',
  username,
  windowId: firstWindow,
  at,
  by: ada,
};
export const create = (over: Over<'CreateClient'> = {}): ClientCommandOf<'CreateClient'> => ({
  type: 'CreateClient',
  username,
  credentialId: stranger.credentialId,
  rights,
  reason: null,
  httpLimit: null,
  at,
  by: ada,
  ...over,
});
const decidedNow = { username, reason: null, windowId: firstWindow, at, by: ada };
export const authorize = (
  over: Over<'ChangeAuthorization'> = {},
): ClientCommandOf<'ChangeAuthorization'> => ({
  type: 'ChangeAuthorization',
  ...decidedNow,
  rights: otherRights,
  holdsHttpRights: false,
  ...over,
});
export const rotate = (
  over: Over<'RotateCredential'> = {},
): ClientCommandOf<'RotateCredential'> => ({
  type: 'RotateCredential',
  ...decidedNow,
  credentialId: stranger.credentialId,
  httpLimit: null,
  namedTokens: 'kept',
  ...over,
});
export const resetAdministrator: ClientCommandOf<'ResetAdministrator'> = {
  type: 'ResetAdministrator',
  ...decidedNow,
  credentialId: stranger.credentialId,
};
export const suspend: ClientCommandOf<'SuspendAccess'> = { type: 'SuspendAccess', ...decidedNow };
export const resume: ClientCommandOf<'ResumeAccess'> = { type: 'ResumeAccess', ...change };
export const revoke: ClientCommandOf<'RevokeAccess'> = { type: 'RevokeAccess', ...decidedNow };
export const reinstate: ClientCommandOf<'ReinstateAccess'> = { type: 'ReinstateAccess', ...change };
export const erase: ClientCommandOf<'EraseClient'> = { type: 'EraseClient', ...decidedNow };
export const warnOfEnd = (over: Over<'WarnOfEnd'> = {}): ClientCommandOf<'WarnOfEnd'> => ({
  type: 'WarnOfEnd',
  ...{ username, endsAt: later, leadMs: 3_600_000, at, by: system },
  ...over,
});
export const expire: ClientCommandOf<'ExpireAccess'> = {
  type: 'ExpireAccess',
  username,
  windowId: firstWindow,
  at: later,
  by: system,
};
