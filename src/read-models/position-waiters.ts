/** Lets others wait, each for so long, until something that follows the log is as far as a position. */

export class PositionWaiters {
  readonly #waiting = new Set<{ position: string; tell: (reached: boolean) => void }>();

  /** True when that position or a later one is told of; false after `timeoutMs`, or at the end. */
  async until(position: string, timeoutMs: number): Promise<boolean> {
    return await new Promise((resolve) => {
      const one = {
        position,
        tell: (reached: boolean) => {
          clearTimeout(timer);
          this.#waiting.delete(one);
          resolve(reached);
        },
      };
      const timer = setTimeout(() => one.tell(false), timeoutMs);
      this.#waiting.add(one);
    });
  }

  reached(position: string): void {
    for (const one of this.#waiting) if (one.position <= position) one.tell(true);
  }

  /** Nobody waits any longer. */
  end(): void {
    for (const one of this.#waiting) one.tell(false);
  }
}
