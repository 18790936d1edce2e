/** The history, searched and filtered. */
import type { HistoryRow } from '../../projections/history.ts';
import type { Personal } from '../credentials/personal-data.ts';
import type { Rows } from '../read-models/row-table.ts';
import { mapPageAsync, type Paging, search, whenGiven } from './paging.ts';
import { opened, personalFields } from './personal-fields.ts';

export interface EventViewOptions {
  readonly rows: { readonly history: Rows<HistoryRow> };
  readonly personal: Pick<Personal, 'open'>;
}

/** Everything that is given must fit. */
interface EventQuery extends Paging {
  readonly username?: string | undefined;
  readonly windowId?: string | undefined;
  readonly actor?: string | undefined;
  readonly type?: string | undefined;
  /** ISO instants: from the first on, before the second. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly q?: string | undefined;
  readonly order: 'asc' | 'desc';
}

export function createEventViews({ rows, personal }: EventViewOptions) {
  async function eventOf(row: HistoryRow, seeing: boolean) {
    const data: Record<string, unknown> = { ...row.data };
    if (row.username !== null && row.stream.startsWith('client-'))
      for (const field of personalFields)
        if (field in data)
          data[field] = await opened(
            personal,
            row.username,
            field,
            data[field] as string | null,
            seeing,
          );
    return { ...row, data };
  }

  return {
    async events(query: EventQuery, seeing: boolean) {
      const is = (column: 'username' | 'windowId' | 'actor' | 'type') =>
        whenGiven(query[column], (value) => ({ column, is: value }));
      const page = await rows.history.search({
        where: [
          ...is('username'),
          ...is('windowId'),
          ...is('actor'),
          ...is('type'),
          ...whenGiven(query.since, (atLeast) => ({ column: 'at', atLeast })),
          ...whenGiven(query.until, (below) => ({ column: 'at', below })),
          ...search(query.q, ['username', 'actor', 'type', 'words']),
        ],
        order: query.order === 'asc' ? 'oldest' : 'newest',
        limit: query.limit,
        cursor: query.cursor,
      });
      return await mapPageAsync(page, (row) => eventOf(row, seeing));
    },
  };
}
