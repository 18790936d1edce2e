/** The live MQTT sessions of a user. */
import type { EmbeddedBroker } from '../broker/ports/embedded.ts';
import { hiddenNames, type Paging, paged } from './paging.ts';

export interface SessionViewOptions {
  /** Null: there is no embedded broker, and no other lists its sessions. */
  readonly broker: () => Pick<EmbeddedBroker, 'sessions'> | null;
}

export function createSessionViews(options: SessionViewOptions) {
  const hiddenName = hiddenNames();
  return {
    /** The newest first. */
    sessions(username: string, query: Paging, seeing: boolean) {
      const live = (options.broker()?.sessions() ?? [])
        .filter((session) => session.username === username)
        .sort((a, b) => (a.since < b.since ? 1 : -1))
        .map(({ clientId, source, protocol, since }) => ({
          broker: 'embedded',
          clientId,
          source,
          protocol,
          since,
        }));
      const page = paged('sessions', live, (session) => hiddenName(session.clientId), query);
      const hidden = seeing ? {} : { clientId: null, source: null };
      return { ...page, items: page.items.map((session) => ({ ...session, ...hidden })) };
    },
  };
}
