/** Publishes the registry's changes as MQTT messages on `gatebook/registry/…`, read by permission as any topic. */
import { registryRoot } from '../../domain/matching.ts';
import type { EmbeddedBroker, RenderedMessages } from '../broker/ports/embedded.ts';
import { liveHeartbeatMs } from '../limits/http.ts';
import { registryTopicsGatherMs } from '../limits/notifications.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import { knockAsShown } from '../views/requests.ts';
import type { Views } from '../views/views.ts';
import { entryData } from './entry-data.ts';
import type { LiveEntry, LiveEvents } from './live-events.ts';
import { stateTopic, windowTopic } from './registry-states.ts';

interface RegistryTopicsOptions {
  readonly liveEvents: LiveEvents;
  readonly views: Pick<Views, 'proposal' | 'request' | 'schedule' | 'user' | 'users' | 'window'>;
  readonly broker: Pick<EmbeddedBroker, 'publish' | 'isRead' | 'isAnyReadBelow'>;
  /** What the broker shows to whoever subscribes. */
  readonly states: RenderedMessages;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A message that may be due: it is made only where somebody reads its topic. */
interface TopicMessage {
  readonly topic: string;
  readonly event: string;
  readonly at: string;
  /** Undefined: the subject is gone, and its retained message is deleted. */
  readonly data: () => unknown;
  readonly retain: boolean;
}

/**
 * Publishes until the signal aborts; resolves then. What nobody is subscribed to is not made. What is retained is
 * not published for those who come later: the broker makes it anew for them. Personal fields are left out: a topic
 * has many readers.
 */
export async function publishRegistry(options: RegistryTopicsOptions): Promise<void> {
  const { liveEvents, logger, signal } = options;
  const reader = liveEvents.read(null);
  try {
    while (!signal.aborted)
      try {
        const { reset, entries, knocks } = await reader.next(liveHeartbeatMs, signal);
        if (reset) await publishStates(options);
        if (mayBeRead(options, entries))
          for (const entry of entries)
            for (const message of messagesOf(options, entry)) await publish(options, message);
        for (const knock of knocks)
          await publish(options, {
            ...{ topic: `${registryRoot}/knocks`, event: 'knock', at: knock.lastAt },
            ...{ data: () => knockAsShown(knock, false), retain: false },
          });
        // What changes again meanwhile is published once.
        await pause(registryTopicsGatherMs, signal);
      } catch (error) {
        if (!signal.aborted) logger.warn('An event could not be published by MQTT', { error });
      }
  } finally {
    reader.close();
  }
}

/** Many entries are looked at one by one only where somebody reads any of the topics: mostly nobody does. */
const mayBeRead = (
  { broker }: Pick<RegistryTopicsOptions, 'broker'>,
  { length }: readonly LiveEntry[],
): boolean => length > 0 && broker.isAnyReadBelow(registryRoot, sessionsPerEntry * length);

/** So many sessions can be looked at in the time that the messages of one entry take, to find that nobody reads them. */
const sessionsPerEntry = 4;

/** More changed than was queued: whoever reads is told how everything is. */
async function publishStates({ broker, states, signal }: RegistryTopicsOptions): Promise<void> {
  if (!broker.isAnyReadBelow(registryRoot)) return;
  for await (const { topic, payload } of states.matching(`${registryRoot}/#`)) {
    if (signal.aborted) return;
    if (await broker.isRead(topic)) await broker.publish(topic, payload, { retain: true });
  }
}

function messagesOf(options: RegistryTopicsOptions, entry: LiveEntry): TopicMessage[] {
  const { views } = options;
  const { name: event, key, at, username } = entry;
  const its = async () => (await entryData(views, entry, false)) ?? null;
  // What waits for approval or is scheduled concerns people, who see it at the page; no device reads of it.
  if (event === 'proposal.changed' || event === 'schedule.changed') return [];
  if (event.startsWith('window.')) {
    const data = () => views.window();
    // Of now, should it have been locked again since.
    const now = `window.${views.window().status}`;
    return [{ topic: windowTopic, event: now, at, data, retain: true }];
  }
  if (event.startsWith('request.')) {
    const topic = `${registryRoot}/requests/${username}`;
    return [{ topic, event, at, data: its, retain: false }];
  }
  const state: TopicMessage = {
    ...{ topic: stateTopic(key), event: 'user.changed', at, retain: true },
    data: () => views.user(key),
  };
  if (event === 'user.changed') return [state];
  if (event === 'user.ending') {
    const topic = `${registryRoot}/clients/${key}/ending`;
    return [{ topic, event, at, data: its, retain: false }];
  }
  // The state contains the activations, too: who reads it alone must not be left with that of before.
  const topic = `${registryRoot}/clients/${key}/activation`;
  return [{ topic, event, at, data: its, retain: false }, state];
}

async function publish(
  { broker }: RegistryTopicsOptions,
  { topic, event, at, data: made, retain }: TopicMessage,
): Promise<void> {
  if (!(await broker.isRead(topic))) return;
  const data = await made();
  const payload = data === undefined ? '' : JSON.stringify({ event, at, data });
  await broker.publish(topic, payload, { retain });
}
