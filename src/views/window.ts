/** The window as WIRE shows it, now or as it was at a moment. */
import type { WindowRow } from '../../projections/window.ts';

/** What no event tells: who waits, and who knocked. */
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
