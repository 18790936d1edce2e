/** Signs tokens and seals fields by a thread, while many are wanted at once. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { cryptoThreadIdleMs, cryptoTogetherMin } from '../limits/credentials.ts';
import { OccasionalThread } from '../platform/threads/occasional-thread.ts';
import type { FromCryptoThread, ToCryptoThread, ToSign } from './crypto-thread.ts';
import type { SealedAnew, ToSeal } from './seal.ts';

/** Beside this file, compiled as this one is. */
const threadFile = new URL(`./crypto-thread${extname(import.meta.filename)}`, import.meta.url);

/** Megabytes: it has what it was given in hand, and little else. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

export class CryptoInThread {
  readonly #thread = new OccasionalThread<ToCryptoThread, FromCryptoThread>({
    start: () => new Worker(threadFile, { resourceLimits }),
    idleMs: cryptoThreadIdleMs,
    // Where there can be none, all goes on without.
    onBroken: () => undefined,
  });
  #isReady = false;

  get isThere(): boolean {
    return this.#isReady && this.#thread.isRunning;
  }

  /**
   * The tokens in their order, or a rejection when the thread is gone; undefined: it is not for the thread, or not yet. Where
   * many are wanted, the thread is started.
   */
  sign(toSign: ToSign): Promise<readonly string[]> | undefined {
    if (toSign.messages.length < cryptoTogetherMin || this.#thread.isBroken) return undefined;
    if (this.isThere) return this.#thread.ask({ toSign }) as Promise<readonly string[]>;
    if (!this.#thread.isRunning) this.#start(toSign);
    return undefined;
  }

  /** The same for fields; for them alone no thread is started. */
  seal(toSeal: ToSeal): Promise<readonly SealedAnew[]> | undefined {
    if (toSeal.clients.length < cryptoTogetherMin || !this.isThere) return undefined;
    return this.#thread.ask({ toSeal }) as Promise<readonly SealedAnew[]>;
  }

  #start(toSign: ToSign): void {
    this.#isReady = false;
    this.#thread.ask({ toSign: { ...toSign, messages: [] } }).then(
      () => {
        this.#isReady = true;
      },
      () => undefined,
    );
  }
}
