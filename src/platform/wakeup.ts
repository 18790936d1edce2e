/** Wakes those who wait for something to happen; a wait ends early when its signal aborts. */

/** It holds one entry for each who waits, no more: what happens while nobody waits is not kept. */
export interface Wakeup {
  readonly wake: () => void;
  /** Resolves at the next `wake` or when the signal aborts; at once when it is aborted already. */
  readonly next: (signal: AbortSignal) => Promise<void>;
}

export function createWakeup(): Wakeup {
  const waiting = new Set<() => void>();
  return {
    wake() {
      for (const resume of [...waiting]) resume();
    },
    next: (signal) =>
      new Promise((resolve) => {
        const resume = () => {
          waiting.delete(resume);
          signal.removeEventListener('abort', resume);
          resolve();
        };
        if (signal.aborted) {
          resolve();
          return;
        }
        waiting.add(resume);
        signal.addEventListener('abort', resume);
      }),
  };
}
