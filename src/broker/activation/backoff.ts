/** The waits before retries at a broker: each longer than the last, and cut short when the broker is back. */
import { brokerRetryMaxMs, brokerRetryMs } from '../../limits/brokers.ts';
import { pause } from '../../platform/pause.ts';

export class Backoff {
  readonly #signal: AbortSignal;
  readonly #waits = new Set<AbortController>();
  #nextMs = brokerRetryMs;

  /** `signal` ends every wait. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async wait(): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, brokerRetryMaxMs);
    const early = new AbortController();
    this.#waits.add(early);
    await pause(ms, AbortSignal.any([this.#signal, early.signal]));
    this.#waits.delete(early);
  }

  /** Ends the waits that are under way. */
  end(): void {
    for (const early of this.#waits) early.abort();
  }

  /** A call succeeded: the next wait is a short one. */
  reset(): void {
    this.#nextMs = brokerRetryMs;
  }
}
