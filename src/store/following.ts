/** Follows an order of events page by page: what is there first, then what comes, for ever. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Tells those who wait that something happened. It holds one entry for each who waits, no more. */
export interface Bell {
  readonly ring: () => void;
  /** Resolves at the next ring or when the signal aborts. */
  readonly rung: (signal: AbortSignal) => Promise<void>;
}

export function bell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      for (const wake of [...waiting]) wake();
    },
    rung: (signal) =>
      new Promise((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      }),
  };
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The place of the last item. */
  readonly last: number;
}

/**
 * Nothing is buffered: each page is read when the one before it was taken, so a slow reader costs
 * nothing. Ends quietly when the signal aborts or the log closes.
 */
export async function* following<Item>(
  after: number,
  signal: AbortSignal,
  log: { read: (after: number) => Page<Item>; bell: Bell; isOpen: () => boolean },
): AsyncGenerator<readonly Item[], void, void> {
  let place = after;
  while (log.isOpen() && !signal.aborted) {
    const { items, last } = log.read(place);
    if (items.length === 0) {
      // Nothing can come between the reading and the waiting: both are in one turn.
      await log.bell.rung(signal);
      continue;
    }
    place = last;
    yield items;
    // A long history must not keep the event loop from its other work.
    await nextTurn();
  }
}
