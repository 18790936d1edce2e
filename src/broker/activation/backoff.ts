/** The waits before the next try at a broker: longer each time, and over when it is back. */
import { brokerRetryMaxMs, brokerRetryMs } from '../../limits.ts';
import { pause } from '../../platform/pause.ts';

export class Backoff {
  readonly #signal: AbortSignal;
  readonly #pausing = new Set<() => void>();
  #nextMs = brokerRetryMs;

  /** `signal` ends every wait. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async wait(): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, brokerRetryMaxMs);
    const back = new AbortController();
    const end = () => back.abort();
    this.#pausing.add(end);
    const signal = AbortSignal.any([this.#signal, back.signal]);
    await pause(ms, signal);
    this.#pausing.delete(end);
  }

  /** Whoever waits tries at once. */
  end(): void {
    for (const end of this.#pausing) end();
  }

  /** It went well: the next wait is a short one. */
  succeeded(): void {
    this.#nextMs = brokerRetryMs;
  }
}
