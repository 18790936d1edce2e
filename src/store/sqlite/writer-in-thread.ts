/** Commits to the embedded log by a thread, while many come and would keep the event loop from its other work. */
import { extname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import type { Logger } from '../../logger.ts';
import { OccasionalThread } from '../../platform/threads/occasional-thread.ts';
import { OwnLogUnavailable, StoreUnavailable } from '../errors.ts';
import type { Committed, LogWrite } from './writer.ts';
import type { FromWriterThread, ToWriterThread } from './writer-thread.ts';

export interface WriterThreadOptions {
  readonly logger: Logger;
  /** Milliseconds that shared commits may keep the event loop, beside their share of it; 0: the thread is there from the start. */
  readonly loopMsMax?: number;
  /** How many events of the system the event loop has handled; Node's own count where absent. */
  readonly loopEvents?: () => number;
}

/** The share of the event loop that commits may take which several wait for, and how much of it at once. */
const [loopShare, loopMsMaxUsual] = [0.05, 50];

/** From so many events of the system between two commits on, others are served: a command by itself has some six. */
const othersEventsMin = 20;

/** Milliseconds without a commit after which the thread is ended. */
const idleMs = 60_000;

/** Beside this file, compiled as this one is. */
const threadFile = new URL(`./writer-thread${extname(import.meta.filename)}`, import.meta.url);

/** The batch that it works on, and little else. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

export class WriterInThread {
  readonly #thread: OccasionalThread<ToWriterThread, FromWriterThread>;
  readonly #logger: Logger;
  readonly #loopMsMax: number;
  /** What such commits took of the event loop, or would have, beyond their share. */
  #excessMs = 0;
  #excessAtMs = performance.now();
  readonly #loopEvents: () => number;
  #eventsAtCommit = 0;
  #isReady = false;
  #isEnding = false;

  /** @param log which other connections of this process can open as well */
  constructor(log: URL, options: WriterThreadOptions) {
    const { logger, loopMsMax = loopMsMaxUsual } = options;
    this.#logger = logger;
    this.#loopMsMax = loopMsMax;
    this.#loopEvents = options.loopEvents ?? (() => performance.nodeTiming.uvMetricsInfo.events);
    this.#thread = new OccasionalThread({
      start: () => new Worker(threadFile, { workerData: log.href, resourceLimits }),
      idleMs,
      onBroken: (error) =>
        logger.warn('Commits to the log wait for the disk on the event loop, since no thread can', {
          error,
        }),
    });
    this.#startWhereWorthIt();
  }

  get isStarted(): boolean {
    return this.#thread.isRunning;
  }

  /** Whether it is to write now. While it is at work nobody else may. */
  get isInUse(): boolean {
    return this.#isThere && (this.#thread.isBusy || (!this.#isEnding && this.#isWorthIt()));
  }

  /** @throws StoreUnavailable, also where nobody knows whether it is on disk */
  async commit(writes: readonly LogWrite[]): Promise<Committed> {
    const { committed } = await this.#ask(writes);
    if (committed === undefined) throw new Error('the thread committed nothing');
    return committed;
  }

  /** @throws StoreUnavailable */
  async emptyJournal(): Promise<void> {
    await this.#ask('empty');
  }

  /**
   * Told of each commit, here and there. One that nobody shares counts nothing, unless others are served between: whoever
   * comes alone waits for the disk anyway, and for a thread on top of it.
   */
  took(seconds: number, writes: number): void {
    const events = this.#loopEvents();
    const isAlone = writes === 1 && events - this.#eventsAtCommit < othersEventsMin;
    this.#eventsAtCommit = events;
    if (isAlone) return;
    this.#excessMs = Math.min(this.#excess() + seconds * 1_000, 2 * this.#loopMsMax);
    this.#startWhereWorthIt();
  }

  /** Resolves when it has done what it was asked, and has left the file. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#thread.idle();
    await this.#thread.end();
  }

  get #isThere(): boolean {
    return this.#isReady && this.isStarted;
  }

  #excess(): number {
    const now = performance.now();
    this.#excessMs = Math.max(0, this.#excessMs - (now - this.#excessAtMs) * loopShare);
    this.#excessAtMs = now;
    return this.#excessMs;
  }

  #isWorthIt(): boolean {
    return this.#excess() >= this.#loopMsMax;
  }

  #startWhereWorthIt(): void {
    const mayStart = !(this.isStarted || this.#thread.isBroken || this.#isEnding);
    if (!mayStart || !this.#isWorthIt()) return;
    this.#isReady = false;
    // The event loop goes on by itself until then.
    this.#ask('ready?').then(
      () => {
        this.#isReady = true;
        this.#logger.debug('Commits to the log are made by a thread now');
      },
      () => undefined,
    );
  }

  async #ask(question: ToWriterThread): Promise<Extract<FromWriterThread, { done: true }>> {
    const answer = await this.#thread.ask(question).catch((error) => {
      throw new StoreUnavailable('the thread that writes to the log has ended', { cause: error });
    });
    if (answer.done) return answer;
    throw answer.isUnavailable ? new OwnLogUnavailable(answer.message) : new Error(answer.message);
  }
}
