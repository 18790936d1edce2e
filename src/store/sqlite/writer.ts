/** Writes to the embedded log over one connection, many in one commit. What is to be written is plain, so that a thread can be given it. */
import type { DatabaseSync } from 'node:sqlite';
import { Conflict, isVaultStream, noStream } from '../event-store.ts';
import type { LogState } from '../log-state.ts';
import { appendTo, deletionsIn, eventTable, type PlacedWrite, type WrittenEvent } from './table.ts';
import { emptyingOf, transactionsOf } from './transactions.ts';

/** A stream of the vault that begins with this event. */
export type WrittenSecret = readonly [stream: string, event: WrittenEvent];

export type LogWrite =
  | readonly [
      kind: 'append',
      stream: string,
      expectedRevision: number,
      events: readonly WrittenEvent[],
      secrets: readonly WrittenSecret[],
    ]
  | readonly [kind: 'delete', stream: string]
  | readonly [kind: 'state', state: LogState];

/** What became of one write: a conflict refuses it, and no other of its commit. */
export type WriteOutcome = PlacedWrite | { readonly conflict: string };

/** What became of a commit. */
export interface Committed {
  /** One for each write, in their order. */
  readonly outcomes: readonly WriteOutcome[];
  /** How long it took. */
  readonly seconds: number;
  /** The places of the newest event of the log, and of the newest change of the vault. */
  readonly lastEvent: number;
  readonly lastVaultChange: number;
}

interface LogWriter {
  /** On disk when it returns, undone when it throws. @throws StoreUnavailable */
  commit(writes: readonly LogWrite[]): Committed;
  /** @throws StoreUnavailable when it cannot be done now */
  emptyJournal(): void;
}

export function logWriterOn(database: DatabaseSync): LogWriter {
  const events = eventTable(database, 'events');
  const vault = eventTable(database, 'vault');
  const deletions = deletionsIn(database);
  const mark = database.prepare(`INSERT OR REPLACE INTO meta VALUES ('mark', ?)`);
  const transact = transactionsOf(database, () => {
    events.recount();
    vault.recount();
  });

  function append(stream: string, revision: number, what: readonly WrittenEvent[]): PlacedWrite {
    const inVault = isVaultStream(stream);
    const table = inVault ? vault : events;
    // The rows of a deleted stream stay, so that what begins one anew is refused by its index.
    const begun = revision === noStream ? table.begun(stream, what) : undefined;
    if (begun !== undefined) return { revision: 0, place: begun, isNew: true };
    if (inVault && deletions.has(stream)) throw new Conflict(`${stream} was deleted`);
    return appendTo(table, stream, revision, what);
  }

  function perform(write: LogWrite): PlacedWrite {
    if (write[0] === 'append') {
      const [, stream, expectedRevision, what, secrets] = write;
      // Where it is refused, nothing is written: nobody would name the secrets.
      const appended = append(stream, expectedRevision, what);
      try {
        for (const [secretStream, event] of secrets) append(secretStream, noStream, [event]);
      } catch (error) {
        // The whole commit is undone: an event must never name a secret that there is not.
        throw error instanceof Conflict ? new Error('this id was a secret before') : error;
      }
      return appended;
    }
    const [kind, what] = write;
    if (kind === 'state') {
      mark.run(what);
      return { revision: noStream, place: 0, isNew: true };
    }
    const { revision, place } = vault.endOf(what);
    const isNew = revision !== noStream && !deletions.has(what);
    if (isNew) deletions.add(what, vault.takePlace());
    return { revision, place, isNew };
  }

  function attempt(write: LogWrite): WriteOutcome {
    try {
      return perform(write);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      return { conflict: error.message };
    }
  }

  return {
    commit(writes) {
      const started = performance.now();
      let outcomes: readonly WriteOutcome[] = [];
      transact(() => {
        outcomes = writes.map(attempt);
      });
      const seconds = (performance.now() - started) / 1000;
      return { outcomes, seconds, lastEvent: events.counted(), lastVaultChange: vault.counted() };
    },
    emptyJournal: emptyingOf(database),
  };
}
