/** The two orders of the embedded log, each in its table: the log's and the vault's. */
import type { DatabaseSync } from 'node:sqlite';
import { readBatchMax } from '../../limits.ts';
import { positionOf, type StoredEvent, type VaultChange } from '../event-store.ts';
import type { FollowPage } from './follow.ts';
import { type EventRow, eventTable, query, storedFrom } from './table.ts';

const columns = 'place, eventId, stream, revision, type, data, metadata';

/** SQLite takes a negative limit for none, and nobody gets more than `readBatchMax`. */
const pageSize = (limit: number): number => Math.max(0, Math.min(limit, readBatchMax));

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
  return {
    table: eventTable(database, 'events'),
    read: (stream: string): StoredEvent[] => ofStream(stream).map(storedFrom),
    page(after: number, limit = readBatchMax): FollowPage<StoredEvent> {
      const rows = afterPlace(after, pageSize(limit));
      return { items: rows.map(storedFrom), last: rows.at(-1)?.[0] ?? after };
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
