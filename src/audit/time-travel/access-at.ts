/**
 * Who could publish or subscribe at a moment: as it was meant (granted, and not yet ended), and as it
 * was in effect (from a broker's acknowledgement to the closing of the sessions).
 */
import type { Rights } from '../../../domain/client/events.ts';
import type { RolePermissions } from '../../../domain/permission.ts';
import { builtInRoles } from '../../../domain/role.ts';
import type { PastActivation } from '../../../projections/activations.ts';
import type { PastClient } from '../../../projections/clients.ts';
import type { RoleRow } from '../../../projections/roles.ts';
import { putsPrefixInFront } from '../../broker/ports/broker.ts';
import { MalformedCursor, type RowPage } from '../../read-models/row-table.ts';
import type { VersionedRows } from '../../read-models/row-versions.ts';
import {
  type Entitlement,
  entitlementsFor,
  entitlementsForMany,
  entitlementsOf,
} from './entitlements.ts';

interface Span {
  readonly from: string;
  /** Null: it lasts. */
  readonly to: string | null;
}

interface AccessEntry extends Entitlement {
  readonly username: string;
  readonly intended: Span;
  /** Null: no broker had acknowledged it. */
  readonly effective: Span | null;
  readonly broker: string | null;
}

export interface PastAccess {
  readonly clients: VersionedRows<PastClient>;
  readonly roles: VersionedRows<RoleRow>;
  readonly activations: VersionedRows<PastActivation>;
  /** From when an event counts: its `at`, or a later one before it where the clock went back. */
  readonly atOf: (index: number) => string;
}

export interface Moment {
  /** ISO. */
  readonly at: string;
  /** How many events had happened by then. */
  readonly size: number;
}

export const rolesAt =
  ({ roles }: Pick<PastAccess, 'roles'>, size: number): RolePermissions =>
  (role) =>
    builtInRoles.get(role)?.permissions ?? roles.get(role, size)?.permissions ?? [];

/** The same, each role looked up once. */
function remembered(permissionsOf: RolePermissions): RolePermissions {
  const known = new Map<string, ReturnType<RolePermissions>>();
  return (role) => {
    const found = known.get(role) ?? permissionsOf(role);
    known.set(role, found);
    return found;
  };
}

const activeRights = (client: PastClient | undefined): Rights | null =>
  client?.status === 'active' ? client.rights : null;

