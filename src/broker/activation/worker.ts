/**
 * One broker's lane of the process manager: follows the log from its own checkpoint, so that a broker that
 * is down holds up nobody else, and compares what should be with what its broker acknowledged.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AccessRow } from '../../../projections/access.ts';
import type { Authority } from '../../authority.ts';
import {
  activationsAtOnceMax,
  brokerRetryMs,
  reconcileEveryMs,
  repairWaitMs,
} from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { everyRow } from '../../read-models/every-row.ts';
import { PositionWaiters } from '../../read-models/position-waiters.ts';
import type { ReadModels } from '../../read-models/read-models.ts';
import {
  beginning,
  Conflict,
  categoryOf,
  type StoredEvent,
  StoreUnavailable,
} from '../../store/event-store.ts';
import { LeaseLost } from '../../store/lease.ts';
import type { ActivationObstacle, BrokerState } from '../ports/activation.ts';
import { type Broker, BrokerDown, BrokerRefused } from '../ports/broker.ts';
import { Backoff } from './backoff.ts';
import { Comparison } from './drift.ts';
import { ActivationObstacles } from './obstacles.ts';
import { accountOf, type BringingAbout, reconcileClient } from './reconcile.ts';

export interface ActivationWorkerOptions extends BringingAbout {
  readonly readModels: ReadModels;
  readonly authority: Authority;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What told of a change; null: nothing of the log did. */
type ChangedBy = StoredEvent | null;

export class ActivationWorker {
  readonly broker: Broker;
  readonly ended: Promise<void>;
  readonly #options: ActivationWorkerOptions;
  readonly #checkpoint: string;
  #done: { position: string; index: number };
  readonly #reaching = new PositionWaiters();
  /** Clients to look at. */
  readonly #changed = new Map<string, ChangedBy>();
  readonly #notes = new ActivationObstacles();
  readonly #comparison: Comparison;
  #comparisonIs: 'due' | 'made' = 'due';
  #idle: (() => void)[] = [];
  #wake: () => void = () => undefined;
  readonly #pauses: Backoff;

