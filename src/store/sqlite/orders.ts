/**
 * The two orders of the embedded log, each in its table, the log's and the vault's: as far as this process was told that they
 * are on disk, so that within one turn of the event loop both stand still.
 */
import type { DatabaseSync } from 'node:sqlite';
import { newestCharactersHeldMax, newestEventsHeldMax, readBatchMax } from '../../limits/store.ts';
import { positionOf, type StoredEvent, type VaultChange } from '../event-store.ts';
import type { EventFromText, EventText } from '../event-text.ts';
import type { FollowPage } from './follow.ts';
import { type EventRow, followedFrom, lastPlaceIn, query, storedFrom } from './table.ts';

const columns = 'place, eventId, stream, revision, type, data, metadata';

/** SQLite takes a negative limit for none, and nobody gets more than `readBatchMax`. */
const pageSize = (limit: number): number => Math.max(0, Math.min(limit, readBatchMax));

/** A row, and its event once somebody who follows the log came to it: several do, and none changes an event. */
interface HeldEvent {
  readonly row: EventRow;
  event: EventFromText | undefined;
}

function parsedOnce(held: HeldEvent): EventFromText {
  held.event ??= followedFrom(held.row);
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
    `SELECT ${columns} FROM events WHERE place > ? AND place <= ? ORDER BY place LIMIT ?`,
  );
  const lastPlace = lastPlaceIn(database, 'events');
  let last = lastPlace();
  let held: readonly HeldEvent[] = [];
  /** Undefined: they begin after the first that is wanted. */
  const heldAfter = (after: number, count: number): readonly HeldEvent[] | undefined => {
    const skipped = after + 1 - (held[0]?.row[0] ?? Infinity);
    return skipped < 0 ? undefined : held.slice(skipped, skipped + count);
  };
  return {
    /** The place of the newest, 0 when there is none. */
    last: (): number => last,
    read: (stream: string): StoredEvent[] => ofStream(stream).map(storedFrom),
    page(after: number, limit: number): StoredEvent[] {
      const count = pageSize(limit);
      const rows = heldAfter(after, count)?.map(({ row }) => row) ?? afterPlace(after, last, count);
      return rows.map(storedFrom);
    },
    /** For who follows the log: with the texts, of which most of what is written of an event is made. */
    next(after: number): FollowPage<EventFromText> {
      const page = heldAfter(after, readBatchMax);
      const items =
        page?.map(parsedOnce) ?? afterPlace(after, last, readBatchMax).map(followedFrom);
      const newest = items.at(-1);
      return { items, last: newest === undefined ? after : newest.index + 1 };
    },
    /** As they stand there. */
    texts: (after: number, limit: number): EventText[] =>
      afterPlace(after, last, pageSize(limit)).map((row): EventText => {
        const [place, eventId, stream, revision, type, data, metadata] = row;
        return [positionOf(place), eventId, stream, revision, type, data, metadata];
      }),
    /** These came, and the log ends at this place: they are on disk, and who follows the log is given them from memory. */
    came(rows: readonly EventRow[], newLast: number): void {
      // Others came that nobody told of: who follows finds them in the file.
      if (newLast - last !== rows.length) held = [];
      last = newLast;
      const newest = rows.map((row): HeldEvent => ({ row, event: undefined }));
      if (newest.length === 0) return;
      const isNext = held.at(-1)?.row[0] === (newest[0]?.row[0] ?? 0) - 1;
      const all = isNext ? [...held, ...newest].slice(-newestEventsHeldMax) : newest;
      const length = all.reduce((sum, { row: [, , , , , data] }) => sum + data.length, 0);
      held = all.length <= newestEventsHeldMax && length <= newestCharactersHeldMax ? all : [];
    },
    /** Goes by the file: there may be events that nobody told of. */
    recount(): void {
      last = lastPlace();
      held = [];
    },
  };
}

/** The vault: what is kept, and what was deleted. */
export function vaultIn(database: DatabaseSync) {
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
     WHERE place > ? AND place <= ? AND (revision IS NULL OR typeof(data) = 'text')
     ORDER BY place LIMIT ?`,
  );
  const lastPlace = lastPlaceIn(database, 'vault');
  let last = lastPlace();
  return {
    read: (stream: string): StoredEvent[] => ofStream(stream).map(storedFrom),
    page(after: number, limit = readBatchMax): FollowPage<VaultChange> {
      const rows = afterPlace(after, last, pageSize(limit));
      return { items: rows.map(changeFrom), last: rows.at(-1)?.[0] ?? after };
    },
    last: (): number => last,
    /** Changes up to this place came: they are on disk. */
    came(newLast: number): void {
      last = newLast;
    },
    /** Goes by the file: there may be changes that nobody told of. */
    recount(): void {
      last = lastPlace();
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
