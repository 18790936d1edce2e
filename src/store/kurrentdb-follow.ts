/** Follows an order of KurrentDB through every break of the connection: nothing missed, nothing twice. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { AllStreamSubscription } from '@kurrent/kurrentdb-client';
import { readBatchMax, storeAttemptMs } from '../limits.ts';
import { type Position, StoreUnavailable } from './event-store.ts';
import { bell } from './following.ts';
import type { Connection, Link } from './kurrentdb-connection.ts';
import { Unanswered, unavailableFrom } from './kurrentdb-errors.ts';
import { filterOf, type Order, placeOf, type Recorded, readPosition } from './kurrentdb-events.ts';
import { backOffMs } from './kurrentdb-insist.ts';

/** What came, and how far the order was searched with it. */
interface Passage {
  readonly events: readonly Recorded[];
  readonly place: Position;
}

/**
 * Begins after a position and ends, without an error, when the signal aborts. A lost subscription
 * begins again after the last place that was passed on.
 */
export async function* followingOrder<Item>(
  connection: Connection,
  order: Order,
  after: Position,
  signal: AbortSignal,
  convert: (events: readonly Recorded[]) => Promise<readonly Item[]> | readonly Item[],
): AsyncGenerator<readonly Item[], void, void> {
  let place = after;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const passage of subscribed(connection, order, place, signal)) {
        const items = await convert(passage.events);
        place = passage.place;
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

/** One subscription, until the signal aborts or the client is replaced. @throws what breaks it. */
async function* subscribed(
  connection: Connection,
  order: Order,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<Passage, void, void> {
  const link: Link = connection.link();
  const until = AbortSignal.any([signal, link.lost]);
  const news = bell();
  let failure: Error | undefined;
  let searched = after;
  const fail = (error: Error) => {
    failure ??= error;
    news.ring();
  };
  const subscription = link.client.subscribeToAll(
    {
      fromPosition: readPosition(after),
      filter: filterOf(order, (checkpoint) => {
        connection.heard();
        searched = checkpoint;
        news.ring();
      }),
    },
    { highWaterMark: readBatchMax },
  );
  const confirmed = setTimeout(
    () => fail(new Unanswered('the subscription was not confirmed')),
    storeAttemptMs,
  );
  subscription.once('confirmation', () => clearTimeout(confirmed));
  subscription.on('readable', news.ring);
  subscription.on('error', fail);
  subscription.on('close', () => fail(new Unanswered('the subscription ended')));
  try {
    let place = after;
    while (!until.aborted) {
      const events = taken(subscription);
      const last = events.at(-1);
      // What was searched counts only when all that was found in it has been taken.
      if (last !== undefined || searched > place) {
        place = last === undefined ? searched : placeOf(last);
        connection.heard();
        yield { events, place };
      } else if (failure) throw failure;
      else {
        // Nothing can come between the taking and the waiting: both are in one turn.
        await news.rung(until);
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
