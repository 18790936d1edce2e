/** What Gatebook is sent: bodies, query and path parameters, as strict as WIRE says. */
import { z } from 'zod';
import { foreignHashIn } from '../../domain/client/foreign-hash.ts';
import { clientStatuses } from '../../domain/client/state.ts';
import { Permission, rightsShape } from '../../domain/permission.ts';
import { preauthorizationEffects } from '../../domain/preauthorization.ts';
import { isTimeZone, TimeOfDay, weekdays } from '../../domain/schedules/occurrence.ts';
import { TokenLabel } from '../../domain/token.ts';
import { Id, Instant, Note, Reason, RoleName, Text, Username } from '../../domain/values.ts';
import { Cidr, windowDurationMsMax } from '../../domain/window.ts';
import { activityBuckets, activityBucketsMax } from '../limits/audit.ts';
import { passwordBytesMax } from '../limits/credentials.ts';
import { enrolmentCodeLengthMax } from '../limits/doors.ts';
import { bodyBytesMax, contextKeysMax, contextValueMax } from '../limits/http.ts';
import { certificateDaysMax, endDaysMax } from '../limits/jobs.ts';
import { named, preauthorizationStatuses, proposalStatuses, requestStatuses } from './output.ts';

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Whether text is a date that the calendar has; `Date.parse` takes the 30th of February. */
function isRfc3339(text: string): boolean {
  const [, year, month, day] = rfc3339.exec(text) ?? [];
  if (year === undefined || Number.isNaN(Date.parse(text))) return false;
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) <= days && Instant.safeParse(new Date(text).toISOString()).success;
}

/** An instant as people and programs write it (RFC 3339), kept in UTC with milliseconds. */
export const SentInstant = z
  .string()
  .max(64)
  .refine(isRfc3339, { message: 'must be an instant such as 2026-11-23T10:00:00.000Z' })
  .transform((text) => new Date(text).toISOString())
  .meta({ format: 'date-time' });

/** Six hex digits in any case, kept in lower case. */
export const SentPairingId = z
  .string()
  .regex(/^[0-9a-fA-F]{6}$/, { message: 'must be 6 hex digits' })
  .transform((text) => text.toLowerCase());

const Password = Text(1, passwordBytesMax).refine(
  (text) => Buffer.byteLength(text) <= passwordBytesMax,
  { message: `must be at most ${passwordBytesMax} bytes of UTF-8` },
);

export const SentCidr = z
  .string()
  .max(64)
  .refine((text) => Cidr.safeParse(text).success, {
    message: 'must be a network such as 10.0.0.0/8 or fd00::/8',
  });

const sentRights = z.object({ ...rightsShape, expiresAt: SentInstant.nullable() }).partial().shape;
const reason = { reason: Reason.optional() };

export const Unlock = named(
  'Unlock',
  z.strictObject({
    durationMs: z.int().min(1).max(windowDurationMsMax).optional(),
    maxRequests: z.int().min(1).max(1_000_000).optional(),
    usernamePattern: Text(1, 256).optional(),
    sources: z.array(SentCidr).max(64).optional(),
    note: Note.optional(),
  }),
);
export type Unlock = z.output<typeof Unlock>;

export const CreateSchedule = named(
  'CreateSchedule',
  z.strictObject({
    opensAt: SentInstant.optional().describe('Once, at this instant. Either this or weekly.'),
    weekly: z
      .strictObject({
        weekday: z.enum(weekdays),
        time: TimeOfDay.describe('By the clock on the wall there.'),
        timeZone: Text(1, 64)
          .refine(isTimeZone, { message: 'must be a time zone such as Europe/Berlin' })
          .describe('Of the IANA time zone database.'),
      })
      .optional()
      .describe('Each week.'),
    durationMs: z.int().min(1).max(windowDurationMsMax),
    maxRequests: z.int().min(1).max(1_000_000).optional().describe('100 when left out.'),
    usernamePattern: Text(1, 256).optional(),
    sources: z.array(SentCidr).max(64).optional(),
    note: Note.optional(),
  }),
);
export type CreateSchedule = z.output<typeof CreateSchedule>;

