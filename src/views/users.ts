/** Users with what they may do, what the brokers know of them, and who of them is connected. */
import type { ClientRow } from '../../projections/clients.ts';
import type { Authority } from '../authority.ts';
import type { EmbeddedBroker } from '../broker/broker.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { ActivationViewOptions, ActivationViews } from './activations.ts';
import { asked, type Paging, paged, search, shown } from './paging.ts';

export interface UserViewOptions extends Pick<ActivationViewOptions, 'brokers'> {
  readonly rows: { readonly clients: Rows<ClientRow> };
  readonly authority: Authority;
  /** Sessions and last seen come from here; null: no broker of our own. */
  readonly broker: () => Pick<EmbeddedBroker, 'sessionCount' | 'lastSeenAt' | 'sessions'> | null;
}

/** What the log alone tells of a client, in the shape of `User`. */
export const recordedOf = (row: ClientRow) => ({
  username: row.username,
  status: row.status,
  origin: row.origin,
  roles: row.roles,
  permissions: row.permissions,
  mqttPublishPrefix: row.mqttPublishPrefix,
  mqttClientId: row.mqttClientId,
  expiresAt: row.expiresAt,
  credentials: row.credential ? [{ ...row.credential, expiresAt: null }] : [],
  requestId: row.requestId,
  reason: row.reason,
  blockedUntil: row.blockedUntil,
  createdAt: row.createdAt,
  changedAt: row.changedAt,
});

export function createUserViews(options: UserViewOptions, activations: ActivationViews) {
  const { rows, authority } = options;

  function userOf(row: ClientRow) {
    const { username, state } = row;
    const broker = options.broker();
    const held = 'credentialId' in state ? state.credentialId : null;
    return {
      ...recordedOf(row),
      effectivePermissions: [...(authority.standing(username)?.effective ?? [])],
      lastSeenAt: broker?.lastSeenAt(username) ?? null,
      sessionCount: broker?.sessionCount(username) ?? 0,
      activations: activations.of(username, held, row.status === 'active'),
    };
  }

  return {
    user(username: string) {
      const row = rows.clients.get(username);
      return row && userOf(row);
    },

    /** Those who ever had access, unless a status is asked for. */
    users({
      status,
      role,
      q,
      ...page
    }: Paging & {
      status?: string | undefined;
      role?: string | undefined;
      q?: string | undefined;
    }) {
      const where = [
        status === undefined ? { column: 'everGranted', is: 1 } : { column: 'status', is: status },
        ...asked(role, (name) => ({ column: 'roles', includes: ` ${name} ` })),
        ...search(q, ['key']),
      ];
      return shown(rows.clients.find({ ...page, where }), userOf);
    },

    /** Live sessions of a user, the newest first, where a broker can tell. */
    sessions(username: string, query: Paging, seeing: boolean) {
      const held = (options.broker()?.sessions() ?? [])
        .filter((session) => session.username === username)
        .sort((a, b) => (a.since < b.since ? 1 : -1))
        .map(({ clientId, source, protocol, since }) => ({
          broker: 'embedded',
          clientId,
          source,
          protocol,
          since,
        }));
      const page = paged(held, (session) => session.clientId, query);
      const hidden = seeing ? {} : { clientId: null, source: null };
      return { ...page, items: page.items.map((session) => ({ ...session, ...hidden })) };
    },

    /** What a granted client is told. */
    registered(username: string) {
      const standing = authority.standing(username);
      if (standing?.row.status !== 'active') return undefined;
      const { rights, requestId } = standing.row;
      return {
        status: 'granted' as const,
        requestId,
        username,
        roles: rights.roles,
        permissions: rights.permissions,
        mqttPublishPrefix: rights.mqttPublishPrefix,
        mqttClientId: rights.mqttClientId,
        expiresAt: rights.expiresAt,
        effectivePermissions: [...standing.effective],
        brokers: options.brokers().map(({ name, urls }) => ({ name, urls: [...urls] })),
        certificate: null,
      };
    },
  };
}
