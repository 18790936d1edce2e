/**
 * The lease in KurrentDB: a persistent subscription that takes one subscriber is the lock. No event ever
 * goes through it; the work comes from each node's own catch-up subscription.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type KurrentDBClient,
  persistentSubscriptionToStreamSettingsFromDefaults,
} from '@kurrent/kurrentdb-client';
import { leaseBeatMs, leaseMs, leaseRetryMs, storeAttemptMs } from '../../limits/store.ts';
import { createWakeup, type Wakeup } from '../../platform/wakeup.ts';
import type { Lease } from '../lease.ts';
import { clientOf } from './address.ts';
import { letGo } from './connection.ts';
import { isElsewhere } from './errors.ts';

const stream = 'gatebook-lease';

export interface KurrentLease extends Lease {
  /** Resolves with whether the lease was gained within `timeoutMs`. */
  gained(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Whether this node has the lease, by what the store last said. */
interface Tenure {
  readonly changed: Wakeup;
  /** Given by the store, and not known to be lost. */
  readonly given: () => boolean;
  /** Also heard of lately. The store gives it to another only when it heard nothing for longer. */
  readonly held: () => boolean;
  readonly begin: (askedMs: number) => void;
  /** The store answered what was asked at `askedMs`, on `performance.now()`. */
  readonly heard: (askedMs: number) => void;
  readonly end: () => void;
}

function createTenure(): Tenure {
  const changed = createWakeup();
  let given = false;
  let heardMs = 0;
  const set = (now: boolean) => {
    const before = given;
    given = now;
    if (before !== now) changed.wake();
  };
  return {
    changed,
    given: () => given,
    held: () => given && performance.now() - heardMs < leaseMs,
    begin(askedMs) {
      heardMs = askedMs;
      set(true);
    },
    heard(askedMs) {
      heardMs = Math.max(heardMs, askedMs);
    },
    end: () => set(false),
  };
}

/** `group` names what is leased: one holder for each. Competes for it until it is closed. */
export function kurrentLease(connectionString: string, group: string): KurrentLease {
  const closing = new AbortController();
  const tenure = createTenure();
  const competing = compete({ connectionString, group, tenure, signal: closing.signal });
  return {
    held: tenure.held,
    async gained(timeoutMs) {
      const late = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
      while (!tenure.held() && !late.aborted) await tenure.changed.next(late);
      return tenure.held();
    },
    async whileHeld(signal, work) {
      while (!signal.aborted) {
        if (tenure.given()) await workWhile(tenure, signal, work);
        else await tenure.changed.next(signal);
      }
    },
    async close() {
      closing.abort();
      await competing;
    },
  };
}

async function workWhile(
  { changed, given }: Tenure,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const done = new AbortController();
  const watched = AbortSignal.any([signal, done.signal]);
  const watching = (async () => {
    while (given() && !watched.aborted) await changed.next(watched);
    lost.abort();
  })();
  try {
    await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await watching;
  }
}

interface Competition {
  readonly connectionString: string;
  readonly group: string;
  readonly tenure: Tenure;
  readonly signal: AbortSignal;
}

async function compete({ connectionString, group, tenure, signal }: Competition): Promise<void> {
  let client = clientOf(connectionString);
  let made = false;
  while (!signal.aborted) {
    let end: 'ended' | 'silent' = 'ended';
    try {
      if (!made) await makeGroup(client, group);
      made = true;
      end = await hold(client, group, tenure, signal);
    } catch (error) {
      // The store does not answer: the next round asks again.
      made = false;
      if (isElsewhere(error) || (error as { type?: string }).type === 'deadline-exceeded')
        end = 'silent';
    }
    if (end === 'silent') {
      await letGo(client);
      client = clientOf(connectionString);
    }
    await delay(leaseRetryMs, undefined, { signal }).catch(() => undefined);
  }
  await letGo(client);
}

async function makeGroup(client: KurrentDBClient, group: string): Promise<void> {
  const settings = persistentSubscriptionToStreamSettingsFromDefaults({ maxSubscriberCount: 1 });
  try {
    await client.createPersistentSubscriptionToStream(stream, group, settings, {
      deadline: storeAttemptMs,
    });
  } catch (error) {
    // It is there already, made by another node or an earlier start.
    if ((error as { type?: string }).type !== 'persistent-subscription-exists') throw error;
  }
}

/**
 * One try. Resolves when the subscription is over, or was refused because another node has it; `silent`
 * when nothing was heard for so long that the connection cannot be trusted, or this process stood still.
 */
async function hold(
  client: KurrentDBClient,
  group: string,
  tenure: Tenure,
  signal: AbortSignal,
): Promise<'ended' | 'silent'> {
  const over = Promise.withResolvers<'ended' | 'silent'>();
  const askedMs = performance.now();
  const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group, {
    bufferSize: 1,
  });
  const begin = () => tenure.begin(askedMs);
  subscription.on('confirmation', begin);
  subscription.on('error', () => over.resolve('ended'));
  subscription.on('close', () => over.resolve('ended'));
  subscription.resume();

  let isAsking = false;
  // A subscription through which nothing goes does not tell that its connection is dead.
  const beat = async () => {
    const beatMs = performance.now();
    isAsking = true;
    try {
      const { connections } = await client.getPersistentSubscriptionToStreamInfo(stream, group, {
        deadline: storeAttemptMs,
      });
      if (connections.length === 0) over.resolve('ended');
      else tenure.heard(beatMs);
    } catch {
      // Silence counts from the last answer.
    }
    isAsking = false;
  };
  const timer = setInterval(() => {
    const isSilent = tenure.given() ? !tenure.held() : performance.now() - askedMs > storeAttemptMs;
    if (isSilent) over.resolve('silent');
    else if (tenure.given() && !isAsking) void beat();
  }, leaseBeatMs);
  timer.unref();
  const closed = () => over.resolve('ended');
  signal.addEventListener('abort', closed, { once: true });
  try {
    return await over.promise;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', closed);
    subscription.off('confirmation', begin);
    tenure.end();
    // Destroying it alone would leave the server believing that it is held.
    await subscription.unsubscribe().catch(() => undefined);
    subscription.destroy();
  }
}
