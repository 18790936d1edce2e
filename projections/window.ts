/** The state of the lock, and the facts of the newest window. */
import { z } from 'zod';
import { ClientEvent } from '../domain/client/events.ts';
import {
  registryId,
  type Scheduled,
  WindowEvent,
  type WindowLimits,
  windowsBefore,
} from '../domain/window.ts';
import type { Projection } from './projection.ts';

export interface WindowRow {
  readonly status: 'locked' | 'unlocked';
  readonly windowId: string;
  readonly unlockedAt: string;
  readonly unlockedBy: string;
  readonly until: string;
  readonly lockedAt: string | null;
  /** null: it locked by itself. */
  readonly lockedBy: string | null;
  readonly limits: WindowLimits;
  /** Requests that were asked in this window, whatever became of them. */
  readonly requestCount: number;
  /** Attempts that the limits turned away; null: it is open, or nobody counted them. */
  readonly turnedAwayCount: number | null;
  /** The schedule that opened it; absent: a person did. */
  readonly scheduleId?: string;
  /** The newest opening by a schedule, also of a window before; absent: there was none. */
  readonly scheduled?: Scheduled;
  /** When a person locked it last, also a window before; absent: nobody did. */
  readonly lockedByHandAt?: string;
  /** Of the newest event of the lock. */
  readonly revision: number;
}

const WindowOrClientEvent = z.union([WindowEvent, ClientEvent]);
type WindowOrClientEvent = z.infer<typeof WindowOrClientEvent>;

export const windowProjection: Projection<WindowRow, WindowOrClientEvent, WindowRow> = {
  name: 'window',
  version: 7,
  reads: ['registry', 'client'],
  Event: WindowOrClientEvent,
  eventsOf: { registry: WindowEvent, client: ClientEvent },
  key: ({ type }) => {
    switch (type) {
      case 'RegistryUnlocked':
      case 'RegistryLocked':
      case 'RegistrationRequested':
      case 'ReplacementRequested':
        return registryId;
      default:
        return undefined;
    }
  },
  evolve: (row, event, { revision }) => {
    const { type, data } = event;
    switch (type) {
      case 'RegistryUnlocked': {
        const goesOn = row?.status === 'unlocked' && row.windowId === data.windowId;
        const scheduleId = goesOn ? row.scheduleId : data.schedule?.scheduleId;
        return {
          status: 'unlocked',
          windowId: data.windowId,
          unlockedAt: goesOn ? row.unlockedAt : data.at,
          unlockedBy: goesOn ? row.unlockedBy : data.by.name,
          until: data.until,
          lockedAt: null,
          lockedBy: null,
          limits: data.limits,
          requestCount: goesOn ? row.requestCount : 0,
          turnedAwayCount: null,
          ...(scheduleId !== undefined && { scheduleId }),
          ...windowsBefore(row ?? {}, event),
          revision,
        };
      }
      case 'RegistryLocked': {
        if (row === undefined) return row;
        const byItself = data.by.kind === 'system';
        // The moment it was over, also when nobody was there to write it down.
        const lockedAt = byItself && row.until < data.at ? row.until : data.at;
        return {
          ...row,
          status: 'locked',
          lockedAt,
          lockedBy: byItself ? null : data.by.name,
          turnedAwayCount: data.turnedAwayCount ?? null,
          ...windowsBefore(row, event),
          revision,
        };
      }
      case 'RegistrationRequested':
      case 'ReplacementRequested':
        return row?.windowId === data.windowId
          ? { ...row, requestCount: row.requestCount + 1 }
          : row;
      default:
        return row;
    }
  },
  columns: {},
  past: (row) => row,
  pastCounting: 'requestCount' satisfies keyof WindowRow,
};
