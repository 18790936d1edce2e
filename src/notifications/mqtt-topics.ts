/** Publishes the registry's changes as MQTT messages on `gatebook/registry/…`, read by permission as any topic. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { covers, levelsOf, registryRoot } from '../../domain/matching.ts';
import type { EmbeddedBroker, RetainedOnDemand } from '../broker/ports/embedded.ts';
import { liveHeartbeatMs, registryStatesMax } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { knockAsShown } from '../views/requests.ts';
import type { Views } from '../views/views.ts';
import { entryData } from './entry-data.ts';
import type { LiveEntry, LiveEvents } from './live-events.ts';

interface RegistryTopicsOptions {
  readonly liveEvents: LiveEvents;
  readonly views: Pick<Views, 'request' | 'user' | 'users' | 'window'>;
  readonly broker: Pick<EmbeddedBroker, 'publish' | 'hasReader' | 'hasReaderBelow'>;
  readonly now: () => string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

interface TopicMessage {
  readonly event: string;
  readonly at: string;
  /** Undefined: the subject is gone, and so is what was retained of it. */
  readonly data: unknown;
}

const windowTopic = `${registryRoot}/window`;
const clientsRoot = `${registryRoot}/clients`;
const stateTopic = (username: string) => `${clientsRoot}/${username}/state`;

/** Where a username stands in the levels of its state's topic. */
const usernameAt = levelsOf(stateTopic('')).indexOf('');

/**
 * Publishes until the signal aborts; resolves then. What nobody has subscribed to is not made. The window is
 * retained, and published again at each start, because the embedded broker keeps nothing. Personal fields are
 * left out: a topic has many readers.
 */
export async function publishRegistry(options: RegistryTopicsOptions): Promise<void> {
  const { liveEvents, logger, signal } = options;
  const reader = liveEvents.read(null);
  try {
    // At the start; and after a reset, because who has subscribed may have missed changes.
    let isResetDue = true;
    while (!signal.aborted)
      try {
        if (isResetDue) await publishStates(options);
        isResetDue = false;
        const { reset, entries, knocks } = await reader.next(liveHeartbeatMs, signal);
        isResetDue = reset;
        for (const entry of entries) await publishEntry(options, entry);
        for (const knock of knocks)
          await publishWhereRead(options, `${registryRoot}/knocks`, false, async () => ({
            ...{ event: 'knock', at: knock.lastAt, data: knockAsShown(knock, false) },
          }));
      } catch (error) {
        if (!signal.aborted) logger.warn('An event could not be published by MQTT', { error });
      }
  } finally {
    reader.close();
  }
}

/** The state of each client is read when somebody subscribes: of the newest ones where a filter matches many. */
export function registryStates(options: {
  readonly views: Pick<Views, 'user' | 'users'>;
  readonly now: () => string;
}): RetainedOnDemand {
  const { views, now } = options;
  type User = Awaited<ReturnType<Views['users']>>['items'][number];
  const message = (user: User) => ({
    topic: stateTopic(user.username),
    payload: payloadOf({ event: 'user.changed', at: now(), data: user }),
  });
  return {
    has(topic) {
      const name = levelsOf(topic)[usernameAt];
      return name !== undefined && topic === stateTopic(name);
    },
    async *matching(filter) {
      const levels = levelsOf(filter);
      const named = levels.length > usernameAt ? levels[usernameAt] : undefined;
      const isOne = named !== undefined && named !== '+' && named !== '#';
      if (!covers(levels, levelsOf(stateTopic(isOne ? named : 'any')))) return;
      if (!isOne) {
        for await (const user of newestUsers(views)) yield message(user);
        return;
      }
      const user = views.user(named);
      if (user !== undefined) yield message(user);
    },
  };
}

const usersAtOnce = 100;

async function* newestUsers(views: Pick<Views, 'users'>) {
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await views.users({ limit: usersAtOnce, cursor });
    yield* page.items;
    count += page.items.length;
    cursor = page.nextCursor ?? undefined;
    // Few clients at a time, so that nothing else waits for a wide subscription.
    await nextTurn();
  } while (cursor !== undefined && count < registryStatesMax);
}

/** The window's, and those of the newest clients to who reads them. */
async function publishStates(options: RegistryTopicsOptions): Promise<void> {
  const { views, broker, now, signal } = options;
  const at = now();
  await publishWindow(options, at);
  if (!broker.hasReaderBelow(clientsRoot)) return;
  for await (const user of newestUsers(views)) {
    if (signal.aborted) return;
    await publishWhereRead(options, stateTopic(user.username), true, async () => ({
      ...{ event: 'user.changed', at, data: user },
    }));
  }
}

const publishWindow = ({ views, broker }: RegistryTopicsOptions, at: string): Promise<void> => {
  const data = views.window();
  const payload = payloadOf({ event: `window.${data.status}`, at, data });
  return broker.publish(windowTopic, payload, { retain: true });
};

async function publishEntry(options: RegistryTopicsOptions, entry: LiveEntry): Promise<void> {
  const { views } = options;
  const { name: event, username, at } = entry;
  if (event.startsWith('window.')) return await publishWindow(options, at);
  if (username === null) return;
  const data = async () => (await entryData(views, entry, false)) ?? null;
  const state = () =>
    publishWhereRead(options, stateTopic(username), true, async () => ({
      ...{ event: 'user.changed', at, data: views.user(username) },
    }));
  if (event === 'user.changed') return await state();
  const isRequest = event.startsWith('request.');
  const topic = isRequest
    ? `${registryRoot}/requests/${username}`
    : `${clientsRoot}/${username}/activation`;
  await publishWhereRead(options, topic, false, async () => ({ event, at, data: await data() }));
  // The state contains the activations, too.
  if (!isRequest) await state();
}

async function publishWhereRead(
  { broker }: RegistryTopicsOptions,
  topic: string,
  retain: boolean,
  message: () => Promise<TopicMessage>,
): Promise<void> {
  if (await broker.hasReader(topic))
    await broker.publish(topic, payloadOf(await message()), { retain });
}

const payloadOf = ({ event, at, data }: TopicMessage): string =>
  data === undefined ? '' : JSON.stringify({ event, at, data });
