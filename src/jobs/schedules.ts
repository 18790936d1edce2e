/** Unlocks the registry when a schedule's time has come: once for each occurrence, on one of many nodes. */
import { randomUUID } from 'node:crypto';
import type { Occurrence } from '../../domain/schedules/occurrence.ts';
import { type SkipReason, schedule } from '../../domain/schedules/schedule.ts';
import { system } from '../../domain/values.ts';
import { mayOpen, registryId, type TurnedAway, window } from '../../domain/window.ts';
import { openable, type ScheduleRow, standingAt } from '../../projections/schedules.ts';
import { obstacleTo } from '../administration/schedules.ts';
import type { Authority } from '../authority.ts';
import { handle, load, newCause } from '../commands/handle.ts';
import type { RowsAtHand } from '../commands/rows-at-hand.ts';
import { schedulesEveryMs } from '../limits/jobs.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore } from '../store/event-store.ts';

interface ScheduleOptions {
  readonly store: EventStore;
  readonly rows: { readonly schedules: Rows<ScheduleRow> };
  readonly authority: Pick<Authority, 'limited'>;
  readonly turnedAway: () => TurnedAway | null;
  readonly atHand: Pick<RowsAtHand, 'window' | 'schedule'>;
  readonly now: () => string;
  readonly logger: Logger;
}

/** Opens what is due now, in the order in which it began, so that every node does the same. */
export async function openDue(options: ScheduleOptions): Promise<void> {
  const { rows, now } = options;
  const due: { readonly from: string; readonly scheduleId: string }[] = [];
  for (const row of everyRow(rows.schedules, { where: standingAt(now()) })) {
    const occurrence = openable(row, now());
    if (occurrence !== null) due.push({ from: occurrence.from, scheduleId: row.scheduleId });
  }
  due.sort((a, b) => (`${a.from} ${a.scheduleId}` < `${b.from} ${b.scheduleId}` ? -1 : 1));
  for (const { scheduleId } of due) await openOne(options, scheduleId);
}

async function openOne(options: ScheduleOptions, scheduleId: string): Promise<void> {
  const { store, rows, authority, atHand, now, logger } = options;
  const mayNow = (): Occurrence | null => {
    const [row, basis] = [rows.schedules.get(scheduleId), atHand.window()];
    const occurrence = row === undefined ? null : openable(row, now());
    // Rows that have stopped say too little to open anything.
    if (occurrence === null || basis === undefined) return null;
    return mayOpen(basis.state, occurrence, now()) ? occurrence : null;
  };
  if (mayNow() === null) return;
  // Another node may have cancelled it, which the rows here may not know yet.
  const { state } = await load(store, schedule, scheduleId);
  if (state.status !== 'standing') return;
  // From here to the decision nothing waits: what it rests on is of one moment.
  const [row, occurrence, basis] = [rows.schedules.get(scheduleId), mayNow(), atHand.window()];
  if (row === undefined || occurrence === null || basis === undefined) return;
  const obstacle = obstacleTo(row, authority);
  if (obstacle !== null) return await skip(options, row, occurrence, obstacle);
  const { from, until } = occurrence;
  const { decision } = await handle(
    store,
    window,
    registryId,
    {
      ...{ type: 'OpenScheduled', windowId: randomUUID(), from, until, limits: row.limits },
      schedule: { scheduleId, occurrence: occurrence.occurrence },
      seen: basis.state.scheduled ?? null,
      ...{ at: now(), by: system, turnedAway: options.turnedAway() },
    },
    newCause(),
    atHand.window,
  );
  if (decision.accepted && decision.events.length > 0)
    logger.info('Unlocked by a schedule', { scheduleId, until, by: row.createdBy });
}

async function skip(
  { store, atHand, now, logger }: ScheduleOptions,
  { scheduleId, createdBy }: ScheduleRow,
  { occurrence }: Occurrence,
  reason: SkipReason,
): Promise<void> {
  const { decision } = await handle(
    store,
    schedule,
    scheduleId,
    { type: 'SkipOccurrence', scheduleId, occurrence, reason, at: now(), by: system },
    newCause(),
    () => atHand.schedule(scheduleId),
  );
  if (decision.accepted && decision.events.length > 0)
    logger.warn('A scheduled window did not open: who made it may not unlock now', {
      ...{ scheduleId, createdBy, reason },
    });
}

/** What fails is tried again after so long. */
const retryMs = 1_000;

/** Runs until the signal aborts; resolves then. */
export async function startOpeningSchedules(
  options: ScheduleOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal, logger } = options;
  while (!signal.aborted) {
    let failed = false;
    try {
      await openDue(options);
    } catch (error) {
      failed = true;
      if (!signal.aborted) logger.warn('Schedules could not be looked at; trying again', { error });
    }
    await pause(failed ? retryMs : schedulesEveryMs, signal);
  }
}
