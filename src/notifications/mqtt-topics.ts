/** Publishes the registry's changes as MQTT messages on `gatebook/registry/…`, read by permission as any topic. */
import { registryRoot } from '../../domain/matching.ts';
import type { EmbeddedBroker } from '../broker/ports/embedded.ts';
import { liveHeartbeatMs, registryStatesMax } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { knockAsShown } from '../views/requests.ts';
import type { Views } from '../views/views.ts';
import { entryData } from './entry-data.ts';
import type { LiveEntry, LiveEvents } from './live-events.ts';

interface RegistryTopicsOptions {
  readonly liveEvents: LiveEvents;
  readonly views: Pick<Views, 'request' | 'user' | 'users' | 'window'>;
  readonly broker: Pick<EmbeddedBroker, 'publish'>;
  readonly now: () => string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

interface TopicMessage {
  readonly topic: string;
  readonly event: string;
  readonly at: string;
  /** Undefined: the subject is gone, and its retained message is deleted. */
  readonly data: unknown;
  readonly retain: boolean;
}

const stateTopic = (username: string) => `${registryRoot}/clients/${username}/state`;

/**
 * Publishes until the signal aborts; resolves then. The state of each client and of the window is
 * retained, and published again at each start, because the embedded broker keeps nothing. Personal fields are
 * left out: a topic has many readers.
 */
export async function publishRegistry(options: RegistryTopicsOptions): Promise<void> {
  const { liveEvents, logger, signal } = options;
  const reader = liveEvents.read(null);
  try {
    let isResetDue = true;
    while (!signal.aborted)
      try {
        if (isResetDue) await publishStates(options);
        isResetDue = false;
        const { reset, entries, knocks } = await reader.next(liveHeartbeatMs, signal);
        isResetDue = reset;
        for (const entry of entries)
          for (const message of await messagesOf(options, entry)) await publish(options, message);
        for (const knock of knocks)
          await publish(options, {
            ...{ topic: `${registryRoot}/knocks`, event: 'knock', at: knock.lastAt },
            ...{ data: knockAsShown(knock, false), retain: false },
          });
      } catch (error) {
        if (!signal.aborted) logger.warn('An event could not be published by MQTT', { error });
      }
  } finally {
    reader.close();
  }
}

/** The newest of them, where there are more than the limit. */
async function publishStates(options: RegistryTopicsOptions): Promise<void> {
  const { views, now, signal } = options;
  const at = now();
  await publish(options, windowMessage(options, at));
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await views.users({ limit: 500, cursor });
    for (const user of page.items) {
      if (signal.aborted) return;
      await publish(options, {
        ...{ topic: stateTopic(user.username), event: 'user.changed', at },
        ...{ data: user, retain: true },
      });
    }
    count += page.items.length;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && count < registryStatesMax);
}

const windowMessage = ({ views }: RegistryTopicsOptions, at: string): TopicMessage => {
  const data = views.window();
  return {
    topic: `${registryRoot}/window`,
    event: `window.${data.status}`,
    at,
    data,
    retain: true,
  };
};

async function messagesOf(
  options: RegistryTopicsOptions,
  entry: LiveEntry,
): Promise<TopicMessage[]> {
  const { views } = options;
  const { name: event, key, at } = entry;
  if (event.startsWith('window.')) return [windowMessage(options, at)];
  const data = (await entryData(views, entry, false)) ?? null;
  if (event.startsWith('request.')) {
    const username = data !== null && 'username' in data ? data.username : '';
    return [{ topic: `${registryRoot}/requests/${username}`, event, at, data, retain: false }];
  }
  const user = views.user(key);
  const state = { topic: stateTopic(key), event: 'user.changed', at, data: user, retain: true };
  if (event === 'user.changed') return [state];
  // The state contains the activations, too: the retained message must not be that of before.
  return [
    { topic: `${registryRoot}/clients/${key}/activation`, event, at, data, retain: false },
    state,
  ];
}

const publish = (
  { broker }: RegistryTopicsOptions,
  { topic, event, at, data, retain }: TopicMessage,
): Promise<void> =>
  broker.publish(topic, data === undefined ? '' : JSON.stringify({ event, at, data }), { retain });
