/** A schedule: the registry unlocks by itself, once or each week, within limits, as somebody said beforehand. */
import { z } from 'zod';
import {
  accept,
  type CommandBase,
  type CommandOf,
  type Decider,
  type Decision,
  event,
  refuse,
} from '../decider.ts';
import { caused, Id, Text } from '../values.ts';
import { WindowLimits, windowDurationMsMax } from '../window.ts';
import { ScheduleTiming } from './occurrence.ts';

/** What a schedule says, for ever: another one takes the place of one that shall say something else. */
export const ScheduleTerms = z.object({
  timing: ScheduleTiming,
  durationMs: z.int().min(1).max(windowDurationMsMax),
  limits: WindowLimits,
});
export type ScheduleTerms = z.infer<typeof ScheduleTerms>;

/** Why an occurrence did not open: who made the schedule is gone, suspended or over, or may unlock no more. */
export const skipReasons = ['user-not-active', 'permission-missing'] as const;
export type SkipReason = (typeof skipReasons)[number];

const about = { scheduleId: Id, ...caused };

export const ScheduleEvent = z.discriminatedUnion('type', [
  event('ScheduleCreated', {
    ...about,
    ...ScheduleTerms.shape,
    /** Of the token that it was made with: what that may bounds the schedule too. */
    tokenId: Id,
  }),
  event('ScheduleSkipped', { ...about, occurrence: Text(1, 64), reason: z.enum(skipReasons) }),
  event('ScheduleCancelled', about),
]);
export type ScheduleEvent = z.infer<typeof ScheduleEvent>;

type ScheduleCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly scheduleId: string } & Data
>;

export type ScheduleCommand =
  | ScheduleCommandBase<
      'CreateSchedule',
      { readonly terms: ScheduleTerms; readonly tokenId: string }
    >
  | ScheduleCommandBase<
      'SkipOccurrence',
      { readonly occurrence: string; readonly reason: SkipReason }
    >
  | ScheduleCommandBase<'CancelSchedule'>;

export type ScheduleRefusal = 'schedule-not-found';

export type ScheduleState =
  | { readonly status: 'unknown' }
  /** `skipped`: the newest occurrence that did not open. */
  | { readonly status: 'standing'; readonly skipped: string | null }
  | { readonly status: 'cancelled' };

const initial: ScheduleState = { status: 'unknown' };

function evolve(state: ScheduleState, { type, data }: ScheduleEvent): ScheduleState {
  switch (type) {
    case 'ScheduleCreated':
      return { status: 'standing', skipped: null };
    case 'ScheduleSkipped':
      return state.status === 'standing' ? { ...state, skipped: data.occurrence } : state;
    case 'ScheduleCancelled':
      return { status: 'cancelled' };
  }
}

type ScheduleDecision = Decision<ScheduleEvent, ScheduleRefusal>;

function create(
  { scheduleId, terms, tokenId, at, by }: CommandOf<ScheduleCommand, 'CreateSchedule'>,
  state: ScheduleState,
): ScheduleDecision {
  if (state.status !== 'unknown') return accept();
  return accept({ type: 'ScheduleCreated', data: { scheduleId, ...terms, tokenId, at, by } });
}

function decide(command: ScheduleCommand, state: ScheduleState): ScheduleDecision {
  if (command.type === 'CreateSchedule') return create(command, state);
  const { scheduleId, at, by } = command;
  if (state.status === 'unknown') return refuse('schedule-not-found');
  if (state.status === 'cancelled') return accept();
  switch (command.type) {
    case 'SkipOccurrence': {
      const { occurrence, reason } = command;
      if (state.skipped === occurrence) return accept();
      return accept({
        type: 'ScheduleSkipped',
        data: { scheduleId, occurrence, reason, at, by },
      });
    }
    case 'CancelSchedule':
      return accept({ type: 'ScheduleCancelled', data: { scheduleId, at, by } });
  }
}

export const schedule: Decider<ScheduleState, ScheduleCommand, ScheduleEvent, ScheduleRefusal> = {
  category: 'schedule',
  Event: ScheduleEvent,
  initial,
  decide,
  evolve,
};
