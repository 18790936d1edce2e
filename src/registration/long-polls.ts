/** Lets those who wait for a decision wait here instead of asking again and again; bounded in number. */
import { longPollsMax } from '../limits/http.ts';
import type { Changes } from '../read-models/read-models.ts';

export interface LongPolls {
  /**
   * True when the request changed; false after `timeoutMs`, when the signal aborts, and at once when too
   * many wait already.
   */
  changed(requestId: string, timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}

export function createLongPolls(
  onApplied: (listener: (events: unknown, changes: Changes) => void) => void,
): LongPolls {
  const waiting = new Map<string, Set<(changed: boolean) => void>>();
  let count = 0;

  onApplied((_events, changes) => {
    for (const requestId of changes.get('requests')?.keys() ?? [])
      for (const tell of waiting.get(requestId) ?? []) tell(true);
  });

  return {
    changed(requestId, timeoutMs, signal) {
      if (count >= longPollsMax || signal.aborted) return Promise.resolve(false);
      count++;
      return new Promise((resolve) => {
        const others = waiting.get(requestId) ?? new Set();
        waiting.set(requestId, others);
        const tell = (changed: boolean) => {
          if (!others.delete(tell)) return;
          count--;
          if (others.size === 0) waiting.delete(requestId);
          clearTimeout(timer);
          signal.removeEventListener('abort', stop);
          resolve(changed);
        };
        const stop = () => tell(false);
        const timer = setTimeout(stop, timeoutMs);
        signal.addEventListener('abort', stop);
        others.add(tell);
      });
    },
  };
}
