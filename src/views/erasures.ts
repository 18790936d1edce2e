/** Erasures, and whether the store still has something of who was erased. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryRow } from '../../projections/history.ts';
import type { Erasures } from '../jobs/erasures.ts';
import { erasuresLookWaitMs } from '../limits/jobs.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Paging } from './paging.ts';

export interface ErasureViewOptions {
  readonly rows: { readonly history: Rows<HistoryRow> };
  readonly erasures: Pick<Erasures, 'look' | 'stateOf'>;
}

interface ErasureQuery extends Paging {
  readonly status?: 'pending' | 'done' | undefined;
}

export const createErasureViews = ({ rows, erasures }: ErasureViewOptions) => ({
  /** Looks at the disks first, for as long as one may wait. */
  async erasures({ status, limit, cursor }: ErasureQuery) {
    // A store that is away keeps nobody from reading what is known.
    const looked = erasures.look().catch(() => undefined);
    await Promise.race([looked, delay(erasuresLookWaitMs, undefined, { ref: false })]);
    const where = [{ column: 'type', is: 'ClientErased' }];
    const page = rows.history.find({ where, order: 'newest', limit, cursor });
    const items = page.items.flatMap(({ username, index, eventId, position, at, actor }) => {
      if (username === null) return [];
      const state = erasures.stateOf({ username, position });
      return [{ username, index, eventId, at, actor, ...state, pendingOn: [...state.pendingOn] }];
    });
    return {
      items: items.filter((item) => status === undefined || item.status === status),
      nextCursor: page.nextCursor,
    };
  },
});
