/** Schedules as the API shows them: what they say, when they open next, and why one would not. */
import { occurrencesAt } from '../../domain/schedules/occurrence.ts';
import { isLockedByHandIn, registryId } from '../../domain/window.ts';
import { openable, type ScheduleRow, standingAt } from '../../projections/schedules.ts';
import type { WindowRow } from '../../projections/window.ts';
import { obstacleTo } from '../administration/schedules.ts';
import type { Authority } from '../authority.ts';
import type { Rows } from '../read-models/row-table.ts';
import { mapPage, type Paging } from './paging.ts';

export interface ScheduleViewOptions {
  readonly rows: {
    readonly schedules: Rows<ScheduleRow>;
    readonly window: Rows<WindowRow>;
  };
  readonly authority: Pick<Authority, 'limited'>;
  readonly now: () => string;
}

type ScheduleStatus = 'standing' | 'over' | 'cancelled';

export function createScheduleViews({ rows, authority, now }: ScheduleViewOptions) {
  /** The occurrence that is on and may open yet, else the one after it; null: there is none. */
  function nextOf(row: ScheduleRow, at: string) {
    if (row.cancelledAt !== null) return null;
    const current = openable(row, at);
    const lock = rows.window.get(registryId) ?? {};
    const occurrence =
      current === null || isLockedByHandIn(lock, current) ? occurrencesAt(row, at).next : current;
    return occurrence && { from: occurrence.from, until: occurrence.until };
  }

  function shown(row: ScheduleRow) {
    const { scheduleId, timing, durationMs, limits, createdBy, createdAt, cancelledAt } = row;
    const next = nextOf(row, now());
    const status: ScheduleStatus =
      cancelledAt !== null ? 'cancelled' : next === null ? 'over' : 'standing';
    const { weekday, time, timeZone } = timing.kind === 'weekly' ? timing : {};
    return {
      ...{ scheduleId, status, next },
      opensAt: timing.kind === 'once' ? timing.opensAt : null,
      weekly: timing.kind === 'weekly' ? { weekday, time, timeZone } : null,
      ...{ durationMs, ...limits, createdBy, createdAt, cancelledAt },
      lastOpenedAt: row.lastOpenedAt,
      lastSkipped: row.lastSkipped && { at: row.lastSkipped.at, reason: row.lastSkipped.reason },
      obstacle: status === 'standing' ? obstacleTo(row, authority) : null,
    };
  }

  return {
    schedule(scheduleId: string) {
      const row = rows.schedules.get(scheduleId);
      return row && shown(row);
    },

    /** The newest first. `standing`: only those that may open yet, or all the others. */
    schedules: async ({
      standing,
      ...page
    }: Paging & { readonly standing?: boolean | undefined }) => {
      const where =
        standing === undefined
          ? []
          : standing
            ? standingAt(now())
            : [
                {
                  anyOf: [
                    { column: 'state', is: 'over' },
                    { column: 'standsUntil', below: now() },
                  ],
                },
              ];
      return mapPage(await rows.schedules.search({ ...page, where }), shown);
    },
  };
}
