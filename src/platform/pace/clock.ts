/** A clock for all who wait in this process: it beats while anybody is about to. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { clockBeatMs } from '../../limits/doors.ts';
import { monotonicMs } from './monotonic.ts';

export interface ClockShare {
  /** Whether it shall beat, 1 or 0; one that stays 0; and for how many beats somebody waits. */
  readonly flags: Int32Array;
  readonly beatMs: number;
}

const threadFile = new URL(`./clock-thread${extname(import.meta.filename)}`, import.meta.url);
/** Megabytes: it does nothing but wait. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16, stackSizeMb: 1 };

class Clock {
  readonly #flags = new Int32Array(new SharedArrayBuffer(12));
  /** By the beat that they wait for. */
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #users = 0;
  #worker: Worker | undefined;
  /** Not until it runs, nor where there can be none. */
  #threadBeats = false;
  #timer: NodeJS.Timeout | undefined;

  /** Who is about to wait: called before what shall not show in the time of a beat. */
  use(): void {
    this.#users++;
    if (this.#users > 1) return;
    this.#worker ??= this.#started();
    this.#worker?.ref();
    Atomics.store(this.#flags, 0, 1);
    Atomics.notify(this.#flags, 0);
    if (!this.#threadBeats) this.#beatHere();
  }

  leave(): void {
    this.#users--;
    if (this.#users > 0) return;
    Atomics.store(this.#flags, 0, 0);
    this.#worker?.unref();
    clearInterval(this.#timer);
  }

  /** Resolves at the first beat from a moment on. */
  beat(fromMs: number): Promise<void> {
    const beat = Math.ceil(fromMs / clockBeatMs);
    const waiting = this.#waiting.get(beat) ?? Promise.withResolvers<void>();
    this.#waiting.set(beat, waiting);
    this.#shareWaiting();
    return waiting.promise;
  }

  /** A beat that nobody waits for would wake the event loop for nothing: most who are about to are not refused. */
  #shareWaiting(): void {
    Atomics.store(this.#flags, 2, this.#waiting.size);
  }

  #tick(): void {
    const newest = Math.floor(monotonicMs() / clockBeatMs);
    for (const [beat, { resolve }] of this.#waiting) {
      if (beat > newest) continue;
      this.#waiting.delete(beat);
      resolve();
    }
    this.#shareWaiting();
  }

  /** By the event loop's own timer. */
  #beatHere(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), clockBeatMs);
  }

  #started(): Worker | undefined {
    try {
      const workerData: ClockShare = { flags: this.#flags, beatMs: clockBeatMs };
      const worker = new Worker(threadFile, { workerData, resourceLimits });
      worker.once('message', () => {
        this.#threadBeats = true;
        clearInterval(this.#timer);
      });
      worker.on('message', () => this.#tick());
      worker.on('error', () => {
        this.#threadBeats = false;
        if (this.#users > 0) this.#beatHere();
      });
      return worker;
    } catch {
      // Node's permission model, for one, can refuse threads.
      return undefined;
    }
  }
}

export const clock = new Clock();
