/** One table of the embedded log: events in a gap-free order of their own, the log's or the vault's. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { sqliteCode } from '../../platform/sqlite/result-codes.ts';
import { Conflict, type NewEvent, noStream, positionOf, type StoredEvent } from '../event-store.ts';
import { EventFromText, type EventText } from '../event-text.ts';

/** An event whose JSON is already written: short to copy, for a thread may be given it. */
export type WrittenEvent = readonly [eventId: string, type: string, data: string, metadata: string];

/** With its place in the table. */
export type EventRow = EventText<number>;

interface EventTable {
  readonly insertAll: (stream: string, revision: number, events: readonly WrittenEvent[]) => number;
  /** Begins a stream with one event; undefined: it is another number of events, or the stream or the id is there. */
  readonly begun: (stream: string, events: readonly WrittenEvent[]) => number | undefined;
  /** Where a stream ends: its last revision and that event's place, `noStream` and 0 without any. */
  readonly endOf: (stream: string) => { revision: number; place: number };
  /** Whether exactly these events are what comes after a revision, and the place of the last. */
  readonly placeOfRepeated: (
    stream: string,
    revision: number,
    events: readonly WrittenEvent[],
  ) => number | undefined;
  /** At the start of a transaction: counts on from what is really there. */
  readonly recount: () => void;
  /** The place of the last row, 0 when there is none. */
  readonly counted: () => number;
  /** The next free place, taken by whoever asks. */
  readonly takePlace: () => number;
}

const constraintCode = 19;

/**
 * Writes an event's JSON once, at the door, so that what the caller changes afterwards changes nothing.
 * @throws TypeError when it has no id or type, or data or metadata are no objects of JSON.
 */
export function written({ eventId, type, data, metadata }: NewEvent): WrittenEvent {
  if (typeof eventId !== 'string' || typeof type !== 'string')
    throw new TypeError('an event has an id and a type');
  return [eventId, type, jsonObject('data', data), jsonObject('metadata', metadata)];
}

function jsonObject(what: string, value: unknown): string {
  const json: unknown = JSON.stringify(value);
  if (typeof json !== 'string' || !json.startsWith('{'))
    throw new TypeError(`${what} of an event is a JSON object`);
  return json;
}

export const storedFrom = ([
  place,
  eventId,
  stream,
  revision,
  type,
  data,
  metadata,
]: EventRow): StoredEvent => ({
  eventId,
  type,
  data: JSON.parse(data),
  metadata: JSON.parse(metadata),
  stream,
  revision,
  position: positionOf(place),
});

/** The same with its texts, and its number: places of the log have no gap. */
export const followedFrom = ([place, ...rest]: EventRow): EventFromText =>
  new EventFromText([positionOf(place), ...rest], place - 1);

/** A prepared query whose rows are arrays: nearly twice as fast as objects when a log is replayed. */
export function query<Answer>(database: DatabaseSync, sql: string) {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return (...values: (string | number)[]): Answer[] =>
    statement.all(...values) as unknown as Answer[];
}

/** Events as rows, from a place and a revision on. */
export const rowsOf = (
  stream: string,
  events: readonly WrittenEvent[],
  { place, revision }: { readonly place: number; readonly revision: number },
): EventRow[] =>
  events.map(([eventId, type, data, metadata], at) => [
    ...([place + at, eventId, stream, revision + at] as const),
    ...([type, data, metadata] as const),
  ]);

/** Says the place of a table's last row, 0 when there is none. */
export function lastPlaceIn(database: DatabaseSync, table: 'events' | 'vault'): () => number {
  const last = query<[place: number | null]>(database, `SELECT max(place) FROM ${table}`);
  return () => last()[0]?.[0] ?? 0;
}

