/** Waits, with a timeout, until the read models have reached a position of the log. */

interface PositionWaiter {
  readonly position: string;
  /** When it waits no longer, by `performance.now()`. */
  readonly dueMs: number;
  readonly settle: (reached: boolean) => void;
}

/** One timer for all that wait: it is set for the first of them whose time is over. */
export class PositionWaiters {
  readonly #waiting = new Set<PositionWaiter>();
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Infinity;

  /** True once that position or a later one is reached; false after `timeoutMs`, or at the end. */
  until(position: string, timeoutMs: number): Promise<boolean> {
    return new Promise((settle) => {
      const dueMs = performance.now() + timeoutMs;
      this.#waiting.add({ position, dueMs, settle });
      if (dueMs < this.#timerDueMs) this.#wakeAt(dueMs);
    });
  }

  reached(position: string): void {
    this.#settle(true, (waiter) => waiter.position <= position);
  }

  /** Every wait ends with false. */
  end(): void {
    this.#settle(false, () => true);
  }

  #settle(reached: boolean, isDone: (waiter: PositionWaiter) => boolean): void {
    for (const waiter of this.#waiting)
      if (isDone(waiter)) {
        this.#waiting.delete(waiter);
        waiter.settle(reached);
      }
    if (this.#waiting.size === 0) this.#wakeAt(Infinity);
  }

  #wakeAt(dueMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDueMs = dueMs;
    if (dueMs === Infinity) return;
    this.#timer = setTimeout(() => this.#giveUp(), Math.max(0, dueMs - performance.now()));
  }

  #giveUp(): void {
    const nowMs = performance.now();
    // A timer may come a fraction of a millisecond early.
    this.#settle(false, ({ dueMs }) => dueMs <= nowMs + 1);
    if (this.#waiting.size === 0) return;
    let nextMs = Infinity;
    for (const { dueMs } of this.#waiting) nextMs = Math.min(nextMs, dueMs);
    this.#wakeAt(nextMs);
  }
}