const grant = { ...sentRights, ...reason, confirmContested: z.boolean().optional() };
const deny = { ...reason, blockedUntil: SentInstant.optional() };
const ids = { ids: z.array(Id).min(1).max(1_000) };

export const Grant = named('Grant', z.strictObject(grant));
export type Grant = z.output<typeof Grant>;
export const Deny = named('Deny', z.strictObject(deny));
export type Deny = z.output<typeof Deny>;
export const BulkGrant = named('BulkGrant', z.strictObject({ ...ids, ...grant }));
export const BulkDeny = named('BulkDeny', z.strictObject({ ...ids, ...deny }));

/** The SHA-256 of a key in hex, in either case, kept in lower case. */
export const SentFingerprint = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, { message: 'must be 64 hex digits: the SHA-256 of the public key' })
  .transform((text) => text.toLowerCase());

export const CreatePreauthorization = named(
  'CreatePreauthorization',
  z.strictObject({
    ...sentRights,
    effect: z.enum(preauthorizationEffects).optional().describe('allow when left out.'),
    usernamePattern: Text(1, 256).nullable().optional(),
    sources: z.array(SentCidr).max(64).optional(),
    pairingId: SentPairingId.nullable().optional(),
    csrFingerprint: SentFingerprint.nullable()
      .optional()
      .describe('Of the key that asks: works while locked, and admits that key alone.'),
    enrolmentCode: z
      .boolean()
      .optional()
      .describe('true: makes a code, which is shown this once, and works while locked.'),
    maxUses: z.int().min(1).max(1_000_000).optional().describe('1 when left out.'),
    until: SentInstant,
    note: Note.nullable().optional(),
  }),
);
export type CreatePreauthorization = z.output<typeof CreatePreauthorization>;

/** `hash`: of the proposal as it was shown. */
export const ApproveProposal = named(
  'ApproveProposal',
  z.strictObject({
    hash: z.string().regex(/^[0-9a-f]{64}$/, { message: 'must be the hash of the proposal' }),
  }),
);

export const CreateUser = named(
  'CreateUser',
  z.strictObject({
    ...sentRights,
    ...reason,
    username: Username,
    password: Password.optional(),
  }),
);
/** How many clients one request makes; a file of thousands is sent in portions. */
export const importedUsersMax = 100;
const { expiresAt: _noEnd, ...importedRights } = sentRights;
const ImportedUser = z.strictObject({
  ...importedRights,
  username: Username,
  password: Password.optional().describe('Known in plain text; verifier is left out then.'),
  verifier: z
    .string()
    .max(512)
    .superRefine((text, context) => {
      const read = foreignHashIn(text);
      if (typeof read === 'string') context.addIssue({ code: 'custom', message: read });
    })
    .optional()
    .describe(
      'What another broker checked the password with: $pbkdf2-sha512$i=N,l=64$SALT$HASH or $mosquitto-sha512$SALT$HASH.',
    ),
});
export type ImportedUser = z.output<typeof ImportedUser>;
export const ImportUsers = named(
  'ImportUsers',
  z.strictObject({
    ...reason,
    users: z
      .array(ImportedUser)
      .min(1)
      .max(importedUsersMax)
      .describe('Each by itself: what is refused of one stops no other.'),
  }),
);
export const Authorization = named('Authorization', z.strictObject({ ...sentRights, ...reason }));
export const Renew = named(
  'Renew',
  z.strictObject({
    expiresAt: SentInstant.nullable()
      .optional()
      .describe('null: without an end. Left out: as long again as it was given for.'),
    ...reason,
  }),
);
export const Because = named('Because', z.strictObject(reason));
export const Rotate = named(
  'Rotate',
  z.strictObject({
    ...reason,
    password: Password.optional(),
    endTokens: z
      .boolean()
      .optional()
      .describe('Ends the named tokens of this user too, whoever made them.'),
  }),
);

