/** Follows an order of KurrentDB through every break of the connection: nothing missed, nothing twice. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { AllStreamSubscription } from '@kurrent/kurrentdb-client';
import { readBatchMax, storeAttemptMs } from '../../limits/store.ts';
import { createWakeup } from '../../platform/wakeup.ts';
import { type Position, StoreUnavailable } from '../event-store.ts';
import type { KurrentConnection } from './connection.ts';
import { Unanswered, unavailableFrom } from './errors.ts';
import { filterOf, type Order, placeOf, type Recorded, readPosition } from './events.ts';
import type { KurrentReading } from './read.ts';
import { backOffMs } from './retry.ts';

interface FollowOptions<Item> {
  readonly connection: KurrentConnection;
  readonly reading: Pick<KurrentReading, 'lastLogged' | 'lastOfAll'>;
  readonly order: Order;
  readonly signal: AbortSignal;
  /** `knownUntil`: whatever happened to streams up to there was before the subscription, and does not come from it. */
  readonly convert: (
    events: readonly Recorded[],
    knownUntil: Position,
  ) => Promise<readonly Item[]> | readonly Item[];
}

/**
 * Begins after a position and ends, without an error, when the signal aborts. A lost subscription
 * begins again after the last event that was passed on.
 */
export async function* followingOrder<Item>(
  after: Position,
  following: FollowOptions<Item>,
): AsyncGenerator<readonly Item[], void, void> {
  const { signal, convert } = following;
  let place = after;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const { events, knownUntil } of subscribed(place, following)) {
        const items = await convert(events, knownUntil);
        place = lastPlace(events) ?? place;
        failures = 0;
        if (signal.aborted) return;
        if (items.length > 0) yield items;
      }
    } catch (error) {
      if (!(unavailableFrom(error) instanceof StoreUnavailable)) throw error;
      await delay(backOffMs(failures), undefined, { signal }).catch(() => undefined);
      failures += 1;
    }
  }
}

interface SubscribedEvents {
  readonly events: readonly Recorded[];
  readonly knownUntil: Position;
}

/** One subscription, until the signal aborts or the client is replaced. @throws what breaks it. */
async function* subscribed(
  after: Position,
  { connection, reading, order, signal }: Omit<FollowOptions<never>, 'convert'>,
): AsyncGenerator<SubscribedEvents, void, void> {
  const { client, lost } = connection.link();
  const until = AbortSignal.any([signal, lost]);
  // EventStoreDB 23.10 leaves out an event when the one that a subscription begins after was scavenged.
  // Of the vault that may be so; events of the log stay for ever.
  const start = order === 'log' ? after : await reading.lastLogged(after);
  const knownUntil = order === 'log' ? after : await reading.lastOfAll();
  const news = createWakeup();
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    news.wake();
  };
  const subscription = client.subscribeToAll(
    { fromPosition: readPosition(start), filter: filterOf(order) },
    { highWaterMark: readBatchMax },
  );
  const confirmed = setTimeout(
    () => fail(new Unanswered('the subscription was not confirmed')),
    storeAttemptMs,
  );
  subscription.once('confirmation', () => clearTimeout(confirmed));
  subscription.on('readable', news.wake);
  subscription.on('error', fail);
  subscription.on('close', () => fail(new Unanswered('the subscription ended')));
  try {
    while (!until.aborted) {
      const events = taken(subscription);
      if (events.length > 0) {
        connection.heard();
        const fresh = events.filter((event) => placeOf(event) > after);
        if (fresh.length > 0) yield { events: fresh, knownUntil };
      } else if (failure) throw failure;
      else {
        // Nothing can come between the taking and the waiting: both are in one turn.
        await news.next(until);
        // What comes together is passed on together.
        await nextTurn();
      }
    }
  } finally {
    clearTimeout(confirmed);
    // It may never have begun.
    await subscription.unsubscribe().catch(() => undefined);
    subscription.destroy();
  }
}

const lastPlace = (events: readonly Recorded[]): Position | undefined => {
  const last = events.at(-1);
  return last && placeOf(last);
};

/** What has come already, at most a batch. */
function taken(subscription: AllStreamSubscription): Recorded[] {
  const events: Recorded[] = [];
  while (events.length < readBatchMax) {
    const resolved = subscription.read();
    if (resolved === null) break;
    if (resolved.event !== undefined) events.push(resolved.event);
  }
  return events;
}
