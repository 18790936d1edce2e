/** Writes that arrive together share one commit, and with it one fsync. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  appendBytesWaitingMax,
  appendsWaitingMax,
  commitBytesMax,
  commitEventsMax,
} from '../../limits/store.ts';
import { Conflict, StoreUnavailable } from '../event-store.ts';

interface Write<Result> {
  readonly events: number;
  readonly bytes: number;
  /** Writes, inside the shared transaction. A `Conflict` refuses this write and no other. */
  readonly perform: () => Result;
}

interface GroupCommit {
  /** Resolves when the write is on disk. @throws StoreUnavailable at once when too much waits. */
  submit<Result>(write: Write<Result>): Promise<Result>;
  /** Commits everything that waits, before it returns. */
  drain(): void;
}

interface WaitingWrite extends Write<unknown> {
  readonly settle: (outcome: WriteOutcome) => void;
}

type WriteOutcome =
  | { readonly done: true; readonly result: unknown }
  | { readonly done: false; readonly error: unknown };

/**
 * @param log.transaction runs the work in one transaction, and says how many seconds it took: on disk
 *   when it returns, undone when it throws.
 * @param log.committed hears of each commit, after those who wait for it.
 */
export function groupCommit(log: {
  transaction: (work: () => void) => number;
  committed: (seconds: number) => void;
}): GroupCommit {
  let waiting: WaitingWrite[] = [];
  let bytesWaiting = 0;
  let scheduled = false;

  function nextBatch(): WaitingWrite[] {
    const count = fitting(waiting);
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const write of batch) bytesWaiting -= write.bytes;
    return batch;
  }

  function commitOne(): void {
    const batch = nextBatch();
    const outcomes: WriteOutcome[] = [];
    let seconds: number;
    try {
      seconds = log.transaction(() => {
        for (const write of batch) outcomes.push(attempt(write));
      });
    } catch (error) {
      // Also for conflicts: perhaps they were with a write that now is not there.
      for (const write of batch) write.settle({ done: false, error });
      return;
    }
    for (const [index, outcome] of outcomes.entries()) batch[index]?.settle(outcome);
    log.committed(seconds);
  }

  async function commitAll(): Promise<void> {
    while (waiting.length > 0) {
      // Everything that the event loop brings in this turn joins the commit.
      await nextTurn();
      if (waiting.length > 0) commitOne();
    }
    scheduled = false;
  }

  return {
    submit<Result>(write: Write<Result>): Promise<Result> {
      const full =
        waiting.length >= appendsWaitingMax || bytesWaiting + write.bytes > appendBytesWaitingMax;
      if (full) return Promise.reject(new StoreUnavailable('too many appends wait for the log'));
      return new Promise<Result>((resolve, reject) => {
        const settle = (outcome: WriteOutcome) =>
          outcome.done ? resolve(outcome.result as Result) : reject(outcome.error);
        waiting.push({ ...write, settle });
        bytesWaiting += write.bytes;
        if (!scheduled) {
          scheduled = true;
          commitAll();
        }
      });
    },
    drain() {
      while (waiting.length > 0) commitOne();
    },
  };
}

/** How many of them one commit takes: at least one. */
function fitting(waiting: readonly WaitingWrite[]): number {
  let events = 0;
  let bytes = 0;
  let count = 0;
  for (const write of waiting) {
    events += write.events;
    bytes += write.bytes;
    if (count > 0 && (events > commitEventsMax || bytes > commitBytesMax)) break;
    count += 1;
  }
  return count;
}

function attempt(write: Write<unknown>): WriteOutcome {
  try {
    return { done: true, result: write.perform() };
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return { done: false, error };
  }
}
