/** What Gatebook answers: the shapes of WIRE, the source of their types and of the API description. */
import { z } from 'zod';
import { doorNames } from '../../domain/client/door-name.ts';
import { clientStatuses } from '../../domain/client/state.ts';
import { Permission, rightsShape } from '../../domain/permission.ts';
import { preauthorizationEffects } from '../../domain/preauthorization.ts';
import { TimeOfDay, weekdays } from '../../domain/schedules/occurrence.ts';
import { skipReasons } from '../../domain/schedules/schedule.ts';
import { Id, Instant, RoleName } from '../../domain/values.ts';
import { problemTable } from './problems.ts';

/** Every shape that has a name in the API description. */
export const namedShapes = z.registry<{ id: string }>();

/** Gives a shape its name in the API description. */
export const named = <S extends z.ZodType>(id: string, schema: S): S => {
  namedShapes.add(schema, { id });
  return schema;
};

const Text = z.string();
const Count = z.int().min(0);
const none = <S extends z.ZodType>(schema: S) => schema.nullable();

named('Permission', Permission);
named('Id', Id);
named('Instant', Instant);
named('RoleName', RoleName);

/** `expiresAt` of an answer may lie behind. */
const rights = { ...rightsShape, expiresAt: none(Instant) };

export const Window = named(
  'Window',
  z.strictObject({
    status: z.enum(['locked', 'unlocked']),
    windowId: none(Id),
    unlockedAt: none(Instant),
    unlockedBy: none(Text),
    scheduleId: Id.optional().describe('Of the schedule that opened it; absent: a person did.'),
    until: none(Instant),
    lockedAt: none(Instant),
    lockedBy: none(Text),
    maxRequests: none(Count),
    usernamePattern: none(Text),
    sources: z.array(Text),
    note: none(Text),
    requestCount: Count,
    pendingCount: Count,
    knockCount: Count,
  }),
);
export type Window = z.infer<typeof Window>;

export const Schedule = named(
  'Schedule',
  z.strictObject({
    scheduleId: Id,
    status: z.enum(['standing', 'over', 'cancelled']),
    next: none(z.strictObject({ from: Instant, until: Instant })).describe(
      'The occurrence that is on and may open yet, else the next one; null: none.',
    ),
    opensAt: none(Instant),
    weekly: none(z.strictObject({ weekday: z.enum(weekdays), time: TimeOfDay, timeZone: Text })),
    durationMs: Count,
    maxRequests: Count,
    usernamePattern: none(Text),
    sources: z.array(Text),
    note: none(Text),
    createdBy: Text,
    createdAt: Instant,
    cancelledAt: none(Instant),
    lastOpenedAt: none(Instant),
    lastSkipped: none(z.strictObject({ at: Instant, reason: z.enum(skipReasons) })),
    obstacle: none(z.enum(skipReasons)).describe(
      'Why it would not open now: who made it does not act any more, or may not unlock.',
    ),
  }),
);
export type Schedule = z.infer<typeof Schedule>;

export const Activation = named(
  'Activation',
  z.strictObject({
    broker: Text,
    status: z.enum(['waiting', 'active', 'inactive', 'failed']),
    at: none(Instant),
    detail: none(Text),
  }),
);
export type Activation = z.infer<typeof Activation>;

/** Of a key. */
const otherNames = z
  .array(Text)
  .optional()
  .describe('Other names that ask with the same key now, or have it, 32 at most; absent: none.');

export const requestStatuses = ['pending', 'granted', 'denied', 'expired'] as const;

export const Request = named(
  'Request',
  z.strictObject({
    requestId: Id,
    username: Text,
    status: z.enum(requestStatuses),
    kind: z.enum(['new', 'replacement']),
    flow: z.enum(['explicit', 'implicit']),
    door: z.enum(doorNames),
    pairingId: none(Text),
    windowId: none(Id),
    requestedAt: Instant,
    expiresAt: Instant,
    source: none(Text),
    clientId: none(Text),
    context: none(z.record(Text, Text)),
    requestedRoles: z.array(RoleName),
    requestedPermissions: z.array(Permission),
    csr: none(z.strictObject({ publicKeyAlgorithm: Text, fingerprint: Text, otherNames })),
    credentialId: Id,
    contested: z.boolean(),
    conflictCount: Count,
    decision: none(
      z.strictObject({
        ...rights,
        by: Text,
        at: Instant,
        reason: none(Text),
        blockedUntil: none(Instant),
        preauthorizationId: none(Id),
      }),
    ),
    approvals: z.array(z.strictObject({ by: Text, at: Instant })),
    activations: z.array(Activation),
  }),
);
export type Request = z.infer<typeof Request>;

export const preauthorizationStatuses = ['active', 'used', 'ended', 'withdrawn'] as const;

const preauthorization = {
  ...rights,
  preauthorizationId: Id,
  effect: z.enum(preauthorizationEffects),
  usernamePattern: none(Text),
  sources: z.array(Text),
  pairingId: none(Text),
  csrFingerprint: none(Text),
  hasEnrolmentCode: z.boolean(),
  maxUses: Count,
  useCount: Count,
  until: Instant,
  note: none(Text),
  createdBy: Text,
  createdAt: Instant,
  status: z.enum(preauthorizationStatuses),
};

