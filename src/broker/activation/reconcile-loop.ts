/**
 * The clients that one broker has to be reconciled with, so many at once: those that changed in the log, and
 * those that a comparison of the whole broker found different.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { activationsAtOnceMax, repairWaitMs } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { createWakeup } from '../../platform/wakeup.ts';
import { Conflict, type StoredEvent, StoreUnavailable } from '../../store/event-store.ts';
import { LeaseLost } from '../../store/lease.ts';
import type { ActivationObstacle, BrokerState } from '../ports/activation.ts';
import { BrokerDown, BrokerRefused } from '../ports/broker.ts';
import type { Backoff } from './backoff.ts';
import { Comparison } from './drift.ts';
import { ActivationObstacles } from './obstacles.ts';
import { type ReconcileOptions, reconcileClient } from './reconcile.ts';

export interface ReconcileLoopOptions extends ReconcileOptions {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The event that changed a client; null: the client is reconciled without a change in the log. */
type ChangedBy = StoredEvent | null;

export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #backoff: Backoff;
  readonly #pending = new Map<string, ChangedBy>();
  readonly #obstacles = new ActivationObstacles();
  readonly #comparison: Comparison;
  #isComparisonDue = true;
  readonly #work = createWakeup();
  readonly #idle = createWakeup();

  constructor(options: ReconcileLoopOptions, backoff: Backoff) {
    this.#options = options;
    this.#backoff = backoff;
    this.#comparison = new Comparison(options);
  }

  /** Reconciles until the signal aborts; resolves then. */
  async run(): Promise<void> {
    const { signal, logger, broker } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#step();
        this.#backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof BrokerDown))
          logger.error('Activation cannot go on; trying again', { broker: broker.name, error });
        await this.#backoff.wait();
      }
    }
  }

  /** A client changed in the log. */
  changed(username: string, event: StoredEvent): void {
    this.#pending.set(username, event);
  }

  /** Reconciles a client though the log has no change of it. */
  add(username: string): void {
    if (!this.#pending.has(username)) this.#pending.set(username, null);
    this.#work.wake();
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Resolves when every client was tried that is waiting now, and when the signal aborts. */
  async idle(): Promise<void> {
    const idle = this.#idle.next(this.#options.signal);
    this.#work.wake();
    await idle;
  }

  /** Compares the whole broker with the log as soon as that is possible. */
  compareAgain(): void {
    this.#isComparisonDue = true;
    this.#work.wake();
  }

  /**
   * Compares the broker with the log now; with `repair` reconciles the clients that differ and compares
   * again. The result for a broker that is down stays that of the last comparison.
   */
  async compareNow(repair: boolean): Promise<void> {
    try {
      const repairs = await this.#comparison.make();
      if (!repair || repairs.length === 0) return;
      for (const username of repairs) this.add(username);
      const late = new AbortController();
      await Promise.race([
        this.idle(),
        delay(repairWaitMs, undefined, late).catch(() => undefined),
      ]);
      late.abort();
      await this.#comparison.make();
    } catch (error) {
      if (!(error instanceof BrokerDown)) throw error;
    }
  }

  /** The result of the last comparison. */
  get compared(): Pick<BrokerState, 'accountCount' | 'drift'> {
    return this.#comparison.state;
  }

  obstacle(username: string): ActivationObstacle | undefined {
    return this.#obstacles.get(username);
  }

  async #step(): Promise<void> {
    const { broker, signal } = this.#options;
    if (this.#pending.size === 0 && !this.#isComparisonDue) {
      this.#idle.wake();
      await this.#work.next(signal);
      return;
    }
    if (broker.status() === 'down') throw new BrokerDown(`${broker.name} is down`);
    if (this.#isComparisonDue) {
      this.#isComparisonDue = false;
      try {
        for (const username of await this.#comparison.make()) this.add(username);
      } catch (error) {
        this.#isComparisonDue = true;
        throw error;
      }
    }
    const batch = [...this.#pending].slice(0, activationsAtOnceMax);
    for (const [username] of batch) this.#pending.delete(username);
    const results = await Promise.allSettled(
      batch.map(([username, changedBy]) => reconcileClient(this.#options, username, changedBy)),
    );
    const fault = this.#settle(batch, results);
    if (fault !== undefined) throw fault;
  }

  /** Puts back the clients that are to be tried again, and records why the others are not active. */
  #settle(
    batch: readonly (readonly [string, ChangedBy])[],
    results: readonly PromiseSettledResult<string | null>[],
  ): unknown {
    let fault: unknown;
    for (const [at, [username, changedBy]] of batch.entries()) {
      const result = results[at];
      if (result?.status === 'fulfilled') this.#obstacles.reconciled(username, result.value);
      if (result?.status !== 'rejected') continue;
      const { reason } = result;
      if (isTransient(reason)) {
        this.#obstacles.reconciled(username, null);
        if (!this.#pending.has(username)) this.#pending.set(username, changedBy);
        fault = reason;
        continue;
      }
      // One client that cannot be reconciled delays no other.
      this.#obstacles.failed(username, reason);
      if (!(reason instanceof BrokerRefused))
        this.#options.logger.error('A client cannot be activated or shut out', {
          ...{ broker: this.#options.broker.name, username, error: reason },
        });
    }
    return fault;
  }
}

/** Faults that go away by themselves, so that the call is worth a retry. */
export const isTransient = (error: unknown): boolean =>
  [BrokerDown, LeaseLost, StoreUnavailable, Conflict].some((kind) => error instanceof kind);
