/** Writes that arrive together share one commit, and with it one fsync. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  appendBytesWaitingMax,
  appendsWaitingMax,
  commitBytesMax,
  commitEventsMax,
} from '../../limits/store.ts';
import { Conflict, StoreUnavailable } from '../event-store.ts';
import type { PlacedWrite } from './table.ts';
import type { Committed, LogWrite } from './writer.ts';

interface SubmittedWrite {
  readonly events: number;
  readonly bytes: number;
  readonly write: LogWrite;
}

interface GroupCommit {
  /** Resolves when the write is on disk. @throws Conflict; StoreUnavailable, at once when too much waits. */
  submit(submitted: SubmittedWrite): Promise<PlacedWrite>;
  /** Commits everything that waits, before it returns: where no commit is under way elsewhere. */
  drain(): void;
}

interface WaitingWrite extends SubmittedWrite {
  readonly resolve: (written: PlacedWrite) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly waiting: readonly WaitingWrite[];
  readonly writes: readonly LogWrite[];
}

/** What waits, in the order in which it came. */
class WaitingWrites {
  #writes: WaitingWrite[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#writes.length < appendsWaitingMax && this.#bytes + bytes <= appendBytesWaitingMax;
  }

  add(write: WaitingWrite): void {
    this.#writes.push(write);
    this.#bytes += write.bytes;
  }

  takeBatch(): Batch {
    const count = fitting(this.#writes);
    const waiting = this.#writes.slice(0, count);
    this.#writes = this.#writes.slice(count);
    for (const { bytes } of waiting) this.#bytes -= bytes;
    return { waiting, writes: waiting.map(({ write }) => write) };
  }
}

interface CommittedLog {
  /** Makes one commit: on disk when it returns, undone when it throws. */
  readonly commitHere: (writes: readonly LogWrite[]) => Committed;
  /** Does so while the event loop goes on, and no other commit begins; undefined: not now. */
  readonly commitElsewhere: (writes: readonly LogWrite[]) => Promise<Committed> | undefined;
  /** Hears of each commit, after those who wait for it. */
  readonly committed: (writes: readonly LogWrite[], committed: Committed) => void;
  /** Hears of each that failed, or of which nobody knows whether it did. */
  readonly failed: (writes: readonly LogWrite[]) => void;
}

/** What those who wait for a batch, and the log, are told of it. */
function tellingOf(log: CommittedLog) {
  function settle({ waiting, writes }: Batch, committed: Committed): void {
    for (const [index, { resolve, reject }] of waiting.entries()) {
      const outcome = committed.outcomes[index];
      if (outcome === undefined) reject(new Error('a write has no outcome'));
      else if ('conflict' in outcome) reject(new Conflict(outcome.conflict));
      else resolve(outcome);
    }
    log.committed(writes, committed);
  }

  /** Also for conflicts: perhaps they were with a write that now is not there. */
  function refuse({ waiting, writes }: Batch, error: unknown): void {
    for (const { reject } of waiting) reject(error);
    log.failed(writes);
  }

  /** Commits at once, and returns what tells it. */
  function commitHere(batch: Batch): () => void {
    try {
      const committed = log.commitHere(batch.writes);
      return () => settle(batch, committed);
    } catch (error) {
      return () => refuse(batch, error);
    }
  }

  return { settle, refuse, commitHere };
}

export function groupCommit(log: CommittedLog): GroupCommit {
  const { settle, refuse, commitHere } = tellingOf(log);
  const waiting = new WaitingWrites();
  let scheduled = false;
  /** Tells those of a commit that is on disk, or failed, and of which nobody was told yet. */
  let untold: (() => void) | undefined;

  function tellNow(): void {
    const tell = untold;
    untold = undefined;
    tell?.();
  }

  async function commitNext(): Promise<void> {
    const batch = waiting.takeBatch();
    const elsewhere = log.commitElsewhere(batch.writes);
    if (elsewhere !== undefined) {
      await elsewhere.then(
        (committed) => settle(batch, committed),
        (error) => refuse(batch, error),
      );
      return;
    }
    untold = commitHere(batch);
    // What a commit brings about, rows above all, takes as long as many short answers: those come before it.
    await nextTurn();
    tellNow();
  }

  async function commitAll(): Promise<void> {
    // What came beside the first is answered before its commit, or joins it.
    await nextTurn();
    while (!waiting.isEmpty) {
      // Everything that the event loop brings in this turn joins the commit.
      await nextTurn();
      if (!waiting.isEmpty) await commitNext();
    }
    scheduled = false;
  }

  return {
    submit(submitted) {
      if (!waiting.hasRoomFor(submitted.bytes))
        return Promise.reject(new StoreUnavailable('too many appends wait for the log'));
      return new Promise((resolve, reject) => {
        waiting.add({ ...submitted, resolve, reject });
        if (!scheduled) {
          scheduled = true;
          commitAll();
        }
      });
    },
    drain() {
      tellNow();
      while (!waiting.isEmpty) commitHere(waiting.takeBatch())();
    },
  };
}

/** How many of them one commit takes: at least one. */
function fitting(waiting: readonly SubmittedWrite[]): number {
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
