/** Lets others wait, each for so long, until something that follows the log is as far as a position. */

export class PositionWaiters {
  readonly #waiting = new Set<{ position: string; settle: (reached: boolean) => void }>();

  /** True when that position or a later one is told of; false after `timeoutMs`, or at the end. */
  async until(position: string, timeoutMs: number): Promise<boolean> {
    return await new Promise((resolve) => {
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

  /** Nobody waits any longer. */
  end(): void {
    for (const waiter of this.#waiting) waiter.settle(false);
  }
}
