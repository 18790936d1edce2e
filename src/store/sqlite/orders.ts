/** The two orders of the embedded log, each in its table: the log's and the vault's. */
import type { DatabaseSync } from 'node:sqlite';
import { newestCharactersHeldMax, newestEventsHeldMax, readBatchMax } from '../../limits/store.ts';
import { positionOf, type StoredEvent, type VaultChange } from '../event-store.ts';
import type { EventText } from '../event-text.ts';
import type { FollowPage } from './follow.ts';
import { type EventRow, eventTable, query, storedFrom } from './table.ts';

const columns = 'place, eventId, stream, revision, type, data, metadata';

/** SQLite takes a negative limit for none, and nobody gets more than `readBatchMax`. */
const pageSize = (limit: number): number => Math.max(0, Math.min(limit, readBatchMax));

/** A row, and its event once somebody asked for it: several follow the log, and none changes an event. */
interface HeldEvent {
  readonly row: EventRow;
  event: StoredEvent | undefined;
}

function parsedOnce(held: HeldEvent): StoredEvent {
  held.event ??= storedFrom(held.row);
  return held.event;
}

/** The log itself: every stream outside the vault. */
export function eventsIn(database: DatabaseSync) {
  const ofStream = query<EventRow>(
    database,
    `SELECT ${columns} FROM events WHERE stream = ? ORDER BY revision`,
  );
  const afterPlace = query<EventRow>(
    database,
    `SELECT ${columns} FROM events WHERE place > ? ORDER BY place LIMIT ?`,
  );
  const table = eventTable(database, 'events');
  let held: readonly HeldEvent[] = [];
  /** Undefined: they begin after the first that is wanted. */
  const heldAfter = (after: number, count: number): FollowPage<StoredEvent> | undefined => {
    const skipped = after + 1 - (held[0]?.row[0] ?? Infinity);
    if (skipped < 0) return undefined;
    const page = held.slice(skipped, skipped + count);
    return { items: page.map(parsedOnce), last: page.at(-1)?.row[0] ?? after };
  };
  return {
    table,
    read: (stream: string): StoredEvent[] => ofStream(stream).map(storedFrom),
    page(after: number, limit = readBatchMax): FollowPage<StoredEvent> {
      const count = pageSize(limit);
      const page = heldAfter(after, count);
      if (page !== undefined) return page;
      const rows = afterPlace(after, count);
      return { items: rows.map(storedFrom), last: rows.at(-1)?.[0] ?? after };
    },
    /** As they stand there. */
    texts: (after: number, limit: number): EventText[] =>
      afterPlace(after, pageSize(limit)).map(([place, ...others]) => [
        positionOf(place),
        ...others,
      ]),
    /** They are on disk: who follows the log is given them from memory. */
    keepNewest(): void {
      const newest = table.newest().map((row): HeldEvent => ({ row, event: undefined }));
      if (newest.length === 0) return;
      const isNext = held.at(-1)?.row[0] === (newest[0]?.row[0] ?? 0) - 1;
      const all = isNext ? [...held, ...newest].slice(-newestEventsHeldMax) : newest;
      const length = all.reduce((sum, { row: [, , , , , data] }) => sum + data.length, 0);
      held = all.length <= newestEventsHeldMax && length <= newestCharactersHeldMax ? all : [];
    },
  };
}

/** The vault: what is kept, and what was deleted. */
export function vaultIn(database: DatabaseSync) {
  const table = eventTable(database, 'vault');
  const ofStream = query<EventRow>(
    database,
    `SELECT ${columns} FROM vault
     WHERE stream = ? AND revision IS NOT NULL AND typeof(data) = 'text' ORDER BY revision`,
  );
  const afterPlace = query<
    EventRow | [place: number, eventId: null, stream: string, revision: null]
  >(
    database,
    `SELECT ${columns} FROM vault
     WHERE place > ? AND (revision IS NULL OR typeof(data) = 'text') ORDER BY place LIMIT ?`,
  );
  const deletionOf = query<[place: number]>(
    database,
    'SELECT place FROM vault WHERE stream = ? AND revision IS NULL',
  );
  const addDeletion = database.prepare('INSERT INTO vault (place, stream) VALUES (?, ?)');
  // Zeros of the same length go where the secret stood: SQLite writes over the row in place.
  const wipe = database.prepare(
    'UPDATE vault SET data = zeroblob(octet_length(data)) WHERE stream = ? AND revision IS NOT NULL',
  );
  return {
    table,
    isDeleted: (stream: string): boolean => deletionOf(stream).length > 0,
    read: (stream: string): StoredEvent[] => ofStream(stream).map(storedFrom),
    page(after: number, limit = readBatchMax): FollowPage<VaultChange> {
      const rows = afterPlace(after, pageSize(limit));
      return { items: rows.map(changeFrom), last: rows.at(-1)?.[0] ?? after };
    },
    delete(stream: string): void {
      wipe.run(stream);
      addDeletion.run(table.takePlace(), stream);
    },
  };
}

function changeFrom(
  row: EventRow | [place: number, eventId: null, stream: string, revision: null],
) {
  const [place, , stream, revision] = row;
  const position = positionOf(place);
  return revision === null
    ? ({ kind: 'deleted', position, stream } as const)
    : ({ kind: 'kept', position, stream, event: storedFrom(row as EventRow) } as const);
}
