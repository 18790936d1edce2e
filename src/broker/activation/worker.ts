/**
 * The process manager for one broker: follows the log from its own checkpoint, so that a broker that is
 * down delays no other, and has the clients that changed reconciled.
 */
import type { AccessRow } from '../../../projections/access.ts';
import type { Authority } from '../../authority.ts';
import { brokerRetryMs, reconcileEveryMs } from '../../limits/brokers.ts';
import { pause } from '../../platform/pause.ts';
import { everyRowInTurns } from '../../read-models/every-row.ts';
import { PositionWaiters } from '../../read-models/position-waiters.ts';
import type { ReadModels } from '../../read-models/read-models.ts';
import { beginning, categoryOf, type StoredEvent } from '../../store/event-store.ts';
import type { ActivationObstacle, BrokerState } from '../ports/activation.ts';
import type { Broker } from '../ports/broker.ts';
import { Backoff } from './backoff.ts';
import { accountOf } from './reconcile.ts';
import { isTransient, ReconcileLoop, type ReconcileLoopOptions } from './reconcile-loop.ts';
import { closeAtTokenEnds, type TokenEndsOptions } from './token-ends.ts';

/** Milliseconds between two checkpoints of how far a broker is. */
const checkpointEveryMs = 250;

export interface ActivationWorkerOptions extends ReconcileLoopOptions {
  readonly rows: ReconcileLoopOptions['rows'] & TokenEndsOptions['rows'];
  readonly readModels: ReadModels;
  readonly authority: Authority;
}

export class ActivationWorker {
  readonly broker: Broker;
  readonly ended: Promise<void>;
  readonly #options: ActivationWorkerOptions;
  readonly #checkpoint: string;
  #done: { position: string; index: number };
  #checkpointDueMs = 0;
  readonly #positionWaiters = new PositionWaiters();
  readonly #backoff: Backoff;
  readonly #loop: ReconcileLoop;

  constructor(options: ActivationWorkerOptions) {
    const { broker, readModels, signal } = options;
    this.#options = options;
    this.broker = broker;
    this.#backoff = new Backoff(signal);
    this.#loop = new ReconcileLoop(options, this.#backoff);
    // The first broker had the bare name before there were others.
    this.#checkpoint =
      broker.name === 'embedded' ? 'activation-checkpoint' : `activation-checkpoint ${broker.name}`;
    const [position = beginning, index = '0'] =
      readModels.getBookmark(this.#checkpoint)?.split(' ') ?? [];
    this.#done = { position, index: Number(index) };
    broker.onUp(() => {
      this.#loop.compareAgain();
      this.#backoff.end();
    });
    const timer = setInterval(() => this.#loop.compareAgain(), reconcileEveryMs).unref();
    const tokenEnds = closeAtTokenEnds(options, `token-ends ${broker.name}`, (username, tokenIds) =>
      this.#retry(() => broker.disconnect(username, { tokenIds })),
    );
    this.ended = Promise.all([this.#follow(), this.#loop.run(), tokenEnds]).then(() => {
      clearInterval(timer);
      this.#keepCheckpoint();
    });
  }

  /** True once everything up to a position is in force; false after `timeoutMs`, or when the broker is down. */
  async settled(position: string, timeoutMs: number): Promise<boolean> {
    if (this.#done.position >= position) return true;
    if (this.broker.status() === 'down') return false;
    return await this.#positionWaiters.until(position, timeoutMs);
  }

  /** Reconciles a client though the log has no change of it. */
  reconcileSoon(username: string): void {
    this.#loop.add(username);
  }

  obstacle(username: string): ActivationObstacle | undefined {
    return this.#loop.obstacle(username);
  }

  state(): BrokerState {
    return {
      name: this.broker.name,
      kind: this.broker.kind,
      status: this.broker.status(),
      lagEvents: Math.max(0, this.#options.readModels.resume().index - this.#done.index),
      ...this.#loop.compared,
    };
  }

  /** As `ReconcileLoop.compareNow`. */
  async reconcile(repair: boolean): Promise<void> {
    await this.#loop.compareNow(repair);
  }

  async #follow(): Promise<void> {
    const { store, readModels, logger, signal } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const events of store.follow(this.#done.position, signal)) {
          const last = events.at(-1)?.position ?? this.#done.position;
          // Rows say what should be, so they must be as far as the events that changed it.
          while (!(await readModels.reached(last, 1_000))) if (signal.aborted) return;
          await this.#apply(events);
          if (signal.aborted) return;
          this.#done = { position: last, index: this.#done.index + events.length };
          if (performance.now() >= this.#checkpointDueMs) this.#keepCheckpoint();
          this.#positionWaiters.reached(last);
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.error('Activation cannot go on; trying again', { broker: this.broker.name, error });
        await pause(brokerRetryMs * 2, signal);
      }
    }
  }

  /** Now and then, and at the end: it is a transaction of its own, and going on from an old one does no harm. */
  #keepCheckpoint(): void {
    this.#checkpointDueMs = performance.now() + checkpointEveryMs;
    const { position, index } = this.#done;
    this.#options.readModels.setBookmark(this.#checkpoint, `${position} ${index}`);
  }

  /** Resolves when the broker has done everything that these events ask for, or refused it. */
  async #apply(events: readonly StoredEvent[]): Promise<void> {
    const roles = new Set<string>();
    const tokens: { username: string; tokenIds: ReadonlySet<string> }[] = [];
    for (const event of events) {
      const { username, name, tokenId } = event.data as Record<string, string | undefined>;
      const category = categoryOf(event.stream);
      if (category === 'client' && username !== undefined) {
        if (!this.#knowsNothingOf(event)) this.#loop.changed(username, event);
      } else if (category === 'role' && name !== undefined) roles.add(name);
      else if (event.type === 'TokenRevoked' && username !== undefined && tokenId !== undefined)
        tokens.push({ username, tokenIds: new Set([tokenId]) });
    }
    for (const { username, tokenIds } of tokens)
      await this.#retry(() => this.broker.disconnect(username, { tokenIds }));
    if (roles.size > 0) await this.#rolesChanged(roles);
    if (this.#loop.hasPending) await this.#loop.idle();
  }

  /** Who asks had no access when it did: no account is there to prepare, and no session to close. */
  #knowsNothingOf({ type }: StoredEvent): boolean {
    return type === 'RegistrationRequested' && this.broker.kind === 'embedded';
  }

  /** Tries until the broker has done it, or refuses. */
  async #retry(call: () => Promise<unknown>): Promise<void> {
    while (!this.#options.signal.aborted) {
      try {
        await call();
        return;
      } catch (error) {
        if (!isTransient(error)) {
          this.#options.logger.warn('A broker refused', { broker: this.broker.name, error });
          return;
        }
        await this.#backoff.wait();
      }
    }
  }

  /**
   * The rights of a changed role are in force at once: for its clients that are connected, or for all of
   * them where the broker keeps accounts.
   */
  async #rolesChanged(roles: ReadonlySet<string>): Promise<void> {
    const connected = this.broker.connected();
    const hasRole = (row: AccessRow) =>
      row.status === 'active' && row.rights.roles.some((role) => roles.has(role));
    if (connected === null) {
      for await (const row of everyRowInTurns(this.#options.rows.access))
        if (hasRole(row)) this.reconcileSoon(row.username);
      return;
    }
    const { authority } = this.#options;
    for (const username of connected) {
      const found = authority.active(username);
      const account = found && hasRole(found.row) ? accountOf(authority, username) : null;
      if (account !== null) await this.#retry(() => this.broker.setAuthorization(account));
    }
  }
}
