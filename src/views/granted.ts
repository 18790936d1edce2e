/** What a granted client is told, and who is connected. */
import type { Authority } from '../authority.ts';
import type { EmbeddedBroker } from '../broker/ports/embedded.ts';
import type { ActivationViewOptions } from './activations.ts';
import { type Paging, paged } from './paging.ts';

export interface ConnectedViewOptions extends Pick<ActivationViewOptions, 'brokers'> {
  readonly authority: Authority;
  /** Null: no broker of our own. */
  readonly broker: () => Pick<EmbeddedBroker, 'sessions'> | null;
}

export function createConnectedViews(options: ConnectedViewOptions) {
  return {
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
      const principal = options.authority.principal(username);
      if (principal?.row.status !== 'active') return undefined;
      const { rights, requestId } = principal.row;
      return {
        status: 'granted' as const,
        requestId,
        username,
        roles: rights.roles,
        permissions: rights.permissions,
        mqttPublishPrefix: rights.mqttPublishPrefix,
        mqttClientId: rights.mqttClientId,
        expiresAt: rights.expiresAt,
        effectivePermissions: [...principal.effective],
        brokers: options.brokers().map(({ name, urls }) => ({ name, urls: [...urls] })),
        certificate: null,
      };
    },
  };
}
