/** Whether a broker is there: probed again and again, and told by whatever a call came to. */
import { hookProbeDownMs, hookProbeMs } from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { BrokerDown } from '../ports/broker.ts';

export class WatchedApi {
  /** Resolves when the watching has ended. */
  readonly ended: Promise<void>;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #listeners: (() => void)[] = [];
  #status: 'up' | 'down' = 'down';
  /** What was last said of its absence, so that it is said once. */
  #said: string | null = null;

  /** `probe` resolves when the broker answers; the signal ends the watching. */
  constructor(
    name: string,
    { probe, logger, signal }: { probe: () => Promise<void>; logger: Logger; signal: AbortSignal },
  ) {
    this.#name = name;
    this.#logger = logger;
    this.#signal = signal;
    this.ended = this.#watch(probe);
  }

  get status(): 'up' | 'down' {
    return this.#status;
  }

  onUp(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Makes a call, and notes whether the broker is there. */
  async asked<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      const result = await call();
      this.#isUp();
      return result;
    } catch (error) {
      if (error instanceof BrokerDown && !this.#signal.aborted) {
        this.#status = 'down';
        if (this.#said !== error.message)
          this.#logger.warn('A broker is away', { broker: this.#name, error });
        this.#said = error.message;
      }
      throw error;
    }
  }

  #isUp(): void {
    if (this.#status === 'up') return;
    this.#status = 'up';
    if (this.#said !== null) this.#logger.info('A broker is back', { broker: this.#name });
    this.#said = null;
    for (const listener of this.#listeners) listener();
  }

  async #watch(probe: () => Promise<void>): Promise<void> {
    while (!this.#signal.aborted) {
      await this.asked(probe).catch(() => undefined);
      await pause(this.#status === 'up' ? hookProbeMs : hookProbeDownMs, this.#signal);
    }
  }
}
