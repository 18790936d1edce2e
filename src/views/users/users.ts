/** Users, with their rights and what the brokers report of them. */
import { certificateEndsAt } from '../../../domain/client/state.ts';
import type { ClientRow } from '../../../projections/clients.ts';
import type { Authority } from '../../authority.ts';
import type { EmbeddedBroker } from '../../broker/ports/embedded.ts';
import { addMs } from '../../platform/instant.ts';
import type { Condition } from '../../read-models/condition-sql.ts';
import type { RowPage, Rows } from '../../read-models/row-table.ts';
import type { Sightings } from '../../sightings/sightings.ts';
import type { ActivationViews } from '../activations.ts';
import { mapPage, type Paging, paged, search, whenGiven } from '../paging.ts';
import type { SharedKeys } from '../shared-keys.ts';
import { byName, endingWithin } from './ends.ts';
import { usersCounted } from './total.ts';
import { unseenSince } from './unseen.ts';

const dayMs = 24 * 3_600_000;

export interface UserViewOptions {
  readonly rows: { readonly clients: Rows<ClientRow> };
  readonly authority: Authority;
  /** Null: there is no embedded broker. */
  readonly broker: () => Pick<EmbeddedBroker, 'sessionCount' | 'sessions' | 'lastPackets'> | null;
  readonly sightings: Pick<Sightings, 'of' | 'unseen'>;
  /** How long a client may not be seen; null: nobody is stale. */
  readonly staleAfterMs: number | null;
  readonly now: () => string;
}

type UsersQuery = Paging & {
  readonly status?: string | undefined;
  readonly role?: string | undefined;
  readonly q?: string | undefined;
  readonly certificateEndsWithinDays?: number | undefined;
  readonly endsWithinDays?: number | undefined;
  readonly unseenForDays?: number | undefined;
  readonly stale?: boolean | undefined;
  readonly connected?: boolean | undefined;
  readonly sort?: 'newest' | 'oldest' | 'name' | undefined;
  readonly total?: boolean | undefined;
};

/** What opens: a password where none but it does, and the certificates, the current one first. */
function credentialsIn({ credential, state }: ClientRow) {
  if (credential === null || (state.status !== 'active' && state.status !== 'suspended')) return [];
  const { key, certificate, next, passwordOpens } = state;
  const held = [
    ...(certificate !== null && key !== null ? [{ ...certificate, key }] : []),
    ...(next !== null ? [next] : []),
  ];
  return [
    ...(passwordOpens ? [{ ...credential, expiresAt: null }] : []),
    ...held.map(({ serial, issuedAt, notAfter, key: { fingerprint } }) => ({
      ...{ credentialId: credential.credentialId, kind: 'certificate' as const },
      ...{ createdAt: issuedAt, expiresAt: notAfter, serial, fingerprint },
    })),
  ];
}

/** The part of `User` that comes from the log alone. */
export const recordedOf = (row: ClientRow) => ({
  username: row.username,
  status: row.status,
  origin: row.origin,
  roles: row.roles,
  permissions: row.permissions,
  mqttPublishPrefix: row.mqttPublishPrefix,
  mqttClientId: row.mqttClientId,
  expiresAt: row.expiresAt,
  credentials: credentialsIn(row),
  requestId: row.requestId,
  reason: row.reason,
  blockedUntil: row.blockedUntil,
  createdAt: row.createdAt,
  changedAt: row.changedAt,
});

/** For how long the query wants nobody to have been seen; undefined: it does not ask. Where nobody is stale, for ever. */
function unseenIn({ stale, unseenForDays }: UsersQuery, staleAfterMs: number | null) {
  const asked = [
    ...(unseenForDays === undefined ? [] : [unseenForDays * dayMs]),
    ...(stale === true ? [staleAfterMs ?? Number.MAX_SAFE_INTEGER] : []),
  ];
  return asked.length === 0 ? undefined : Math.max(...asked);
}

/** What a list that is led to by an index leaves out. */
const wantedBy =
  ({ status, role, q, endsWithinDays, certificateEndsWithinDays }: UsersQuery, now: () => string) =>
  (row: ClientRow): boolean => {
    const text = q?.toLowerCase();
    const endsWithin = (end: string | null, days: number | undefined) =>
      days === undefined || (end !== null && end < addMs(now(), days * dayMs));
    return (
      (status === undefined || row.status === status) &&
      (role === undefined || row.roles.includes(role)) &&
      (text === undefined || row.username.toLowerCase().includes(text)) &&
      endsWithin(row.expiresAt, endsWithinDays) &&
      endsWithin(certificateEndsAt(row.state), certificateEndsWithinDays)
    );
  };

