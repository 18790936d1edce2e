/** What looking back answers: the registry as it was, who had access, why, and what came of a window. */
import { z } from 'zod';
import { Permission } from '../../domain/permission.ts';
import { Activation, Event, listOf, named, Request, User, Window } from './output.ts';

const Instant = z.string();
const Span = named('Span', z.strictObject({ from: Instant, to: Instant.nullable() }));
const Count = z.int().min(0);
const windowShape = Window.nullable();

const RegistryThen = named(
  'RegistryThen',
  z.strictObject({ at: Instant, window: Window, counts: z.record(z.string(), Count) }),
);

/** With a username a client, without one the whole. */
export const StateThen = named('StateThen', z.union([User, RegistryThen]));

export const AccessThen = named(
  'AccessThen',
  z.strictObject({
    username: z.string(),
    operation: Permission.shape.operation,
    resource: z.string(),
    via: z.string().describe('"own", or the role that holds the permission.'),
    intended: Span.describe('From the grant to its end.'),
    effective: Span.nullable().describe(
      'From the broker’s acknowledgement to the closing; null: none.',
    ),
    broker: z.string().nullable(),
  }),
);
export type AccessThen = z.infer<typeof AccessThen>;

export const AccessThenList = named(
  'AccessThenList',
  z.strictObject({ items: z.array(AccessThen), nextCursor: z.string().nullable() }),
);

const LimitsSet = named(
  'LimitsSet',
  z
    .strictObject({
      index: Count.describe('Of the event that set them.'),
      at: Instant,
      by: z.string(),
      until: Instant,
      maxRequests: Count,
      usernamePattern: z.string().nullable(),
      sources: z.array(z.string()),
      note: z.string().nullable(),
      requestCount: Count.describe('Requests that came in under these limits.'),
    })
    .describe('The limits of a window as they were set, when it was unlocked or changed.'),
);
export type LimitsSet = z.infer<typeof LimitsSet>;

export const Explanation = named(
  'Explanation',
  z.strictObject({
    user: User,
    request: Request.nullable(),
    window: windowShape.describe('With the limits that were in force when it asked.'),
    limits: z.array(LimitsSet).describe('Every change of its limits, oldest first.'),
    askedUnder: Count.nullable().describe('The index of those limits that it asked under.'),
    decision: Request.shape.decision,
    activations: z.array(Activation),
    events: z.array(Event),
  }),
);
export type Explanation = z.infer<typeof Explanation>;

const Erasure = named(
  'Erasure',
  z.strictObject({
    username: z.string(),
    index: Count.describe('Of the event that erased it.'),
    eventId: z.string(),
    at: Instant,
    actor: Event.shape.actor,
    status: z
      .enum(['pending', 'done'])
      .describe('pending: on a disk of the store may still be what it destroyed.'),
    pendingOn: z
      .array(z.string())
      .describe(
        'The nodes of the store that a scavenge must still run on, or that do not answer; ' +
          'empty while pending: not looked at yet.',
      ),
  }),
);
export type Erasure = z.infer<typeof Erasure>;

export const ErasureList = listOf('ErasureList', Erasure);

export const Activity = named(
  'RegistryActivity',
  z.strictObject({
    since: Instant,
    until: Instant,
    items: z.array(
      z.strictObject({
        from: Instant,
        requested: Count,
        granted: Count,
        denied: Count,
        revoked: Count,
        unlockedMs: Count,
      }),
    ),
  }),
);
export type Activity = z.infer<typeof Activity>;

export const WindowReport = named(
  'WindowReport',
  z.strictObject({
    window: Window,
    limits: z.array(LimitsSet).describe('Every change of its limits, oldest first.'),
    requests: z.array(Request),
    counts: z.record(z.string(), Count),
    signature: z
      .string()
      .describe('The line of a C2SP signed note over the RFC 8785 text of the other members.'),
  }),
);
export type WindowReport = z.infer<typeof WindowReport>;
