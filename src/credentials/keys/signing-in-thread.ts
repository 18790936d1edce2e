/** Signs many tokens by a thread, while many are asked for at once. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { signedByThreadMin, signingThreadIdleMs } from '../../limits/credentials.ts';
import { OccasionalThread } from '../../platform/threads/occasional-thread.ts';
import type { ToSign } from './signing-thread.ts';

/** Beside this file, compiled as this one is. */
const threadFile = new URL(`./signing-thread${extname(import.meta.filename)}`, import.meta.url);

/** Megabytes: it has the tokens in hand, and little else. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

export class SigningInThread {
  readonly #thread = new OccasionalThread<ToSign, readonly string[]>({
    start: () => new Worker(threadFile, { resourceLimits }),
    idleMs: signingThreadIdleMs,
    // Where there can be none, libuv's pool signs as before.
    onBroken: () => undefined,
  });
  #isReady = false;

  /** The tokens in their order, or a rejection when the thread is gone; undefined: it is not for the thread, or not yet. */
  sign(toSign: ToSign): Promise<readonly string[]> | undefined {
    if (toSign.messages.length < signedByThreadMin || this.#thread.isBroken) return undefined;
    if (this.#isReady && this.#thread.isRunning) return this.#thread.ask(toSign);
    if (!this.#thread.isRunning) this.#start(toSign);
    return undefined;
  }

  #start(toSign: ToSign): void {
    this.#isReady = false;
    this.#thread.ask({ ...toSign, messages: [] }).then(
      () => {
        this.#isReady = true;
      },
      () => undefined,
    );
  }
}
