/** The embedded event log: one SQLite file, one writer, every answer on disk before it is given. */

import type { DatabaseSync } from 'node:sqlite';
import type { Journals } from '../../platform/sqlite/journals.ts';
import { createWakeup } from '../../platform/wakeup.ts';
import {
  type EventStore,
  isVaultStream,
  noStream,
  type Position,
  positionOf,
  StoreUnavailable,
} from '../event-store.ts';
import type { MovableStore, Purpose } from '../log-state.ts';
import { deletionsFrom } from './deletions.ts';
import { openLogFile } from './file.ts';
import { following } from './follow.ts';
import { groupCommit } from './group-commit.ts';
import { logStateIn } from './log-state.ts';
import { eventsIn, vaultIn } from './orders.ts';
import { type EventRow, type PlacedWrite, rowsOf, written } from './table.ts';
import { unavailableFrom } from './unavailable.ts';
import {
  type Committed,
  type LogWrite,
  logWriterOn,
  type WriteOutcome,
  type WrittenSecret,
} from './writer.ts';
import { WriterInThread, type WriterThreadOptions } from './writer-in-thread.ts';

interface SqliteOptions {
  readonly file: string;
  readonly purpose?: Purpose;
  /** Told of each commit that wrote: how long it took, and how many events it has. */
  readonly onAppend?: (seconds: number, events: number) => void;
  /** Where absent, the commits that make the journal long write it. */
  readonly journals?: Journals;
  /** Where absent, every commit waits for the disk on the event loop. */
  readonly thread?: WriterThreadOptions;
}

/**
 * Opens the embedded log for this process alone; makes it where there is none.
 *
 * Appends that arrive in the same turn of the event loop share a commit. `Appended.position` of a
 * vault stream is in the vault's order. A vault stream that was deleted takes nothing more: Conflict.
 * A page never holds more than `readBatchMax` events, whatever limit is asked for.
 *
 * @throws StoreLocked when another process has the file; LogNotLive when it was moved away; an Error
 *   when it is no log of this version.
 */
export function openSqliteStore(options: SqliteOptions): MovableStore {
  const log = openLog(options);
  return { logId: log.logId, ...reading(log), ...writing(log), ...moving(log) };
}

type OpenLog = ReturnType<typeof openLog>;

function openLog({ file, onAppend, purpose, journals, thread }: SqliteOptions) {
  const { database, logId, address, close } = openLogFile(file, purpose);
  const journal = address && journals?.keep(database, address);
  // Without a journal that is kept, this SQLite should not be given two connections that write.
  const elsewhere = journal && thread && new WriterInThread(address, thread);
  const writer = logWriterOn(database);
  const orders = ordersIn(database);
  const deletions = deletionsFrom({
    async empty() {
      await journal?.rest();
      if (elsewhere?.isInUse) await elsewhere.emptyJournal();
      else writer.emptyJournal();
    },
    emptyHere: writer.emptyJournal,
  });
  const commits = groupCommit({
    commitHere: writer.commit,
    commitElsewhere: (writes) => (elsewhere?.isInUse ? elsewhere.commit(writes) : undefined),
    committed(writes, committed) {
      const { seconds } = committed;
      const count = orders.came(writes, committed);
      if (writes.some((write, at) => isDeletion(write) && isNew(committed.outcomes[at])))
        deletions.committed();
      if (count > 0) onAppend?.(seconds, count);
      elsewhere?.took(seconds, writes.length);
      journal?.committed();
    },
    failed(writes) {
      orders.recount();
      if (writes.some(isDeletion)) deletions.committed();
    },
  });
  let open = true;

  function tidy(): void {
    try {
      deletions.goneNow();
    } catch {
      // Whoever waits for a deletion is told so, and repeats it; at the latest the next opening does.
    }
  }

  tidy();
  return {
    logId,
    ...orders,
    state: logStateIn(database),
    deletions,
    commits,
    isOpen: () => open,
    assertOpen(): void {
      if (!open) throw new StoreUnavailable('the log is closed');
    },
    async close(): Promise<void> {
      await journal?.close();
      await elsewhere?.end();
      if (!open) return;
      commits.drain();
      tidy();
      open = false;
      orders.wake();
      close();
    },
  };
}