/** Nothing is told of an erased name, though its session may have closed since. */
function seenOf(
  { sightings, broker }: Pick<UserViewOptions, 'sightings' | 'broker'>,
  { username, state }: ClientRow,
) {
  if (state.status === 'unknown' && state.since === 'erasure')
    return { lastSeenAt: null, sessionTotal: 0 };
  const { seenMs, sessionTotal } = sightings.of(username);
  const packets = broker()?.lastPackets(username) ?? [];
  const atMs = Math.max(seenMs ?? 0, ...packets.map((packet) => packet.atMs));
  return { lastSeenAt: atMs === 0 ? null : new Date(atMs).toISOString(), sessionTotal };
}

/** Those with a live session now, by name: they are in memory. @throws MalformedCursor */
function connectedNow<View>(
  { rows, broker, now }: UserViewOptions,
  query: UsersQuery,
  view: (row: ClientRow) => View,
) {
  const names = new Set((broker()?.sessions() ?? []).map(({ username }) => username));
  const wanted = wantedBy(query, now);
  const found = [...names].sort().flatMap((username) => {
    const row = rows.clients.get(username);
    return row !== undefined && wanted(row) ? [row] : [];
  });
  const page = paged('connected users', found, ({ username }) => username, query);
  return { ...mapPage(page, view), ...(query.total === true && { total: found.length }) };
}

type ListOptions = Pick<UserViewOptions, 'rows' | 'sightings' | 'staleAfterMs' | 'now'>;

/** The rows of a list: along the index that leads to them, or found by any conditions. @throws MalformedCursor */
async function rowsOf(
  { rows: { clients }, sightings, staleAfterMs, now }: ListOptions,
  query: UsersQuery,
  where: readonly Condition[],
): Promise<RowPage<ClientRow>> {
  const { endsWithinDays, certificateEndsWithinDays, sort, limit, cursor } = query;
  const wanted = wantedBy(query, now);
  const unseenForMs = unseenIn(query, staleAfterMs);
  if (unseenForMs !== undefined)
    return await unseenSince(
      { clients, sightings },
      Date.parse(now()) - unseenForMs,
      wanted,
      query,
    );
  const ending = (column: 'endsAt' | 'certificateEndsAt', days: number) =>
    endingWithin({ column, clients, now }, days, wanted, query);
  if (endsWithinDays !== undefined) return await ending('endsAt', endsWithinDays);
  if (certificateEndsWithinDays !== undefined)
    return await ending('certificateEndsAt', certificateEndsWithinDays);
  if (sort !== 'name')
    return await clients.search({ limit, cursor, where, order: sort ?? 'newest' });
  const isListed = (row: ClientRow) =>
    wanted(row) && (query.status !== undefined || row.everGranted);
  return await byName(clients, isListed, query);
}

/** Null: what leads to them is counted nowhere, or there are too many. */
function totalOf(
  { rows, staleAfterMs }: ListOptions,
  query: UsersQuery,
  where: readonly Condition[],
): number | null {
  const { endsWithinDays, certificateEndsWithinDays } = query;
  const led = [unseenIn(query, staleAfterMs), endsWithinDays, certificateEndsWithinDays];
  return led.every((one) => one === undefined) ? usersCounted(rows.clients, where) : null;
}

export function createUserViews(
  options: UserViewOptions,
  activations: ActivationViews,
  sharedKeys: SharedKeys,
) {
  const { rows, authority } = options;

  function userOf(row: ClientRow) {
    const { username, state } = row;
    const broker = options.broker();
    const held = 'credentialId' in state ? state.credentialId : null;
    return {
      ...recordedOf(row),
      credentials: credentialsIn(row).map((one) =>
        'fingerprint' in one ? { ...one, ...sharedKeys(username, one.fingerprint) } : one,
      ),
      effectivePermissions: [...(authority.principal(username)?.effective ?? [])],
      ...seenOf(options, row),
      sessionCount: broker?.sessionCount(username) ?? 0,
      activations: activations.of(username, held, row.status === 'active'),
    };
  }

  return {
    user(username: string) {
      const row = rows.clients.get(username);
      return row && userOf(row);
    },

    /** Those who ever had access, unless the query has a status. */
    async users(query: UsersQuery) {
      const { status, role, q } = query;
      if (query.connected === true) return connectedNow(options, query, userOf);
      const where = [
        status === undefined ? { column: 'everGranted', is: 1 } : { column: 'status', is: status },
        ...whenGiven(role, (name) => ({ column: 'roles', includes: ` ${name} ` })),
        ...search(q, ['key']),
      ];
      const total = query.total === true ? { total: totalOf(options, query, where) } : {};
      return { ...mapPage(await rowsOf(options, query, where), userOf), ...total };
    },
  };
}
