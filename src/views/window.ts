/** The window as the API returns it, now or as it was at a moment. */
import type { WindowRow } from '../../projections/window.ts';

/** Counts that are not in the log: pending requests, and knocks. */
interface WindowCounts {
  readonly pendingCount: number;
  readonly knockCount: number;
}

/** In the shape of `Window`; undefined: nobody has unlocked the registry yet. */
export function windowAt(row: WindowRow | undefined, at: string, counts: WindowCounts) {
  const over = row?.status === 'unlocked' && row.until <= at;
  return {
    status: row?.status === 'unlocked' && !over ? ('unlocked' as const) : ('locked' as const),
    windowId: row?.windowId ?? null,
    unlockedAt: row?.unlockedAt ?? null,
    unlockedBy: row?.unlockedBy ?? null,
    ...(row?.scheduleId !== undefined && { scheduleId: row.scheduleId }),
    until: row?.until ?? null,
    lockedAt: over ? row.until : (row?.lockedAt ?? null),
    lockedBy: row?.lockedBy ?? null,
    maxRequests: row?.limits.maxRequests ?? null,
    usernamePattern: row?.limits.usernamePattern ?? null,
    sources: row?.limits.sources ?? [],
    note: row?.limits.note ?? null,
    requestCount: row?.requestCount ?? 0,
    ...counts,
  };
}
