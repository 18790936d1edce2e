/**
 * One subscription to the log for all who follow it in this process. Whoever is behind it, because it begins
 * further back or is slow, has one of its own until that has come as far.
 */
import { readBatchMax } from '../../limits/store.ts';
import { createWakeup, type Wakeup } from '../../platform/wakeup.ts';
import type { Position, StoredEvent } from '../event-store.ts';
import { readPosition } from './events.ts';

type Follow = (after: Position, signal: AbortSignal) => AsyncIterable<readonly StoredEvent[]>;

/** It goes on whenever somebody has taken all that it brought. */
interface SharedSubscription {
  /** Everything up to there was handed on. */
  place: Position;
  readonly followers: Set<LogFollower>;
  readonly taken: Wakeup;
  readonly ending: AbortController;
  failure?: { readonly error: unknown };
}

interface LogFollower {
  /** Everything up to there was handed to it. */
  place: Position;
  /** What of that it has not taken yet, at most `readBatchMax`. */
  waiting: readonly StoredEvent[];
  readonly news: Wakeup;
  subscription?: SharedSubscription;
}

/** @param subscribe begins after a position, and ends without an error when the signal aborts */
export function sharedFollowing(subscribe: Follow): Follow {
  const { join, leave } = sharedSubscriptions(subscribe);
  return async function* (after, signal) {
    readPosition(after);
    if (signal.aborted) return;
    const follower: LogFollower = { place: after, waiting: [], news: createWakeup() };
    join(follower);
    try {
      while (!signal.aborted) {
        const { waiting, subscription } = follower;
        if (waiting.length > 0) {
          follower.waiting = [];
          subscription?.taken.wake();
          yield waiting;
        } else if (subscription?.failure) throw subscription.failure.error;
        // Nothing can come between the looking and the waiting: both are in one turn.
        else await follower.news.next(signal);
      }
    } finally {
      leave(follower);
    }
  };
}

/** The subscriptions that run, and who shares which. */
function sharedSubscriptions(subscribe: Follow) {
  const running = new Set<SharedSubscription>();

  /** From now on it is handed what comes after its place. */
  function join(follower: LogFollower): void {
    const there = [...running].find(({ place }) => place === follower.place);
    if (there) {
      moveTo(follower, there);
      return;
    }
    const subscription = {
      ...{ place: follower.place, followers: new Set<LogFollower>() },
      ...{ taken: createWakeup(), ending: new AbortController() },
    };
    running.add(subscription);
    moveTo(follower, subscription);
    void run(subscription);
  }

  function moveTo(follower: LogFollower, subscription: SharedSubscription): void {
    leave(follower);
    follower.subscription = subscription;
    subscription.followers.add(follower);
    subscription.taken.wake();
  }

  function leave(follower: LogFollower): void {
    const { subscription } = follower;
    subscription?.followers.delete(follower);
    if (subscription === undefined || subscription.followers.size > 0) return;
    running.delete(subscription);
    subscription.ending.abort();
  }

  async function run(subscription: SharedSubscription): Promise<void> {
    const { signal } = subscription.ending;
    try {
      await somebodyWaits(subscription);
      for await (const events of subscribe(subscription.place, signal)) {
        if (signal.aborted) return;
        handOn(subscription, events);
        await somebodyWaits(subscription);
      }
    } catch (error) {
      subscription.failure = { error };
      for (const { news } of subscription.followers) news.wake();
    } finally {
      running.delete(subscription);
    }
  }

  function handOn(subscription: SharedSubscription, events: readonly StoredEvent[]): void {
    const before = subscription.place;
    const now = events.at(-1)?.position ?? before;
    subscription.place = now;
    // It was behind this one, and is no longer.
    const reached = [...running].find(
      (other) => other !== subscription && before < other.place && other.place <= now,
    );
    for (const follower of [...subscription.followers]) {
      if (!handTo(follower, events)) join(follower);
      else if (reached) moveTo(follower, reached);
    }
  }

  return { join, leave };
}

/** False, and nothing is handed over, where too much waits already. */
function handTo(follower: LogFollower, events: readonly StoredEvent[]): boolean {
  const { place, waiting } = follower;
  const isNew = ({ position }: StoredEvent) => position > place;
  const fresh = events.every(isNew) ? events : events.filter(isNew);
  const last = fresh.at(-1);
  if (last === undefined) return true;
  if (waiting.length + fresh.length > readBatchMax) return false;
  follower.waiting = waiting.length === 0 ? fresh : [...waiting, ...fresh];
  follower.place = last.position;
  follower.news.wake();
  return true;
}

/** Resolves once somebody who shares it has taken everything, or when it ends. */
async function somebodyWaits({ followers, taken, ending }: SharedSubscription): Promise<void> {
  const isThrough = () => [...followers].some(({ waiting }) => waiting.length === 0);
  while (!ending.signal.aborted && !isThrough()) await taken.next(ending.signal);
}