interface AccessQuestion {
  readonly topic?: string | undefined;
  readonly username?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const cursorOf = (username: string) => Buffer.from(username).toString('base64url');

function afterOf(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const after = Buffer.from(cursor, 'base64url').toString();
  if (cursorOf(after) !== cursor) throw new MalformedCursor('the cursor is none of this list');
  return after;
}

/** Who could, by name; a page holds all of a name's rows. @throws MalformedCursor */
export function accessAt(
  past: PastAccess,
  moment: Moment,
  asked: AccessQuestion,
): RowPage<AccessEntry> {
  const after = afterOf(asked.cursor);
  const names = candidates(past, moment, asked).filter((name) => name > after);
  const items: AccessEntry[] = [];
  for (const [at, name] of names.entries()) {
    items.push(...ofClient(past, moment, name, asked.topic));
    if (items.length >= asked.limit && at + 1 < names.length)
      return { items, nextCursor: cursorOf(name) };
  }
  return { items, nextCursor: null };
}

/** The names that could, or whose sessions were not yet closed, in order. */
function candidates(past: PastAccess, { size }: Moment, asked: AccessQuestion): string[] {
  if (asked.username !== undefined) return [asked.username];
  const { topic = '' } = asked;
  const means = entitlementsForMany(remembered(rolesAt(past, size)), topic);
  const found: string[] = [];
  const active = new Set<string>();
  for (const [username, client] of past.clients.all(size)) {
    const rights = activeRights(client);
    if (rights === null) continue;
    active.add(username);
    if (means(username, rights).length > 0) found.push(username);
  }
  for (const [username, brokers] of past.activations.all(size))
    if (!active.has(username) && Object.values(brokers.active).includes(true)) found.push(username);
  return found.sort();
}

/** The question as brokers of one kind would answer it. */
interface AskedAtBrokers extends Pick<AccessQuestion, 'topic'> {
  /** Whether they put the publish prefix in front of what is published. */
  readonly prefixed: boolean;
}

/** One stretch of a client's history in which nothing that matters changed. */
interface Stretch {
  readonly since: number;
  readonly means: readonly Entitlement[];
  /** When what was held ends by itself; null: it does not. */
  readonly expiresAt: string | null;
  readonly holds: boolean;
}

/** What of it is left where the publish prefix is put in front: nothing is published beside it. */
function behindPrefix(
  means: readonly Entitlement[],
  rights: Rights,
  topic: string,
): readonly Entitlement[] {
  const prefix = rights.mqttPublishPrefix;
  if (prefix === null || (topic.startsWith(prefix) && topic.length > prefix.length)) return means;
  return means.filter(({ operation }) => operation === 'read');
}

function meansIn(
  asked: AskedAtBrokers,
  username: string,
  rights: Rights,
  permissionsOf: RolePermissions,
): readonly Entitlement[] {
  const { topic, prefixed } = asked;
  if (topic === undefined) return entitlementsOf(username, rights, permissionsOf);
  const means = entitlementsFor(username, rights, permissionsOf, topic);
  return prefixed ? behindPrefix(means, rights, topic) : means;
}

function stretchesOf(past: PastAccess, username: string, asked: AskedAtBrokers): Stretch[] {
  const clients = past.clients.versions(username);
  const roles = new Set(clients.flatMap(({ row }) => row?.rights?.roles ?? []));
  const roleChanges = [...roles].flatMap((role) =>
    past.roles.versions(role).map(({ since }) => since),
  );
  return clients.flatMap(({ since, until, row }) => {
    const rights = activeRights(row);
    const inside = roleChanges.filter(
      (change) => change > since && (until === null || change < until),
    );
    return [since, ...(rights ? inside : [])]
      .sort((a, b) => a - b)
      .map((begin): Stretch => {
        const permissionsOf = rolesAt(past, begin + 1);
        return {
          since: begin,
          means: rights ? meansIn(asked, username, rights, permissionsOf) : [],
          expiresAt: rights?.expiresAt ?? null,
          holds: rights !== null,
        };
      });
  });
}

const same = (a: Entitlement, b: Entitlement, topic: string | undefined) =>
  a.operation === b.operation && (topic !== undefined || a.resource === b.resource);

/** The stretches around `at` in which the means were held without a break. */
function spanOf(
  { atOf }: PastAccess,
  stretches: readonly Stretch[],
  at: number,
  entitlement: Entitlement,
  topic: string | undefined,
): { span: Span; endedByLoss: boolean } {
  const has = (stretch: Stretch | undefined) =>
    stretch?.means.some((one) => same(one, entitlement, topic)) === true;
  let first = at;
  while (has(stretches[first - 1])) first -= 1;
  let last = at;
  while (has(stretches[last + 1])) last += 1;
  const next = stretches[last + 1];
  const { expiresAt = null } = stretches[last] ?? {};
  const ended = next === undefined ? null : atOf(next.since);
  return {
    span: {
      from: atOf(stretches[first]?.since ?? 0),
      to: expiresAt !== null && (ended === null || expiresAt < ended) ? expiresAt : ended,
    },
    // Still active, but with other rights: the broker took them away without closing anything.
    endedByLoss: next?.holds === true,
  };
}

interface SpanAtBroker extends Span {
  readonly broker: string;
}

/** From each broker's acknowledgement to its closing, where that was so at the moment. */
function liveAt(past: PastAccess, { size }: Moment, username: string): SpanAtBroker[] {
  const versions = past.activations.versions(username);
  const at = versions.findLastIndex(({ since }) => since < size);
  const then = versions[at]?.row?.active ?? {};
  return Object.keys(then).flatMap((broker): SpanAtBroker[] => {
    const isActive = (index: number) => versions[index]?.row?.active[broker] === true;
    if (!isActive(at)) return [];
    let first = at;
    while (isActive(first - 1)) first -= 1;
    let next = at + 1;
    while (isActive(next)) next += 1;
    const end = versions[next];
    return [
      {
        broker,
        from: past.atOf(versions[first]?.since ?? 0),
        to: end === undefined ? null : past.atOf(end.since),
      },
    ];
  });
}

const later = (a: string, b: string) => (a > b ? a : b);
const earlier = (a: string | null, b: string | null) =>
  a === null ? b : b === null || a < b ? a : b;

function ofClient(
  past: PastAccess,
  moment: Moment,
  username: string,
  topic: string | undefined,
): AccessEntry[] {
  const live = liveAt(past, moment, username);
  const prefixed = live.filter(({ broker }) => putsPrefixInFront(broker));
  const plain = live.filter(({ broker }) => !putsPrefixInFront(broker));
  return [
    // As it was meant, where no broker had acknowledged anything.
    ...(prefixed.length > 0 || live.length === 0
      ? throughBrokers(past, moment, username, { topic, prefixed: true }, prefixed)
      : []),
    ...(plain.length > 0
      ? throughBrokers(past, moment, username, { topic, prefixed: false }, plain)
      : []),
  ];
}

/** By brokers that are alike in what they do with a publish prefix. */
function throughBrokers(
  past: PastAccess,
  moment: Moment,
  username: string,
  asked: AskedAtBrokers,
  live: readonly SpanAtBroker[],
): AccessEntry[] {
  const { topic } = asked;
  const stretches = stretchesOf(past, username, asked);
  const now = stretches.findLastIndex(({ since }) => since < moment.size);
  if (now < 0) return [];
  // Taken away already, but its sessions were not closed yet: what was held just before counts.
  const isHeld = stretches[now]?.holds === true;
  const before = stretches.findLastIndex(({ holds }, index) => index < now && holds);
  const at = isHeld || live.length === 0 ? now : before;
  return (stretches[at]?.means ?? []).flatMap((entitlement): AccessEntry[] => {
    const { span, endedByLoss } = spanOf(past, stretches, at, entitlement, topic);
    const isOver = span.to !== null && span.to <= moment.at;
    const effective = live.map((one) => ({
      broker: one.broker,
      from: later(one.from, span.from),
      to: endedByLoss ? earlier(one.to, span.to) : one.to,
    }));
    const intended = { ...entitlement, username, intended: span };
    if (effective.length > 0)
      return effective.map(({ broker, ...its }) => ({ ...intended, effective: its, broker }));
    return isOver ? [] : [{ ...intended, effective: null, broker: null }];
  });
}
