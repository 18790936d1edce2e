import {
  type ScheduleCommand,
  type ScheduleEvent,
  schedule,
} from '../../../domain/schedules/schedule.ts';
import { system } from '../../../domain/values.ts';
import { ada, at, id, later } from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { suite } from '../../support/suite.ts';

const test = suite('schedule');
const given = scenario(schedule);

const scheduleId = id(60);
const terms = {
  timing: { kind: 'once', opensAt: later } as const,
  durationMs: 60_000,
  limits: { maxRequests: 5, usernamePattern: 'press-*', sources: ['10.0.0.0/8'], note: 'hall 3' },
};
const created: ScheduleEvent = {
  type: 'ScheduleCreated',
  data: { scheduleId, ...terms, tokenId: id(61), at, by: ada },
};
const cancelled: ScheduleEvent = { type: 'ScheduleCancelled', data: { scheduleId, at, by: ada } };
const skippedBecause = { scheduleId, occurrence: later, reason: 'user-not-active' } as const;
const skipped: ScheduleEvent = {
  type: 'ScheduleSkipped',
  data: { ...skippedBecause, at: later, by: system },
};

const create: ScheduleCommand = {
  ...{ type: 'CreateSchedule', scheduleId, terms, tokenId: id(61), at, by: ada },
};
const cancel: ScheduleCommand = { type: 'CancelSchedule', scheduleId, at, by: ada };
const skip: ScheduleCommand = { type: 'SkipOccurrence', ...skippedBecause, at: later, by: system };

const states = {
  'not made': [],
  standing: [created],
  skipped: [created, skipped],
  cancelled: [created, cancelled],
};
// biome-ignore format: a table reads as a table
const table: readonly [ScheduleCommand, readonly (ScheduleEvent | null | 'schedule-not-found')[]][] = [
  //        not made              standing    skipped     cancelled
  [create, [created,              null,       null,       null]],
  [skip,   ['schedule-not-found', skipped,    null,       null]],
  [cancel, ['schedule-not-found', cancelled,  cancelled,  null]],
];
for (const [command, answers] of table)
  for (const [column, [state, history]] of Object.entries(states).entries())
    test(`${command.type} when ${state}`, () => {
      const answer = answers[column] ?? null;
      const outcome = given(...history).when(command);
      if (answer === null) outcome.thenNothing();
      else if (typeof answer === 'string') outcome.thenRefused(answer);
      else outcome.thenRecorded(answer);
    });
test('another occurrence is skipped for itself', () =>
  given(created, skipped)
    .when({ ...skip, occurrence: '2026-12-06' })
    .thenRecorded({
      ...skipped,
      data: { ...skipped.data, occurrence: '2026-12-06' },
    } as ScheduleEvent));

test.run();
