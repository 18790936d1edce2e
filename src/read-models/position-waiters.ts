/** Waits, with a timeout, until the read models have reached a position of the log. */

export class PositionWaiters {
  readonly #waiting = new Set<{ position: string; settle: (reached: boolean) => void }>();

  /** True once that position or a later one is reached; false after `timeoutMs`, or at the end. */
  until(position: string, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter = {
        position,
        settle: (reached: boolean) => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          resolve(reached);
        },
      };
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      this.#waiting.add(waiter);
    });
  }

  reached(position: string): void {
    for (const waiter of this.#waiting) if (waiter.position <= position) waiter.settle(true);
  }

  /** Every wait ends with false. */
  end(): void {
    for (const waiter of this.#waiting) waiter.settle(false);
  }
}
