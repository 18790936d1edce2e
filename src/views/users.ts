/** Users, with their rights and what the brokers report of them. */
import type { ClientRow } from '../../projections/clients.ts';
import type { Authority } from '../authority.ts';
import type { EmbeddedBroker } from '../broker/ports/embedded.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Sightings } from '../sightings/sightings.ts';
import type { ActivationViews } from './activations.ts';
import { certificatesEnding } from './certificate-ends.ts';
import { mapPage, type Paging, search, whenGiven } from './paging.ts';
import type { SharedKeys } from './shared-keys.ts';

export interface UserViewOptions {
  readonly rows: { readonly clients: Rows<ClientRow> };
  readonly authority: Authority;
  /** Null: there is no embedded broker. */
  readonly broker: () => Pick<EmbeddedBroker, 'sessionCount' | 'lastPackets'> | null;
  readonly sightings: Pick<Sightings, 'of'>;
  readonly now: () => string;
}

type UsersQuery = Paging & {
  readonly status?: string | undefined;
  readonly role?: string | undefined;
  readonly q?: string | undefined;
  readonly certificateEndsWithinDays?: number | undefined;
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

export function createUserViews(
  options: UserViewOptions,
  activations: ActivationViews,
  sharedKeys: SharedKeys,
) {
  const { rows, authority } = options;

  /** Nothing is told of an erased name, though its session may have closed since. */
  function seenOf({ username, state }: ClientRow) {
    if (state.status === 'unknown' && state.since === 'erasure')
      return { lastSeenAt: null, sessionTotal: 0 };
    const { seenMs, sessionTotal } = options.sightings.of(username);
    const packets = options.broker()?.lastPackets(username) ?? [];
    const atMs = Math.max(seenMs ?? 0, ...packets.map((packet) => packet.atMs));
    return { lastSeenAt: atMs === 0 ? null : new Date(atMs).toISOString(), sessionTotal };
  }

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
      ...seenOf(row),
      sessionCount: broker?.sessionCount(username) ?? 0,
      activations: activations.of(username, held, row.status === 'active'),
    };
  }

  function usersEnding(days: number, { status, role, q, ...page }: UsersQuery) {
    const text = q?.toLowerCase();
    const isWanted = (row: ClientRow) =>
      (status === undefined || row.status === status) &&
      (role === undefined || row.roles.includes(role)) &&
      (text === undefined || row.username.toLowerCase().includes(text));
    return certificatesEnding({ clients: rows.clients, now: options.now }, days, isWanted, page);
  }

  return {
    user(username: string) {
      const row = rows.clients.get(username);
      return row && userOf(row);
    },

    /** Those who ever had access, unless the query has a status. */
    async users({ certificateEndsWithinDays: days, ...query }: UsersQuery) {
      if (days !== undefined) return mapPage(await usersEnding(days, query), userOf);
      const { status, role, q, ...page } = query;
      const where = [
        status === undefined ? { column: 'everGranted', is: 1 } : { column: 'status', is: status },
        ...whenGiven(role, (name) => ({ column: 'roles', includes: ` ${name} ` })),
        ...search(q, ['key']),
      ];
      return mapPage(await rows.clients.search({ ...page, where }), userOf);
    },
  };
}
