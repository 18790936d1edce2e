/** Who was not seen for some time: by the side table's index, the longest unseen first. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientRow } from '../../../projections/clients.ts';
import { searchedPerPageMax, searchedPerStepMax } from '../../limits/rows.ts';
import { cursorsOf, MalformedCursor } from '../../read-models/cursor.ts';
import type { RowPage, Rows } from '../../read-models/row-table.ts';
import type { Sightings, Unseen } from '../../sightings/sightings.ts';
import type { Paging } from '../paging.ts';

const cursors = cursorsOf('unseen clients');

/** @throws MalformedCursor */
function placeIn(cursor: string): Unseen {
  const [, sinceMs, username] = /^(\d{1,15}) (\S{3,128})$/.exec(cursors.place(cursor)) ?? [];
  if (username === undefined) throw new MalformedCursor('the cursor is none of this list');
  return { username, sinceMs: Number(sinceMs) };
}

const cursorAt = ({ sinceMs, username }: Unseen) => cursors.at(`${sinceMs} ${username}`);

/** Where `isWanted` leaves out many, a page may be short, and its cursor goes on. @throws MalformedCursor */
export async function unseenSince(
  { clients, sightings }: { clients: Rows<ClientRow>; sightings: Pick<Sightings, 'unseen'> },
  belowMs: number,
  isWanted: (row: ClientRow) => boolean,
  { limit, cursor }: Paging,
): Promise<RowPage<ClientRow>> {
  const items: ClientRow[] = [];
  let after = cursor === undefined ? null : placeIn(cursor);
  for (let lookedAt = 0; lookedAt < searchedPerPageMax; lookedAt += searchedPerStepMax) {
    const step = sightings.unseen(belowMs, after, searchedPerStepMax);
    for (const one of step) {
      if (items.length === limit && after !== null) return { items, nextCursor: cursorAt(after) };
      const row = clients.get(one.username);
      if (row?.status === 'active' && isWanted(row)) items.push(row);
      after = one;
    }
    if (step.length < searchedPerStepMax) return { items, nextCursor: null };
    await nextTurn();
  }
  return { items, nextCursor: after && cursorAt(after) };
}
