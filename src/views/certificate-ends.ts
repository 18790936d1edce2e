/** Whose certificates end soon: by the index of their ends, so that nobody else is looked at. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientRow } from '../../projections/clients.ts';
import {
  certificateExpiringDays,
  certificatesCountedEveryMs,
  searchedPerPageMax,
  searchedPerStepMax,
} from '../limits.ts';
import { addMs } from '../platform/instant.ts';
import { cursorsOf, MalformedCursor } from '../read-models/cursor.ts';
import type { RowPage, RowPlace, Rows } from '../read-models/row-table.ts';
import type { Paging } from './paging.ts';

const column = 'certificateEndsAt';
const dayMs = 24 * 3_600_000;
const cursors = cursorsOf('ends of certificates');

interface EndsOptions {
  readonly clients: Rows<ClientRow>;
  readonly now: () => string;
}

/** @throws MalformedCursor */
function placeIn(cursor: string): RowPlace {
  const [, value, born] = /^(\S{24}) (\d{1,15})$/.exec(cursors.place(cursor)) ?? [];
  if (value === undefined) throw new MalformedCursor('the cursor is none of this list');
  return { value, born: Number(born) };
}

/**
 * Clients whose last certificate ends within `days`, or has ended and none followed: the first to end first.
 * Where `isWanted` leaves out many, a page may be short, and its cursor goes on. @throws MalformedCursor
 */
export async function certificatesEnding(
  { clients, now }: EndsOptions,
  days: number,
  isWanted: (row: ClientRow) => boolean,
  { limit, cursor }: Paging,
): Promise<RowPage<ClientRow>> {
  const below = addMs(now(), days * dayMs);
  const items: ClientRow[] = [];
  let after = cursor === undefined ? undefined : placeIn(cursor);
  for (let lookedAt = 0; lookedAt < searchedPerPageMax; lookedAt += searchedPerStepMax) {
    const step = clients.between({ column, below, after, limit: searchedPerStepMax });
    for (const [at, row] of step.items.entries()) {
      if (items.length === limit && after !== undefined)
        return { items, nextCursor: cursors.at(`${after.value} ${after.born}`) };
      if (isWanted(row)) items.push(row);
      after = step.places[at];
    }
    if (step.next === null) return { items, nextCursor: null };
    await nextTurn();
  }
  return { items, nextCursor: after ? cursors.at(`${after.value} ${after.born}`) : null };
}

/** How many clients have their last certificate end within 30 days: counted anew every few seconds at most. */
export function countOfExpiring({ clients, now }: EndsOptions): () => number {
  let counted = { atMs: Number.NEGATIVE_INFINITY, count: 0 };
  return () => {
    const at = now();
    const sinceMs = Date.parse(at) - counted.atMs;
    if (sinceMs >= 0 && sinceMs < certificatesCountedEveryMs) return counted.count;
    const below = addMs(at, certificateExpiringDays * dayMs);
    counted = { atMs: Date.parse(at), count: clients.count([{ column, below }]) };
    return counted.count;
  };
}
