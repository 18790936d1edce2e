/** Clients along an index: by name, or whose access or certificates end soon, so that nobody else is looked at. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientRow } from '../../../projections/clients.ts';
import { endsCountedEveryMs } from '../../limits/jobs.ts';
import { searchedPerPageMax, searchedPerStepMax } from '../../limits/rows.ts';
import { addMs } from '../../platform/instant.ts';
import { cursorsOf, MalformedCursor } from '../../read-models/cursor.ts';
import type { RowPage, RowPlace, Rows } from '../../read-models/row-table.ts';
import type { Paging } from '../paging.ts';

const dayMs = 24 * 3_600_000;
const cursors = {
  endsAt: cursorsOf('ends of access'),
  certificateEndsAt: cursorsOf('ends of certificates'),
  key: cursorsOf('users by name'),
};

interface EndsOptions {
  /** Whose ends: of access, or of the last certificate. */
  readonly column: 'endsAt' | 'certificateEndsAt';
  readonly clients: Rows<ClientRow>;
  readonly now: () => string;
}

/** @throws MalformedCursor */
function placeIn(column: keyof typeof cursors, cursor: string): RowPlace {
  const [, value, born] = /^(\S{1,128}) (\d{1,15})$/.exec(cursors[column].place(cursor)) ?? [];
  if (value === undefined) throw new MalformedCursor('the cursor is none of this list');
  return { value, born: Number(born) };
}

/**
 * Clients whose access ends within `days`; or whose last certificate does, or has ended and none followed: the first to end
 * first.
 * Where `isWanted` leaves out many, a page may be short, and its cursor goes on. @throws MalformedCursor
 */
export const endingWithin = (
  { column, clients, now }: EndsOptions,
  days: number,
  isWanted: (row: ClientRow) => boolean,
  paging: Paging,
): Promise<RowPage<ClientRow>> =>
  along({ column, clients, below: addMs(now(), days * dayMs) }, isWanted, paging);

/** Everybody by name, as its characters are numbered. As above. @throws MalformedCursor */
export const byName = (
  clients: Rows<ClientRow>,
  isWanted: (row: ClientRow) => boolean,
  paging: Paging,
): Promise<RowPage<ClientRow>> => along({ column: 'key', clients }, isWanted, paging);

async function along(
  range: { column: keyof typeof cursors; clients: Rows<ClientRow>; below?: string },
  isWanted: (row: ClientRow) => boolean,
  { limit, cursor }: Paging,
): Promise<RowPage<ClientRow>> {
  const { clients, ...bounds } = range;
  const { column } = bounds;
  const items: ClientRow[] = [];
  let after = cursor === undefined ? undefined : placeIn(column, cursor);
  for (let lookedAt = 0; lookedAt < searchedPerPageMax; lookedAt += searchedPerStepMax) {
    const step = clients.between({ ...bounds, after, limit: searchedPerStepMax });
    for (const [at, row] of step.items.entries()) {
      if (items.length === limit && after !== undefined)
        return { items, nextCursor: cursors[column].at(`${after.value} ${after.born}`) };
      if (isWanted(row)) items.push(row);
      after = step.places[at];
    }
    if (step.next === null) return { items, nextCursor: null };
    await nextTurn();
  }
  return { items, nextCursor: after ? cursors[column].at(`${after.value} ${after.born}`) : null };
}

/** A count that is taken anew every few seconds at most, however often somebody scrapes. */
export function heldCount(now: () => string, count: (at: string) => number): () => number {
  let counted = { atMs: Number.NEGATIVE_INFINITY, count: 0 };
  return () => {
    const at = now();
    const sinceMs = Date.parse(at) - counted.atMs;
    if (sinceMs < 0 || sinceMs >= endsCountedEveryMs)
      counted = { atMs: Date.parse(at), count: count(at) };
    return counted.count;
  };
}

/** How many clients have such an end within so many days. */
export const countOfEnding = ({ column, clients, now }: EndsOptions, days: number) =>
  heldCount(now, (at) => clients.count([{ column, below: addMs(at, days * dayMs) }]));
