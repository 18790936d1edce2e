/** Scheduled windows: the registry unlocks by itself, once at a time ahead or each week. */
import { ByScheduleId, CreateSchedule, SchedulesQuery } from '../../api/input.ts';
import { Schedule, ScheduleList } from '../../api/output.ts';
import type { Fault } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import { scheduledAheadMsMax } from '../../limits/administration.ts';
import { addMs } from '../../platform/instant.ts';
import { commandContext, faultsUnlessAhead, found } from '../request/command-context.ts';
import { created, ok, type Route, removed, route } from '../route.ts';

const group = 'Scheduled windows';
const base = '/api/client-registry/windows';
const one = `${base}/{id}`;
const requestsMaxByDefault = 100;

/** Faults of a schedule that does not say when, says it twice, or says a time that is past or too far ahead. */
function timingFaultsOf(body: unknown, now: string): Fault[] {
  const ahead = faultsUnlessAhead(body, 'opensAt', now);
  const sent = CreateSchedule.safeParse(body);
  if (!sent.success) return ahead;
  const { opensAt, weekly } = sent.data;
  const fault = (detail: string): Fault => ({ pointer: '#/opensAt', detail });
  const latest = addMs(now, scheduledAheadMsMax);
  if (opensAt === undefined && weekly === undefined)
    return [fault('opensAt, or weekly, must be there: it says when to unlock.')];
  if (opensAt !== undefined && weekly !== undefined)
    return [fault('opensAt must be left out beside weekly: make two schedules.')];
  if (opensAt !== undefined && opensAt > latest)
    return [fault(`opensAt must lie before ${latest}: nobody knows so far ahead who is there.`)];
  return ahead;
}

function termsOf({ opensAt, weekly, durationMs, ...limits }: CreateSchedule) {
  const timing =
    weekly === undefined
      ? { kind: 'once' as const, opensAt: opensAt ?? '' }
      : { kind: 'weekly' as const, ...weekly };
  return {
    timing,
    durationMs,
    limits: {
      maxRequests: limits.maxRequests ?? requestsMaxByDefault,
      usernamePattern: limits.usernamePattern ?? null,
      sources: limits.sources ?? [],
      note: limits.note ?? null,
    },
  };
}

const readingRoutes = ({ views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listSchedules',
    summary: 'Scheduled windows',
    access: 'permitted',
    query: SchedulesQuery,
    answers: { 200: { description: 'Newest first.', body: ScheduleList } },
    handle: async ({ query: { standing, ...page } }) =>
      ok(
        await views.schedules({
          ...page,
          ...(standing !== undefined && { standing: standing === 'true' }),
        }),
      ),
  }),
  route({
    method: 'GET',
    path: one,
    group,
    operationId: 'showSchedule',
    summary: 'One scheduled window',
    access: 'permitted',
    params: ByScheduleId,
    answers: { 200: { description: 'The schedule.', body: Schedule } },
    problems: ['schedule-not-found'],
    handle: ({ params }) => ok(found(views.schedule(params.id), 'schedule-not-found')),
  }),
];

const changingRoutes = ({ administration, views, now }: App): Route[] => [
  route({
    method: 'POST',
    path: base,
    group,
    operationId: 'createSchedule',
    summary: 'Unlock at a time ahead, or each week',
    description:
      'For who may unlock, then as now: a schedule whose maker may unlock no more does not open. A window that is open when its time comes goes on as it is; the schedule opens for what is left after it.',
    access: 'permitted',
    body: CreateSchedule,
    faults: (body) => timingFaultsOf(body, now()),
    answers: { 201: { description: 'The new one.', body: Schedule } },
    problems: ['schedules-full'],
    async handle(request) {
      const made = await administration.createSchedule(
        commandContext(request),
        termsOf(request.body),
      );
      const { scheduleId: id } = made;
      return created(made, `${base}/${id}`, found(views.schedule(id), 'schedule-not-found'));
    },
  }),
  route({
    method: 'DELETE',
    path: one,
    group,
    operationId: 'cancelSchedule',
    summary: 'Cancel a scheduled window',
    description: 'It opens nothing any more. A window that it opened goes on: lock it by itself.',
    access: 'permitted',
    params: ByScheduleId,
    answers: { 204: { description: 'It opens nothing any more.' } },
    problems: ['schedule-not-found'],
    handle: async (request) =>
      removed(await administration.cancelSchedule(commandContext(request), request.params.id)),
  }),
];

export const windowScheduleRoutes = (app: App): Route[] => [
  ...readingRoutes(app),
  ...changingRoutes(app),
];