  constructor(options: ActivationWorkerOptions) {
    this.#options = options;
    this.#comparison = new Comparison(options);
    this.#pauses = new Backoff(options.signal);
    const { broker, readModels } = options;
    this.broker = broker;
    // The first broker had the bare name before there were others.
    this.#checkpoint =
      broker.name === 'embedded' ? 'activation-checkpoint' : `activation-checkpoint ${broker.name}`;
    const [position = beginning, index = '0'] =
      readModels.getBookmark(this.#checkpoint)?.split(' ') ?? [];
    this.#done = { position, index: Number(index) };
    broker.onUp(() => {
      this.#compareAgain();
      this.#pauses.end();
    });
    const timer = setInterval(() => this.#compareAgain(), reconcileEveryMs).unref();
    this.ended = Promise.all([this.#follow(), this.#work()]).then(() => clearInterval(timer));
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** True once everything up to a position was brought about; false after `timeoutMs`, or when it is down. */
  async settled(position: string, timeoutMs: number): Promise<boolean> {
    if (this.#done.position >= position) return true;
    if (this.broker.status() === 'down') return false;
    return await this.#reaching.until(position, timeoutMs);
  }

  /** Looks at a client again, though the log does not tell of a change. */
  look(username: string): void {
    if (!this.#changed.has(username)) this.#changed.set(username, null);
    this.#wake();
  }

  obstacle(username: string): ActivationObstacle | undefined {
    return this.#notes.get(username);
  }

  state(): BrokerState {
    return {
      name: this.broker.name,
      kind: this.broker.kind,
      status: this.broker.status(),
      lagEvents: Math.max(0, this.#options.readModels.resume().index - this.#done.index),
      ...this.#comparison.state,
    };
  }

  /**
   * Compares the broker with the log now; with `repair` puts right what the log owns and compares again.
   * What stands in the way of a broker that is down is left as it was last seen.
   */
  async reconcile(repair: boolean): Promise<void> {
    try {
      const repairs = await this.#comparison.make();
      if (!repair || repairs.length === 0) return;
      for (const username of repairs) this.look(username);
      const late = new AbortController();
      await Promise.race([
        this.#rested(),
        delay(repairWaitMs, undefined, late).catch(() => undefined),
      ]);
      late.abort();
      await this.#comparison.make();
    } catch (error) {
      if (!(error instanceof BrokerDown)) throw error;
    }
  }

  /** Resolves when every client that changed was looked at. */
  #rested(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#wake();
    });
  }

  #compareAgain(): void {
    this.#comparisonIs = 'due';
    this.#wake();
  }

  async #follow(): Promise<void> {
    const { store, readModels, logger, signal } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const events of store.follow(this.#done.position, signal)) {
          const last = events.at(-1)?.position ?? this.#done.position;
          // Rows say what should be, so they must be as far as the events that told of a change.
          while (!(await readModels.reached(last, 1_000))) if (signal.aborted) return;
          await this.#keepUp(events);
          if (signal.aborted) return;
          this.#done = { position: last, index: this.#done.index + events.length };
          readModels.setBookmark(this.#checkpoint, `${last} ${this.#done.index}`);
          this.#reaching.reached(last);
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.error('Activation cannot go on; trying again', { broker: this.broker.name, error });
        await pause(brokerRetryMs * 2, signal);
      }
    }
  }

  async #keepUp(events: readonly StoredEvent[]): Promise<void> {
    const roles = new Set<string>();
    const tokens: { username: string; tokenId: string }[] = [];
    for (const event of events) {
      const { username, name, tokenId } = event.data as Record<string, string | undefined>;
      const category = categoryOf(event.stream);
      if (category === 'client' && username !== undefined) this.#changed.set(username, event);
      else if (category === 'role' && name !== undefined) roles.add(name);
      else if (event.type === 'TokenRevoked' && username !== undefined && tokenId !== undefined)
        tokens.push({ username, tokenId });
    }
    for (const { username, tokenId } of tokens)
      await this.#persist(() => this.broker.disconnect(username, { tokenId }));
    if (roles.size > 0) await this.#refresh(roles);
    if (this.#changed.size === 0) return;
    await this.#rested();
  }

  /** Tries until the broker has done it, or refuses. */
  async #persist(act: () => Promise<unknown>): Promise<void> {
    while (!this.#options.signal.aborted) {
      try {
        await act();
        return;
      } catch (error) {
        if (!passes(error)) {
          this.#options.logger.warn('A broker refused', { broker: this.broker.name, error });
          return;
        }
        await this.#pauses.wait();
      }
    }
  }

  /** Rights of a changed role are in force at once: for those who are connected, or where they are kept. */
  async #refresh(roles: ReadonlySet<string>): Promise<void> {
    const connected = this.broker.connected();
    const concerned = (row: AccessRow) =>
      row.status === 'active' && row.rights.roles.some((role) => roles.has(role));
    if (connected === null) {
      for (const row of everyRow(this.#options.rows.access))
        if (concerned(row)) this.look(row.username);
      return;
    }
    for (const username of connected) {
      const found = this.#options.authority.active(username);
      const account =
        found && concerned(found.row) ? accountOf(this.#options.authority, username) : null;
      if (account !== null) await this.#persist(() => this.broker.setAuthorization(account));
    }
  }

  async #work(): Promise<void> {
    const { signal, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#step();
        this.#pauses.succeeded();
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof BrokerDown))
          logger.error('Activation cannot go on; trying again', {
            broker: this.broker.name,
            error,
          });
        await this.#pauses.wait();
      }
    }
    for (const tell of this.#idle.splice(0)) tell();
  }

  async #step(): Promise<void> {
    const rests = this.#changed.size === 0 && this.#comparisonIs === 'made';
    if (rests) {
      for (const tell of this.#idle.splice(0)) tell();
      await this.#woken();
      return;
    }
    if (this.broker.status() === 'down') throw new BrokerDown(`${this.broker.name} is down`);
    if (this.#comparisonIs === 'due') {
      this.#comparisonIs = 'made';
      try {
        for (const username of await this.#comparison.make()) this.look(username);
      } catch (error) {
        this.#comparisonIs = 'due';
        throw error;
      }
    }
    const portion = [...this.#changed].slice(0, activationsAtOnceMax);
    for (const [username] of portion) this.#changed.delete(username);
    const results = await Promise.allSettled(
      portion.map(([username, told]) => reconcileClient(this.#options, username, told)),
    );
    const fault = this.#leftOver(portion, results);
    if (fault !== undefined) throw fault;
  }

  /** Puts back what is to be tried again, and remembers what was refused. */
  #leftOver(
    portion: readonly (readonly [string, ChangedBy])[],
    results: readonly PromiseSettledResult<string | null>[],
  ): unknown {
    let fault: unknown;
    for (const [at, [username, told]] of portion.entries()) {
      const result = results[at];
      if (result?.status === 'fulfilled') this.#notes.brought(username, result.value);
      if (result?.status !== 'rejected') continue;
      const { reason } = result;
      if (passes(reason)) {
        this.#notes.brought(username, null);
        if (!this.#changed.has(username)) this.#changed.set(username, told);
        fault = reason;
        continue;
      }
      // One client that cannot be brought about holds up nobody else.
      this.#notes.failed(username, reason);
      if (!(reason instanceof BrokerRefused))
        this.#options.logger.error('A client cannot be activated or shut out', {
          ...{ broker: this.broker.name, username, error: reason },
        });
    }
    return fault;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#options.signal.aborted) resolve();
    });
  }
}

/** Faults that go away by themselves, so that it is tried again. */
const passes = (error: unknown): boolean =>
  [BrokerDown, LeaseLost, StoreUnavailable, Conflict].some((kind) => error instanceof kind);
