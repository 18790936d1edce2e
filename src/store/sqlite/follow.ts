/** Follows an order of events page by page: what is there first, then what comes, for ever. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Wakeup } from '../../platform/wakeup.ts';

export interface FollowPage<Item> {
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
  log: { read: (after: number) => FollowPage<Item>; appended: Wakeup; isOpen: () => boolean },
): AsyncGenerator<readonly Item[], void, void> {
  let place = after;
  while (log.isOpen() && !signal.aborted) {
    const { items, last } = log.read(place);
    if (items.length === 0) {
      // Nothing can come between the reading and the waiting: both are in one turn.
      await log.appended.next(signal);
      continue;
    }
    place = last;
    yield items;
    // A long history must not keep the event loop from its other work.
    await nextTurn();
  }
}
