/**
 * From when to when somebody could publish or subscribe: as it was meant (granted, and not yet ended), and
 * as it was in effect (from a broker's acknowledgement to the closing of the sessions).
 */
import type { Rights } from '../../../domain/client/events.ts';
import type { RolePermissions } from '../../../domain/matching.ts';
import type { PastClient } from '../../../projections/clients.ts';
import { putsPrefixInFront } from '../../broker/ports/broker.ts';
import { type Entitlement, entitlementsFor, entitlementsOf } from './entitlements.ts';
import { type Moment, type Past, rolesAt } from './past.ts';

interface Span {
  readonly from: string;
  /** Null: it lasts. */
  readonly to: string | null;
}

export interface AccessEntry extends Entitlement {
  readonly username: string;
  readonly intended: Span;
  /** Null: no broker had acknowledged it. */
  readonly effective: Span | null;
  readonly broker: string | null;
}

/** The rights of a client that may act; null: of any other. */
export const activeRights = (client: PastClient | undefined): Rights | null =>
  client?.status === 'active' ? client.rights : null;

/** The question as brokers of one kind would answer it. */
interface QuestionToBrokers {
  /** Undefined: about all topics. */
  readonly topic: string | undefined;
  /** Whether they put the publish prefix in front of what is published. */
  readonly prefixed: boolean;
}

/** What somebody could at a moment, by the brokers through which it was so. */
export function accessOf(
  past: Past,
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
  past: Past,
  moment: Moment,
  username: string,
  question: QuestionToBrokers,
  live: readonly SpanAtBroker[],
): AccessEntry[] {
  const { topic } = question;
  const stretches = stretchesOf(past, username, question);
  const now = stretches.findLastIndex(({ since }) => since < moment.size);
  if (now < 0) return [];
  // Taken away already, but its sessions were not closed yet: what was held just before counts.
  const isHeld = stretches[now]?.holds === true;
  const before = stretches.findLastIndex(({ holds }, index) => index < now && holds);
  const at = isHeld || live.length === 0 ? now : before;
  return (stretches[at]?.entitlements ?? []).flatMap((entitlement): AccessEntry[] => {
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

/** One stretch of a client's history in which nothing that matters changed. */
interface Stretch {
  readonly since: number;
  readonly entitlements: readonly Entitlement[];
  /** When what was held ends by itself; null: it does not. */
  readonly expiresAt: string | null;
  readonly holds: boolean;
}

/** What of it is left where the publish prefix is put in front: nothing is published beside it. */
function behindPrefix(
  entitlements: readonly Entitlement[],
  rights: Rights,
  topic: string,
): readonly Entitlement[] {
  const prefix = rights.mqttPublishPrefix;
  if (prefix === null || (topic.startsWith(prefix) && topic.length > prefix.length))
    return entitlements;
  return entitlements.filter(({ operation }) => operation === 'read');
}

function entitlementsIn(
  question: QuestionToBrokers,
  username: string,
  rights: Rights,
  permissionsOf: RolePermissions,
): readonly Entitlement[] {
  const { topic, prefixed } = question;
  if (topic === undefined) return entitlementsOf(username, rights, permissionsOf);
  const entitlements = entitlementsFor(username, rights, permissionsOf, topic);
  return prefixed ? behindPrefix(entitlements, rights, topic) : entitlements;
}

function stretchesOf(past: Past, username: string, question: QuestionToBrokers): Stretch[] {
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
          entitlements: rights ? entitlementsIn(question, username, rights, permissionsOf) : [],
          expiresAt: rights?.expiresAt ?? null,
          holds: rights !== null,
        };
      });
  });
}

const same = (a: Entitlement, b: Entitlement, topic: string | undefined) =>
  a.operation === b.operation && (topic !== undefined || a.resource === b.resource);

/** The stretches around `at` in which an entitlement was held without a break. */
function spanOf(
  { atOf }: Past,
  stretches: readonly Stretch[],
  at: number,
  entitlement: Entitlement,
  topic: string | undefined,
): { span: Span; endedByLoss: boolean } {
  const has = (stretch: Stretch | undefined) =>
    stretch?.entitlements.some((one) => same(one, entitlement, topic)) === true;
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
function liveAt(past: Past, { size }: Moment, username: string): SpanAtBroker[] {
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
