/**
 * The lease in KurrentDB: a persistent subscription that takes one subscriber is the lock. No event ever
 * goes through it; the work comes from each node's own catch-up subscription.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
} from '@kurrent/kurrentdb-client';
import type { Lease } from '../lease.ts';
import { leaseMs, leaseRetryMs } from '../limits.ts';
import { clientOf } from './kurrentdb-address.ts';

const stream = 'gatebook-lease';
const tickMs = 250;

export interface KurrentLease extends Lease {
  /** Resolves with whether the lease was gained within `timeoutMs`. */
  gained(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** `group` names what is leased: one holder for each. Competes for it until it is closed. */
export function kurrentLease(connectionString: string, group: string): KurrentLease {
  const client = clientOf(connectionString);
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  let subscription: PersistentSubscriptionToStream | undefined;
  let confirmed = false;
  let aliveMs = performance.now();

  const held = () => confirmed && performance.now() - aliveMs < leaseMs;
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };

  function lose(): void {
    const had = confirmed;
    confirmed = false;
    // Destroying it alone would leave the server believing that it is held.
    subscription?.unsubscribe().catch(() => undefined);
    subscription = undefined;
    if (had) changed();
  }

  // A pause shows as a gap between two ticks: whoever was away gives the lease back and asks again.
  const timer = setInterval(() => {
    const away = performance.now() - aliveMs >= leaseMs;
    aliveMs = performance.now();
    if (away) lose();
  }, tickMs);
  timer.unref();

  async function make(): Promise<void> {
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ maxSubscriberCount: 1 });
    try {
      await client.createPersistentSubscriptionToStream(stream, group, settings);
    } catch (error) {
      // It is there already, made by another node or an earlier start.
      if ((error as { type?: string }).type !== 'persistent-subscription-exists') throw error;
    }
  }

  /** Resolves when the subscription is over, or was refused because another node has it. */
  async function hold(): Promise<void> {
    const mine = client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize: 1 });
    subscription = mine;
    mine.on('confirmation', () => {
      if (subscription !== mine) return;
      confirmed = true;
      aliveMs = performance.now();
      changed();
    });
    await new Promise<void>((resolve) => {
      mine.once('error', () => resolve());
      mine.once('close', () => resolve());
      mine.resume();
    });
    if (subscription === mine) lose();
    mine.destroy();
  }

  async function compete(): Promise<void> {
    let made = false;
    while (!closing.signal.aborted) {
      try {
        if (!made) await make();
        made = true;
        await hold();
      } catch {
        // The store does not answer: the next round asks again.
        made = false;
      }
      await delay(leaseRetryMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }
  const competing = compete();

  const next = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const end = () => {
        listeners.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      listeners.add(end);
      signal.addEventListener('abort', end);
    });

  return {
    held,
    async gained(timeoutMs) {
      const late = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
      while (!held() && !late.aborted) await next(late);
      return held();
    },
    async whileHeld(signal, work) {
      while (!signal.aborted) {
        if (!confirmed) {
          await next(signal);
          continue;
        }
        const lost = new AbortController();
        const watch = () => {
          if (!confirmed) lost.abort();
        };
        listeners.add(watch);
        try {
          await work(AbortSignal.any([signal, lost.signal]));
        } finally {
          listeners.delete(watch);
        }
      }
    },
    async close() {
      closing.abort();
      clearInterval(timer);
      lose();
      await competing;
      await client.dispose();
    },
  };
}