export const RotateKeys = named(
  'RotateKeys',
  z.strictObject({ retireNow: z.boolean().optional() }),
);

export const TakeBackup = named(
  'TakeBackup',
  z.strictObject({
    withoutKeys: z
      .boolean()
      .optional()
      .describe('Leave the key folder out, which is needed to restore: keep it elsewhere.'),
  }),
);

export const PutRole = named(
  'PutRole',
  z.strictObject({
    permissions: z.array(Permission).max(256),
    description: Text(0, 1_000).optional(),
  }),
);

const Hours = z.int().min(1).max(100_000);
const Label = TokenLabel;

export const Login = named(
  'Login',
  z.strictObject({
    username: Username,
    password: Password,
    expireTimeInHours: Hours.optional(),
    label: Label.optional(),
  }),
);
/** What `POST /api/login/sso` gave. */
export const DeviceSignIn = named('DeviceSignIn', z.strictObject({ deviceCode: Text(1, 4_096) }));
export const CreateToken = named(
  'CreateToken',
  z.strictObject({
    label: Label,
    username: Username.optional(),
    expireTimeInHours: Hours.optional(),
  }),
);

const Context = z
  .record(Text(1, 128), Text(0, contextValueMax))
  .refine((context) => Object.keys(context).length <= contextKeysMax, {
    message: `must have at most ${contextKeysMax} keys`,
  });

export const Register = named(
  'Register',
  z.strictObject({
    username: Username.describe(
      'The name that the device chooses: 3 to 128 of A-Z a-z 0-9 . _ @ : - beginning with a letter or digit.',
    ),
    password: Password.optional().describe(
      `Its secret, the same at each ask: 5 characters at least unless GATEBOOK_PASSWORD_POLICY wants more, ${passwordBytesMax} bytes of UTF-8 at most, and no token (v4.public.…). Best are 32 random hex digits: they cost no slow hash. May be left out beside a csr.`,
    ),
    csr: Text(1, bodyBytesMax)
      .optional()
      .describe(
        'PKCS#10 in PEM, its CN the username: a certificate for its key comes with the grant.',
      ),
    enrolmentCode: Text(0, enrolmentCodeLengthMax)
      .optional()
      .describe(
        'Lets it in, or lets it ask, also while the registry is locked; white space in it counts for nothing.',
      ),
    pairingId: SentPairingId.optional().describe(
      'Six hex digits that a person compares at the device, shown in groups of three; made from the request when left out.',
    ),
    context: Context.optional().describe(
      'What the device says of itself, for whoever decides: it is believed by nobody.',
    ),
    requestedRoles: z
      .array(RoleName)
      .max(32)
      .optional()
      .describe('Shown unticked to whoever decides; nothing of it is given by itself.'),
    requestedPermissions: z
      .array(Permission)
      .max(256)
      .optional()
      .describe('Shown unticked, as the roles are.'),
  }),
);
export type Register = z.output<typeof Register>;

export const Renewal = named(
  'Renewal',
  z.strictObject({
    csr: Text(1, bodyBytesMax).describe('PKCS#10 in PEM, its CN the name in the certificate.'),
  }),
);
export type Renewal = z.output<typeof Renewal>;

/** A whole number from 1 to `max`, as it stands in a query. */
export const WholeNumber = (max: number) =>
  z
    .string()
    .refine((text) => /^[1-9]\d{0,8}$/.test(text) && Number(text) <= max, {
      message: `must be a whole number from 1 to ${max}`,
    })
    .transform(Number)
    .meta({ type: 'integer', minimum: 1, maximum: max });

const limitMax = 1_000;
const limitDefault = 100;
const Limit = WholeNumber(limitMax)
  .default(limitDefault)
  .meta({
    type: 'integer',
    minimum: 1,
    maximum: limitMax,
    description: `${limitDefault} when left out.`,
  });

/** What every list takes. The cursor is opaque to the caller; the list itself reads it. */
const page = { limit: Limit, cursor: Text(1, 1_024).optional() };
const Search = Text(0, 128);

