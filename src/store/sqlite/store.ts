/** The embedded event log: one SQLite file, one writer, every answer on disk before it is given. */

import type { Journals } from '../../platform/sqlite/journals.ts';
import { createWakeup } from '../../platform/wakeup.ts';
import {
  Conflict,
  type EventStore,
  isVaultStream,
  noStream,
  type Position,
  positionOf,
  StoreUnavailable,
} from '../event-store.ts';
import type { MovableStore, Purpose } from '../log-state.ts';
import { openLogFile, unavailableFrom } from './file.ts';
import { following } from './follow.ts';
import { groupCommit } from './group-commit.ts';
import { logStateIn } from './log-state.ts';
import { eventsIn, vaultIn } from './orders.ts';
import { appendTo, written } from './table.ts';
import { transactionsOf, truncationOf } from './transactions.ts';

interface SqliteOptions {
  readonly file: string;
  readonly purpose?: Purpose;
  /** Told of each commit that wrote: how long it took, and how many events it has. */
  readonly onAppend?: (seconds: number, events: number) => void;
  /** Where absent, the commits that make the journal long write it. */
  readonly journals?: Journals;
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

function openLog({ file, onAppend, purpose, journals }: SqliteOptions) {
  const { database, logId, address, close } = openLogFile(file, purpose);
  const journal = address && journals?.keep(database, address);
  const events = eventsIn(database);
  const vault = vaultIn(database);
  const state = logStateIn(database);
  const eventAppended = createWakeup();
  const secretKept = createWakeup();
  const truncation = truncationOf(database);
  const transact = transactionsOf(database, () => {
    events.table.recount();
    vault.table.recount();
  });
  const commits = groupCommit({
    transaction(work) {
      const started = performance.now();
      transact(work);
      return (performance.now() - started) / 1000;
    },
    committed(seconds) {
      const logged = events.table.news();
      events.keepNewest();
      const vaultEvents = vault.table.news();
      if (logged > 0) eventAppended.wake();
      if (vaultEvents > 0) secretKept.wake();
      if (logged + vaultEvents > 0) onAppend?.(seconds, logged + vaultEvents);
      journal?.committed();
    },
  });
  let open = true;

  function tidy(): void {
    try {
      if (truncation.isDue()) truncation.now();
    } catch {
      // Whoever waits for a deletion is told so, and repeats it; at the latest the next opening does.
    }
  }

  tidy();
  return {
    logId,
    events,
    vault,
    state,
    eventAppended,
    secretKept,
    truncation,
    commits,
    journal,
    isOpen: () => open,
    assertOpen(): void {
      if (!open) throw new StoreUnavailable('the log is closed');
    },
    close(): void {
      if (!open) return;
      commits.drain();
      tidy();
      open = false;
      eventAppended.wake();
      secretKept.wake();
      close();
    },
  };
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
      return answer(log, () => events.page(place, limit).items);
    },

    async readTexts(after, limit) {
      const place = placeOf(after);
      return answer(log, () => events.texts(place, limit));
    },

    async head() {
      return answer(log, () => positionOf(events.table.lastPlace()));
    },

    follow(after, signal) {
      log.assertOpen();
      const read = (place: number) => answer(log, () => events.page(place));
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
  const { events, vault, commits, truncation, journal } = log;
  return {
    async append(stream, expectedRevision, newEvents, secrets = []) {
      log.assertOpen();
      if (typeof stream !== 'string') throw new TypeError('a stream is named by a string');
      if (!Number.isSafeInteger(expectedRevision) || expectedRevision < noStream)
        throw new TypeError('the expected revision is a whole number from -1');
      const all = newEvents.map(written);
      const kept = secrets.map((secret) => ({ ...secret, events: [written(secret.event)] }));
      const bytes = [...all, ...kept.flatMap((secret) => secret.events)].reduce(
        (sum, { data }) => sum + Buffer.byteLength(data),
        0,
      );
      const appendOne = (to: string, revision: number, what: typeof all) => {
        const inVault = isVaultStream(to);
        const table = inVault ? vault.table : events.table;
        // The rows of a deleted stream stay, so that what begins one anew is refused by its index.
        const begun = revision === noStream ? table.begun(to, what) : undefined;
        if (begun !== undefined) return { revision: 0, position: positionOf(begun) };
        if (inVault && vault.isDeleted(to)) throw new Conflict(`${to} was deleted`);
        return appendTo(table, to, revision, what);
      };
      const perform = () => {
        // Where it is refused, nothing is written: nobody would name the secrets.
        const appended = appendOne(stream, expectedRevision, all);
        try {
          for (const secret of kept) appendOne(secret.stream, noStream, secret.events);
        } catch (error) {
          // The whole commit is undone: an event must never name a secret that there is not.
          throw error instanceof Conflict ? new Error('this id was a secret before') : error;
        }
        return appended;
      };
      return commits.submit({ events: all.length + kept.length, bytes, perform });
    },

    async deleteStream(stream) {
      log.assertOpen();
      if (!isVaultStream(stream)) throw new TypeError('only streams of the vault can be deleted');
      const perform = () => {
        if (vault.isDeleted(stream) || vault.table.endOf(stream).revision === noStream) return;
        truncation.fallsDue();
        vault.delete(stream);
      };
      await commits.submit({ events: 1, bytes: 0, perform });
      // Deletions of one commit come here one after the other: the first empties it for all.
      if (truncation.isDue()) await journal?.rest();
      if (truncation.isDue()) answer(log, truncation.now);
    },

    async close() {
      await journal?.close();
      log.close();
    },
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
      await log.commits.submit({ events: 0, bytes: 0, perform: () => log.state.write(state) });
    },
  };
}
