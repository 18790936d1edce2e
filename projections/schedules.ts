/** The schedules, with which of their occurrences opened or were passed over. */
import { z } from 'zod';
import { type Occurrence, occurrencesAt } from '../domain/schedules/occurrence.ts';
import {
  ScheduleEvent,
  type ScheduleTerms,
  type SkipReason,
} from '../domain/schedules/schedule.ts';
import { WindowEvent } from '../domain/window.ts';
import type { Projection } from './projection.ts';

export interface ScheduleRow extends ScheduleTerms {
  readonly scheduleId: string;
  readonly createdBy: string;
  readonly createdAt: string;
  /** Of the token that it was made with. */
  readonly tokenId: string;
  readonly cancelledAt: string | null;
  /** Occurrences that opened or were skipped, the newest last: none of them opens again. */
  readonly settled: readonly string[];
  readonly lastOpenedAt: string | null;
  readonly lastSkipped: {
    readonly occurrence: string;
    readonly at: string;
    readonly reason: SkipReason;
  } | null;
  /** Of its newest event; that of the window is no event of it. */
  readonly revision: number;
}

/** The state of one that opens something yet, but for its end. */
const standing = 'standing';

/** Those that may open something yet. @param at ISO instant */
export const standingAt = (at: string) => [
  { column: 'state', is: standing },
  { column: 'standsUntil', atLeast: at },
];

/** Occurrences that are remembered of one schedule: more than a year of a weekly one. */
const settledMax = 60;

const ScheduleOrWindowEvent = z.union([ScheduleEvent, WindowEvent]);
type ScheduleOrWindowEvent = z.infer<typeof ScheduleOrWindowEvent>;

/** Of one that has no end. */
const never = '9999-12-31T23:59:59.999Z';

/** When it opens nothing any more, whatever happens; null: it opens nothing any more. */
function standsUntil(row: ScheduleRow): string | null {
  if (row.cancelledAt !== null) return null;
  if (row.timing.kind === 'weekly') return never;
  const { opensAt } = row.timing;
  return row.settled.length > 0 ? null : (occurrencesAt(row, opensAt).current?.until ?? opensAt);
}

const withSettled = (row: ScheduleRow, occurrence: string): readonly string[] =>
  [...row.settled.filter((one) => one !== occurrence), occurrence].slice(-settledMax);

/** The occurrence that is on and may still open; null: there is none. One that began before it was made is none. */
export function openable(row: ScheduleRow, at: string): Occurrence | null {
  const { current } = occurrencesAt(row, at);
  if (current === null || current.from < row.createdAt) return null;
  return row.settled.includes(current.occurrence) ? null : current;
}

export const schedules: Projection<ScheduleRow, ScheduleOrWindowEvent> = {
  name: 'schedules',
  version: 1,
  reads: ['schedule', 'registry'],
  Event: ScheduleOrWindowEvent,
  eventsOf: { schedule: ScheduleEvent, registry: WindowEvent },
  key: ({ type, data }) => {
    switch (type) {
      case 'RegistryUnlocked':
        return data.schedule?.scheduleId;
      case 'RegistryLocked':
        return undefined;
      default:
        return data.scheduleId;
    }
  },
  evolve: (row, { type, data }, { revision }) => {
    switch (type) {
      case 'ScheduleCreated': {
        const { scheduleId, timing, durationMs, limits, tokenId, at, by } = data;
        return {
          ...{ scheduleId, timing, durationMs, limits, tokenId, revision },
          ...{ createdBy: by.name, createdAt: at, cancelledAt: null },
          ...{ settled: [], lastOpenedAt: null, lastSkipped: null },
        };
      }
      case 'ScheduleSkipped': {
        const { occurrence, at, reason } = data;
        return (
          row && {
            ...{ ...row, settled: withSettled(row, occurrence), revision },
            lastSkipped: { occurrence, at, reason },
          }
        );
      }
      case 'ScheduleCancelled':
        return row && { ...row, cancelledAt: data.at, revision };
      case 'RegistryUnlocked':
        return (
          row &&
          data.schedule && {
            ...{ ...row, settled: withSettled(row, data.schedule.occurrence) },
            lastOpenedAt: data.at,
          }
        );
      case 'RegistryLocked':
        return row;
    }
  },
  columns: {
    state: (row) => (standsUntil(row) === null ? 'over' : standing),
    standsUntil,
  },
};