export const Preauthorization = named('Preauthorization', z.strictObject(preauthorization));
export type Preauthorization = z.infer<typeof Preauthorization>;
export const PreauthorizationWithCode = named(
  'PreauthorizationWithCode',
  z.strictObject({
    ...preauthorization,
    enrolmentCode: none(Text).describe('Shown this once; null: the rule has none.'),
  }),
);
export type PreauthorizationWithCode = z.infer<typeof PreauthorizationWithCode>;

export const proposalStatuses = ['waiting', 'approved', 'rejected', 'expired'] as const;

export const Proposal = named(
  'Proposal',
  z.strictObject({
    proposalId: Id,
    action: Text.describe('The operationId of the command.'),
    subject: Text,
    body: z.record(Text, z.unknown()).describe('As sent, without secrets; of many ids a digest.'),
    gains: z.array(Text).describe('Names that come to hold HTTP rights by it.'),
    hash: Text.describe('Of all that is approved: send it back to approve.'),
    proposedBy: Text,
    proposedAt: Instant,
    until: Instant,
    needed: Count,
    approvals: z.array(z.strictObject({ by: Text, at: Instant })),
    status: z.enum(proposalStatuses),
    outcome: none(
      z.looseObject({ type: Text, title: Text, status: Count, detail: Text, code: Text }),
    ),
  }),
);
export type Proposal = z.infer<typeof Proposal>;

const user = {
  ...rights,
  username: Text,
  status: z.enum(clientStatuses),
  origin: z.enum(['registration', 'created', 'sso']),
  effectivePermissions: z.array(Permission),
  credentials: z.array(
    z.strictObject({
      credentialId: Id,
      kind: z.enum(['password', 'certificate']),
      createdAt: Instant,
      expiresAt: none(Instant),
      serial: z.string().optional().describe('Of a certificate: hex.'),
      fingerprint: z
        .string()
        .optional()
        .describe('Of its key: the SHA-256 of its SubjectPublicKeyInfo.'),
      otherNames,
    }),
  ),
  requestId: none(Id),
  reason: none(Text),
  blockedUntil: none(Instant),
  createdAt: Instant,
  changedAt: Instant,
  lastSeenAt: none(Instant).describe(
    'By MQTT or by HTTP, at this node; kept over restarts. Null: never, or not since it was kept.',
  ),
  sessionCount: Count.describe('MQTT sessions that are open at the embedded broker now.'),
  sessionTotal: Count.describe(
    'MQTT sessions that it opened in all, at brokers that ask and by the gateway; kept over restarts.',
  ),
  activations: z.array(Activation),
};

export const User = named('User', z.strictObject(user));
export type User = z.infer<typeof User>;

export const UserWithPassword = named(
  'UserWithPassword',
  z.strictObject({
    ...user,
    password: none(Text).describe('Made by Gatebook and shown this once; null: it was given.'),
  }),
);
export type UserWithPassword = z.infer<typeof UserWithPassword>;

export const Self = named(
  'Self',
  z.strictObject({ ...user, tokenId: Id, tokenExpiresAt: Instant }),
);
export type Self = z.infer<typeof Self>;

export const Session = named(
  'Session',
  z.strictObject({
    broker: Text,
    clientId: none(Text),
    source: none(Text),
    protocol: z.enum(['mqtt-3.1', 'mqtt-3.1.1', 'mqtt-5']),
    since: Instant,
  }),
);

export type Session = z.infer<typeof Session>;

export const Role = named(
  'Role',
  z.strictObject({
    name: RoleName,
    description: none(Text),
    permissions: z.array(Permission),
    builtIn: z.boolean(),
    userCount: Count,
    changedAt: none(Instant),
  }),
);
export type Role = z.infer<typeof Role>;

const token = {
  tokenId: Id,
  username: Text,
  label: none(Text),
  kind: z.enum(['login', 'named']),
  issuedAt: Instant,
  issuedBy: Text,
  expiresAt: Instant,
  revokedAt: none(Instant),
};

export const Token = named('Token', z.strictObject(token));
export type Token = z.infer<typeof Token>;

export const SignInOffer = named(
  'SignInOffer',
  z.strictObject({
    name: none(Text).describe('What the page calls it; null: there is none.'),
    url: none(Text),
  }),
);
export type SignInOffer = z.infer<typeof SignInOffer>;

export const DeviceSignInBegun = named(
  'DeviceSignInBegun',
  z.strictObject({ userCode: Text, verificationUri: Text, deviceCode: Text, intervalS: Count }),
);
export type DeviceSignInBegun = z.infer<typeof DeviceSignInBegun>;

export const DeviceSignInWaiting = named(
  'DeviceSignInWaiting',
  z.strictObject({ status: z.literal('pending'), intervalS: Count }),
);
export type DeviceSignInWaiting = z.infer<typeof DeviceSignInWaiting>;