/** Both orders, and who waits for what comes to them. */
function ordersIn(database: DatabaseSync) {
  const events = eventsIn(database);
  const vault = vaultIn(database);
  const eventAppended = createWakeup();
  const secretKept = createWakeup();
  const wake = () => {
    eventAppended.wake();
    secretKept.wake();
  };
  return {
    ...{ events, vault, eventAppended, secretKept, wake },
    /** This is on disk. Says how many events and changes of the vault it is. */
    came(writes: readonly LogWrite[], committed: Committed): number {
      const { lastEvent, lastVaultChange } = committed;
      const [eventCount, vaultCount] = [lastEvent - events.last(), lastVaultChange - vault.last()];
      events.came(newRows(writes, committed), lastEvent);
      vault.came(lastVaultChange);
      if (eventCount > 0) eventAppended.wake();
      if (vaultCount > 0) secretKept.wake();
      return eventCount + vaultCount;
    },
    /** There may be something on disk that nobody told of. */
    recount(): void {
      try {
        events.recount();
        vault.recount();
      } catch {
        // It cannot be read now: the next commit tells where they end.
      }
      wake();
    },
  };
}

const isDeletion = ([kind]: LogWrite): boolean => kind === 'delete';

const isNew = (outcome: WriteOutcome | undefined): outcome is PlacedWrite =>
  outcome !== undefined && 'isNew' in outcome && outcome.isNew;

/** What a commit brought to the log. */
function newRows(writes: readonly LogWrite[], { outcomes }: Committed): EventRow[] {
  return writes.flatMap((write, index) => {
    const outcome = outcomes[index];
    if (write[0] !== 'append' || isVaultStream(write[1]) || !isNew(outcome)) return [];
    const [, stream, revision, { length }] = write;
    const place = outcome.place - length + 1;
    return rowsOf(stream, write[3], { place, revision: revision + 1 });
  });
}

function placeOf(position: Position): number {
  const place = /^\d{20}$/.test(position) ? Number(position) : Number.NaN;
  if (!Number.isSafeInteger(place)) throw new TypeError('this is no position of an embedded log');
  return place;
}

/** Reads now; what SQLite cannot do becomes the port's error. */
function answer<Result>(log: OpenLog, read: () => Result): Result {
  log.assertOpen();
  try {
    return read();
  } catch (error) {
    throw unavailableFrom(error);
  }
}

type ReadingHalf = Pick<
  EventStore,
  'read' | 'readAll' | 'readTexts' | 'head' | 'follow' | 'readVault' | 'followVault'
>;

function reading(log: OpenLog): ReadingHalf {
  const { events, vault, isOpen } = log;
  return {
    async read(stream) {
      return answer(log, () => (isVaultStream(stream) ? vault : events).read(stream));
    },

    async readAll(after, limit) {
      const place = placeOf(after);
      return answer(log, () => events.page(place, limit));
    },

    async readTexts(after, limit) {
      const place = placeOf(after);
      return answer(log, () => events.texts(place, limit));
    },

    async head() {
      return answer(log, () => positionOf(events.last()));
    },

    follow(after, signal) {
      log.assertOpen();
      const read = (place: number) => answer(log, () => events.next(place));
      return following(placeOf(after), signal, { read, appended: log.eventAppended, isOpen });
    },

    async readVault(after, limit) {
      const place = placeOf(after);
      return answer(log, () => vault.page(place, limit).items);
    },

    followVault(after, signal) {
      log.assertOpen();
      const read = (place: number) => answer(log, () => vault.page(place));
      return following(placeOf(after), signal, { read, appended: log.secretKept, isOpen });
    },
  };
}

function writing(log: OpenLog): Pick<EventStore, 'append' | 'deleteStream' | 'close'> {
  const { commits, deletions } = log;
  return {
    async append(stream, expectedRevision, newEvents, secrets = []) {
      log.assertOpen();
      if (typeof stream !== 'string') throw new TypeError('a stream is named by a string');
      if (!Number.isSafeInteger(expectedRevision) || expectedRevision < noStream)
        throw new TypeError('the expected revision is a whole number from -1');
      const all = newEvents.map(written);
      const kept = secrets.map(({ stream, event }): WrittenSecret => [stream, written(event)]);
      let bytes = 0;
      for (const [, , data] of all) bytes += Buffer.byteLength(data);
      for (const [, [, , data]] of kept) bytes += Buffer.byteLength(data);
      const { revision, place } = await commits.submit({
        ...{ events: all.length + kept.length, bytes },
        write: ['append', stream, expectedRevision, all, kept],
      });
      return { revision, position: positionOf(place) };
    },

    async deleteStream(stream) {
      log.assertOpen();
      if (!isVaultStream(stream)) throw new TypeError('only streams of the vault can be deleted');
      await commits.submit({ events: 1, bytes: 0, write: ['delete', stream] });
      await deletions.gone();
    },

    close: log.close,
  };
}

function moving(log: OpenLog): Pick<MovableStore, 'getState' | 'setState' | 'groupsAppends'> {
  return {
    groupsAppends: true,
    async getState() {
      return answer(log, log.state.read);
    },
    async setState(state) {
      log.assertOpen();
      await log.commits.submit({ events: 0, bytes: 0, write: ['state', state] });
    },
  };
}
