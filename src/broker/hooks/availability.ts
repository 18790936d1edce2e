/** Whether a broker's REST API is up: known from regular probes, and from the result of every call. */
import { hookProbeDownMs, hookProbeMs } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { BrokerDown } from '../ports/broker.ts';

export class WatchedApi {
  /** Resolves when no more probes are made. */
  readonly ended: Promise<void>;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #listeners: (() => void)[] = [];
  #status: 'up' | 'down' = 'down';
  /** The last fault that was logged, so that it is logged once. */
  #loggedFault: string | null = null;

  /** `probe` resolves when the broker answers; the signal ends the probes. */
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

  /** Makes a call, and updates the status by its result. */
  async call<Result>(request: () => Promise<Result>): Promise<Result> {
    try {
      const result = await request();
      this.#isUp();
      return result;
    } catch (error) {
      if (error instanceof BrokerDown && !this.#signal.aborted) {
        this.#status = 'down';
        if (this.#loggedFault !== error.message)
          this.#logger.warn('A broker cannot be reached', { broker: this.#name, error });
        this.#loggedFault = error.message;
      }
      throw error;
    }
  }

  #isUp(): void {
    if (this.#status === 'up') return;
    this.#status = 'up';
    if (this.#loggedFault !== null)
      this.#logger.info('A broker can be reached again', { broker: this.#name });
    this.#loggedFault = null;
    for (const listener of this.#listeners) listener();
  }

  async #watch(probe: () => Promise<void>): Promise<void> {
    while (!this.#signal.aborted) {
      await this.call(probe).catch(() => undefined);
      await pause(this.#status === 'up' ? hookProbeMs : hookProbeDownMs, this.#signal);
    }
  }
}