export const IssuedToken = named(
  'IssuedToken',
  z.strictObject({ ...token, token: Text.describe('PASETO v4.public, shown this once.') }),
);
export type IssuedToken = z.infer<typeof IssuedToken>;

export const Knock = named(
  'Knock',
  z.strictObject({
    username: Text,
    source: none(Text),
    flow: z.enum(['explicit', 'implicit']),
    door: z.enum(doorNames),
    reason: z
      .enum(['locked', 'filtered', 'full', 'suspended', 'denied', 'revoked', 'expired'])
      .describe(
        'The last four: a client that is known shows its own credential, and its access is over.',
      ),
    attemptCount: Count,
    firstAt: Instant,
    lastAt: Instant,
  }),
);
export type Knock = z.infer<typeof Knock>;

export const Event = named(
  'Event',
  z.strictObject({
    index: Count,
    position: Text,
    stream: Text,
    revision: Count,
    eventId: Id,
    type: Text,
    at: Instant,
    actor: z.strictObject({ kind: z.enum(['user', 'client', 'system']), name: Text }),
    correlationId: Id,
    causationId: none(Id),
    username: none(Text),
    windowId: none(Id),
    data: z.record(Text, z.unknown()),
  }),
);
export type Event = z.infer<typeof Event>;

export const Registered = named(
  'Registered',
  z.strictObject({
    ...rights,
    status: z.literal('granted'),
    requestId: none(Id),
    username: Text,
    effectivePermissions: z.array(Permission),
    brokers: z.array(z.strictObject({ name: Text, urls: z.array(Text) })),
    certificate: none(Text),
  }),
);
export type Registered = z.infer<typeof Registered>;

export const Pending = named(
  'Pending',
  z.strictObject({
    status: z.literal('pending'),
    requestId: Id,
    username: Text,
    pairingId: none(Text),
    registrationToken: Text,
    expiresAt: Instant,
  }),
);
export type Pending = z.infer<typeof Pending>;

export const Problem = named(
  'Problem',
  z
    .object({
      type: Text.describe('urn:gatebook:problem: and the code'),
      title: Text,
      status: z.int(),
      detail: Text.describe('What happened, and what to do.'),
      code: z.enum(Object.keys(problemTable) as [string, ...string[]]),
      errors: z
        .array(
          z.strictObject({
            pointer: Text.optional().describe('Into the body (RFC 6901); "#" is the body itself.'),
            parameter: Text.optional(),
            detail: Text,
          }),
        )
        .optional(),
      required: Permission.optional(),
      username: Text.optional().describe('At the door, told to the owner of the credential only.'),
      requestId: none(Id).optional(),
      reason: none(Text).optional(),
      blockedUntil: none(Instant).optional(),
    })
    .loose(),
);

export const Bulk = named(
  'Bulk',
  z.strictObject({
    results: z.array(
      z.union([
        z.strictObject({ requestId: Id, status: z.enum(requestStatuses) }),
        z.strictObject({ requestId: Id, problem: Problem }),
      ]),
    ),
  }),
);
export type Bulk = z.infer<typeof Bulk>;

/** What became of one line of a file of rules; `line` is where it begins in the file. */
const LineOfRules = z.union([
  z.strictObject({
    line: z.int().min(1),
    preauthorizationId: none(Id).describe('null: nothing is made by a dry run.'),
    enrolmentCode: none(Text).describe('Shown this once; null: the rule has none.'),
  }),
  z.strictObject({ line: z.int().min(1), problem: Problem }),
]);
export const PreauthorizationImport = named(
  'PreauthorizationImport',
  z.strictObject({ created: Count, failed: Count, items: z.array(LineOfRules) }),
);
export type PreauthorizationImport = z.infer<typeof PreauthorizationImport>;

/** One client of an import: made, or why it was not. */
const UserImported = z.union([
  z.strictObject({ username: Text }),
  z.strictObject({ username: Text, problem: Problem }),
]);
export const UserImport = named(
  'UserImport',
  z.strictObject({ created: Count, failed: Count, items: z.array(UserImported) }),
);
export type UserImport = z.infer<typeof UserImport>;

/** A list, newest first; `nextCursor` is null on the last page. */
export const listOf = <S extends z.ZodType>(id: string, item: S) =>
  named(id, z.strictObject({ items: z.array(item), nextCursor: none(Text) }));

export const ScheduleList = listOf('ScheduleList', Schedule);
export const RequestList = listOf('RequestList', Request);
export const UserList = named(
  'UserList',
  z.strictObject({
    items: z.array(User),
    nextCursor: none(Text),
    total: none(Count)
      .optional()
      .describe(
        'How many fit in all, where the query asks for it; null: too many to be counted at once.',
      ),
  }),
);
export const SessionList = listOf('SessionList', Session);
export const PreauthorizationList = listOf('PreauthorizationList', Preauthorization);
export const ProposalList = listOf('ProposalList', Proposal);
export const RoleList = listOf('RoleList', Role);
export const TokenList = listOf('TokenList', Token);
export const KnockList = listOf('KnockList', Knock);
export const EventList = listOf('EventList', Event);
