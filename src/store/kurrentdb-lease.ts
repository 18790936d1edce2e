/**
 * The lease in KurrentDB: a persistent subscription that takes one subscriber is the lock. No event ever
 * goes through it; the work comes from each node's own catch-up subscription.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type KurrentDBClient,
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
export const kurrentLease = (connectionString: string, group: string): KurrentLease =>
  new Competitor(clientOf(connectionString), group);

class Competitor implements KurrentLease {
  readonly #client: KurrentDBClient;
  readonly #group: string;
  readonly #closing = new AbortController();
  /** Told when the lease was gained or lost. */
  readonly #listeners = new Set<() => void>();
  readonly #competing: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #subscription: PersistentSubscriptionToStream | undefined;
  #confirmed = false;
  #aliveMs = performance.now();

  constructor(client: KurrentDBClient, group: string) {
    this.#client = client;
    this.#group = group;
    // A pause shows as a gap between two ticks: whoever was away gives the lease back and asks again.
    this.#timer = setInterval(() => {
      const away = performance.now() - this.#aliveMs >= leaseMs;
      this.#aliveMs = performance.now();
      if (away) this.#lose();
    }, tickMs).unref();
    this.#competing = this.#compete();
  }

  held(): boolean {
    return this.#confirmed && performance.now() - this.#aliveMs < leaseMs;
  }

  async gained(timeoutMs: number): Promise<boolean> {
    const late = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]);
    while (!this.held() && !late.aborted) await this.#changeOr(late);
    return this.held();
  }

  async whileHeld(signal: AbortSignal, work: (held: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      if (!this.#confirmed) {
        await this.#changeOr(signal);
        continue;
      }
      const lost = new AbortController();
      const watch = () => {
        if (!this.#confirmed) lost.abort();
      };
      this.#listeners.add(watch);
      try {
        await work(AbortSignal.any([signal, lost.signal]));
      } finally {
        this.#listeners.delete(watch);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#timer);
    this.#lose();
    await this.#competing;
    await this.#client.dispose();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves at the next change, or when the signal aborts. */
  #changeOr(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#listeners.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.#listeners.add(end);
      signal.addEventListener('abort', end);
    });
  }

  #lose(): void {
    const had = this.#confirmed;
    this.#confirmed = false;
    // Destroying it alone would leave the server believing that it is held.
    this.#subscription?.unsubscribe().catch(() => undefined);
    this.#subscription = undefined;
    if (had) this.#changed();
  }

  async #compete(): Promise<void> {
    const { signal } = this.#closing;
    let made = false;
    while (!signal.aborted) {
      try {
        if (!made) await this.#make();
        made = true;
        await this.#hold();
      } catch {
        // The store does not answer: the next round asks again.
        made = false;
      }
      await delay(leaseRetryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #make(): Promise<void> {
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ maxSubscriberCount: 1 });
    try {
      await this.#client.createPersistentSubscriptionToStream(stream, this.#group, settings);
    } catch (error) {
      // It is there already, made by another node or an earlier start.
      if ((error as { type?: string }).type !== 'persistent-subscription-exists') throw error;
    }
  }

  /** Resolves when the subscription is over, or was refused because another node has it. */
  async #hold(): Promise<void> {
    const mine = this.#client.subscribeToPersistentSubscriptionToStream(stream, this.#group, {
      bufferSize: 1,
    });
    this.#subscription = mine;
    mine.on('confirmation', () => {
      if (this.#subscription !== mine) return;
      this.#confirmed = true;
      this.#aliveMs = performance.now();
      this.#changed();
    });
    await new Promise<void>((resolve) => {
      mine.once('error', () => resolve());
      mine.once('close', () => resolve());
      mine.resume();
    });
    if (this.#subscription === mine) this.#lose();
    mine.destroy();
  }
}