function statementsOf(database: DatabaseSync, table: 'events' | 'vault') {
  return {
    insert: database.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?)`),
    end: query<[revision: number, place: number]>(
      database,
      `SELECT revision, place FROM ${table} WHERE stream = ? AND revision IS NOT NULL
       ORDER BY revision DESC LIMIT 1`,
    ),
    following: query<[eventId: string, place: number]>(
      database,
      `SELECT eventId, place FROM ${table} WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?`,
    ),
    last: lastPlaceIn(database, table),
  };
}

export function eventTable(database: DatabaseSync, table: 'events' | 'vault'): EventTable {
  const { insert, end, following, last } = statementsOf(database, table);
  const several = savepoint(database);
  let counted = 0;

  function insertEach(stream: string, revision: number, events: readonly WrittenEvent[]): number {
    const rows = rowsOf(stream, events, { place: counted + 1, revision: revision + 1 });
    for (const row of rows) insert.run(...row);
    counted += rows.length;
    return counted;
  }

  return {
    insertAll(stream, revision, events) {
      try {
        // One statement undoes itself.
        if (events.length === 1) return insertEach(stream, revision, events);
        return several(() => insertEach(stream, revision, events));
      } catch (error) {
        if (sqliteCode(error) !== constraintCode) throw error;
        throw new Conflict(`an event for ${stream} has the id of another event`);
      }
    },
    begun(stream, events) {
      if (events.length !== 1) return undefined;
      try {
        // The unique index tells what a look before would: most streams begin with one event.
        return insertEach(stream, noStream, events);
      } catch (error) {
        if (sqliteCode(error) !== constraintCode) throw error;
        return undefined;
      }
    },
    endOf(stream) {
      const [revision, place] = end(stream)[0] ?? [noStream, 0];
      return { revision, place };
    },
    placeOfRepeated(stream, revision, events) {
      const there = following(stream, revision, events.length);
      const same = events.every(([eventId], index) => there[index]?.[0] === eventId);
      return same ? there.at(-1)?.[1] : undefined;
    },
    recount() {
      counted = last();
    },
    counted: () => counted,
    takePlace() {
      counted += 1;
      return counted;
    },
  };
}

/** What a write did. */
export interface PlacedWrite {
  /** The stream's last revision, and the place of that event. */
  readonly revision: number;
  readonly place: number;
  /** False: it was there already. */
  readonly isNew: boolean;
}

/** Appends inside a transaction, by the rules of the port, what does not begin a stream. */
export function appendTo(
  table: EventTable,
  stream: string,
  expectedRevision: number,
  events: readonly WrittenEvent[],
): PlacedWrite {
  const end = table.endOf(stream);
  const revision = expectedRevision + events.length;
  if (end.revision === expectedRevision) {
    const place = events.length > 0 ? table.insertAll(stream, expectedRevision, events) : end.place;
    return { revision, place, isNew: true };
  }
  const place = table.placeOfRepeated(stream, expectedRevision, events);
  if (place === undefined)
    throw new Conflict(`${stream} is at revision ${end.revision}, not ${expectedRevision}`);
  return { revision, place, isNew: false };
}

/** The streams that were deleted from the vault. */
export function deletionsIn(database: DatabaseSync) {
  const deletionOf = query<[place: number]>(
    database,
    'SELECT place FROM vault WHERE stream = ? AND revision IS NULL',
  );
  const insert = database.prepare('INSERT INTO vault (place, stream) VALUES (?, ?)');
  // Zeros of the same length go where the secret stood: SQLite writes over the row in place.
  const wipe = database.prepare(
    'UPDATE vault SET data = zeroblob(octet_length(data)) WHERE stream = ? AND revision IS NOT NULL',
  );
  return {
    has: (stream: string): boolean => deletionOf(stream).length > 0,
    add(stream: string, place: number): void {
      wipe.run(stream);
      insert.run(place, stream);
    },
  };
}

/** Runs a part of a transaction that is undone as a whole when it throws. */
function savepoint(database: DatabaseSync) {
  const [set, undo, release]: StatementSync[] = ['SAVEPOINT', 'ROLLBACK TO', 'RELEASE'].map(
    (verb) => database.prepare(`${verb} part`),
  );
  return <Result>(work: () => Result): Result => {
    set?.run();
    try {
      return work();
    } catch (error) {
      if (database.isTransaction) undo?.run();
      throw error;
    } finally {
      if (database.isTransaction) release?.run();
    }
  };
}