export const PageQuery = z.strictObject(page);
export const RequestsQuery = z.strictObject({
  status: z.enum(requestStatuses).optional(),
  q: Search.optional(),
  ...page,
});
export const SchedulesQuery = z.strictObject({
  standing: z
    .enum(['true', 'false'])
    .optional()
    .describe('true: those that may open yet; false: those that are over or cancelled.'),
  ...page,
});
export const ByScheduleId = z.strictObject({ id: Id });
export const PreauthorizationsQuery = z.strictObject({
  status: z.enum(preauthorizationStatuses).optional(),
  createdBy: Text(1, 128).optional().describe('Only those that this person made.'),
  ...page,
});
export const ImportQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('true: says what would become of each line, and makes nothing.'),
});
export const UsersQuery = z
  .strictObject({
    status: z.enum(clientStatuses).optional(),
    role: RoleName.optional(),
    q: Search.optional(),
    endsWithinDays: WholeNumber(endDaysMax)
      .optional()
      .describe('Only those whose access ends within so many days, the first to end first.'),
    unseenForDays: WholeNumber(endDaysMax)
      .optional()
      .describe('Only active ones that nobody saw for so many days, the longest unseen first.'),
    stale: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .describe('true: the same for GATEBOOK_STALE_AFTER; nobody where that is off.'),
    connected: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .describe('true: only those with a live session at the embedded broker, by name.'),
    certificateEndsWithinDays: WholeNumber(certificateDaysMax)
      .optional()
      .describe(
        'Only those whose last certificate ends within so many days, the first to end first.',
      ),
    sort: z
      .enum(['newest', 'oldest', 'name'])
      .optional()
      .describe('newest when left out. Not beside what has an order of its own.'),
    total: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .describe('true: the answer says how many fit in all, where that is cheap to count.'),
    ...page,
  })
  .refine(
    ({ sort, ...query }) =>
      sort === undefined ||
      [
        ...[query.endsWithinDays, query.unseenForDays, query.certificateEndsWithinDays],
        ...[query.stale || undefined, query.connected || undefined],
      ].every((one) => one === undefined),
    { path: ['sort'], message: 'must be left out beside what has an order of its own' },
  );
export const RevocationListQuery = z.strictObject({
  issuer: z
    .string()
    .regex(/^[0-9a-f]{40}$/, { message: 'must be 40 hex digits in small letters' })
    .optional()
    .describe('While the CA changes: the identifier of the issuer’s key, as certificates name it.'),
});
export const TokensQuery = z.strictObject({ username: Username.optional(), ...page });
export const EventsQuery = z.strictObject({
  username: Username.optional(),
  windowId: Id.optional(),
  actor: Text(1, 128).optional(),
  type: Text(1, 64).optional(),
  since: SentInstant.optional(),
  until: SentInstant.optional(),
  q: Search.optional(),
  order: z.enum(['asc', 'desc']).optional(),
  ...page,
});
export const ErasuresQuery = z.strictObject({
  status: z.enum(['pending', 'done']).optional(),
  ...page,
});
export const ActivityQuery = z.strictObject({
  since: SentInstant.optional(),
  until: SentInstant.optional(),
  buckets: WholeNumber(activityBucketsMax)
    .default(activityBuckets)
    .meta({
      type: 'integer',
      minimum: 1,
      maximum: activityBucketsMax,
      description: `${activityBuckets} when left out.`,
    }),
});

export const ByPreauthorizationId = z.strictObject({ id: Id });
export const ByProposalId = z.strictObject({ id: Id });
export const ProposalsQuery = z.strictObject({
  status: z.enum(proposalStatuses).optional(),
  ...page,
});
export const ByRequestId = z.strictObject({ id: Id });
export const ByTokenId = z.strictObject({ id: Id });
export const ByUsername = z.strictObject({ username: Username });
export const ByRoleName = z.strictObject({ name: RoleName });
