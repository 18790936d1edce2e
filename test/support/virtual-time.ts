/** Time that passes while everybody sleeps, and takes none: hours of waiting in the time that the work between takes. */
import type { DeviceTime } from '../../src/device/time.ts';

interface Timer {
  readonly atMs: number;
  readonly isSleep: boolean;
  readonly fire: () => void;
}

export class VirtualTime implements DeviceTime {
  #nowMs = Date.now();
  #timers: Timer[] = [];

  nowMs = (): number => this.#nowMs;

  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => this.#set(ms, true, resolve));
    signal?.throwIfAborted();
  };

  /** Is over only if a sleep beside it lasts longer: what really happens meanwhile takes no time. */
  timeout = (ms: number): AbortSignal => {
    const over = new AbortController();
    this.#set(ms, false, () => over.abort(new DOMException('too late', 'TimeoutError')));
    return over.signal;
  };

  #set(ms: number, isSleep: boolean, fire: () => void): void {
    this.#timers.push({ atMs: this.#nowMs + ms, isSleep, fire });
    if (isSleep) setImmediate(() => this.#passOn());
  }

  /** To the end of the sleep that ends first. */
  #passOn(): void {
    const ends = this.#timers.filter(({ isSleep }) => isSleep).map(({ atMs }) => atMs);
    if (ends.length === 0) return;
    this.#nowMs = Math.max(this.#nowMs, Math.min(...ends));
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { fire } of due.sort((one, other) => one.atMs - other.atMs)) fire();
  }
}
