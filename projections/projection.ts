/** A projection is a name, a key and a fold of one row. Where the rows live is not its business. */
import type { z } from 'zod';

/** What stands around a stored event: where in the log, which stream, caused by what. */
export interface Envelope {
  /** The event's number in the log's order, from 0: its leaf in the Merkle tree. */
  readonly index: number;
  readonly position: string;
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Its data as `JSON.stringify` writes them, where the text is at hand. */
  readonly dataText?: string | undefined;
  readonly metadata: { readonly correlationId: string; readonly causationId: string | null };
}

/** A value that rows can be found by. */
export type ColumnValue = string | number | null;

export interface Projection<Row, Event = unknown, Past = unknown> {
  /** Names the read model: rename it, or raise its version, and it is rebuilt from the first event. */
  readonly name: string;
  readonly version: number;
  /** The stream categories it reads. An event of theirs that does not parse stops the projection. */
  readonly reads: readonly string[];
  /** Parses the events of all its categories. */
  readonly Event: z.ZodType<Event>;
  /** By category, what of `Event` it has there: what other projections parse too is parsed once for all of them. */
  readonly eventsOf?: Readonly<Record<string, z.ZodType<Event>>>;
  /** The row an event belongs to; undefined: the event says nothing here. */
  readonly key: (event: Event, envelope: Envelope) => string | undefined;
  /** No row in: there is none yet. No row out: there is none any more. */
  readonly evolve: (row: Row | undefined, event: Event, envelope: Envelope) => Row | undefined;
  /**
   * What stands for a row in its text, and the row of it again; absent: the row itself. Equal rows have equal texts,
   * whatever became of them before.
   */
  readonly written?: {
    readonly short: (row: Row) => unknown;
    readonly whole: (short: unknown, key: string, born: number) => Row;
    /** The very text that `short` has as JSON, put together from texts that are there; undefined: it is to be written. */
    readonly text?: (row: Row) => string | undefined;
  };
  /** The columns that rows are found and counted by. */
  readonly columns: Readonly<Record<string, (row: Row) => ColumnValue>>;
  /** Columns that are only looked into: no index leads to a part of a text, so they have none. */
  readonly unindexed?: readonly string[];
  /** Each row is of one event alone, so that nobody looks for it before it is written. */
  readonly isWrittenOnce?: true;
  /** Keys rise with the time that they are made at: one beyond all others has no row, which is known without a look. */
  readonly keysRise?: true;
  /** Looked at in each attempt at the doors, so that more of its rows are held parsed. */
  readonly isOftenLookedAt?: true;
  /** The labels of a row that rows are counted by: `always` also as it was after each event, `now` as it is. */
  readonly counted?: {
    readonly always: (row: Row) => readonly string[];
    readonly now: (row: Row) => readonly string[];
  };
  /** What of each version of a row stays, for those who look back; absent: only the newest row is kept. */
  readonly past?: (row: Row) => Past;
  /** A number in what stays that alone most changes change: it is kept beside the text that they have in common. */
  readonly pastCounting?: string;
}
