/** The history, and the read models that were folded from it. */

import { Activity, ErasureList } from '../../api/audit.ts';
import { ActivityQuery, ErasuresQuery, EventsQuery } from '../../api/input.ts';
import { EventList } from '../../api/output.ts';
import { ReadModels } from '../../api/service.ts';
import type { App } from '../../app.ts';
import { malformed } from '../response/problem.ts';
import { ok, type Route, route } from '../route.ts';
import { evidenceRoutes } from './audit-evidence.ts';
import { pastRoutes } from './audit-past.ts';
import { proofRoutes } from './audit-proofs.ts';
import { whatIfRoutes } from './what-if.ts';

const group = 'Audit';
const dayMs = 24 * 60 * 60 * 1_000;

const historyRoutes = ({ views, readModels, audit, now }: App): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/events',
    group,
    operationId: 'listEvents',
    summary: 'What happened, by whom and when',
    description:
      'A cursor stands at the last event of its page: from there older ones follow, with order=asc newer ones. ' +
      'Where a million events were looked at for a page, it may be short or empty: go on while nextCursor is not null.',
    access: 'permitted',
    query: EventsQuery,
    answers: { 200: { description: 'Newest first, or oldest with order=asc.', body: EventList } },
    async handle({ query, seesPersonalData }) {
      const { order = 'desc', ...rest } = query;
      return ok(await views.events({ ...rest, limit: rest.limit, order }, seesPersonalData()));
    },
  }),
  route({
    method: 'GET',
    path: '/api/audit/erasures',
    group,
    operationId: 'listErasures',
    summary: 'Who was erased, and whether the store still has something of them on a disk',
    description:
      'What is erased nobody can read through the registry any more. An EventStoreDB or KurrentDB has it on its disks until a ' +
      'scavenge has run on every node: until then an erasure is pending. With a status a page may be short or empty: ' +
      'go on while nextCursor is not null.',
    access: 'permitted',
    query: ErasuresQuery,
    answers: { 200: { description: 'Newest first.', body: ErasureList } },
    handle: async ({ query }) => ok(await views.erasures(query)),
  }),
  route({
    method: 'GET',
    path: '/api/audit/activity',
    group,
    operationId: 'activity',
    summary: 'How much happened: who asked and what became of it, and how long it was unlocked',
    description:
      'The time from since to until in equal parts; the last 24 hours when neither is given.',
    access: 'permitted',
    query: ActivityQuery,
    answers: { 200: { description: 'Oldest part first.', body: Activity } },
    async handle({ query }) {
      const until = query.until ?? now();
      const since = query.since ?? new Date(Date.parse(until) - dayMs).toISOString();
      if (since >= until)
        throw malformed([{ parameter: 'since', detail: 'since must be before until.' }]);
      return ok(await audit.activity(since, until, query.buckets));
    },
  }),
  route({
    method: 'GET',
    path: '/api/read-models',
    group,
    operationId: 'listReadModels',
    summary: 'How far each read model is, and a hash of what it holds',
    access: 'permitted',
    answers: { 200: { description: 'As "gatebook rebuild --json" prints it.', body: ReadModels } },
    handle: async () => ok(await readModels.state()),
  }),
];

export const auditRoutes = (app: App): Route[] => [
  ...historyRoutes(app),
  ...pastRoutes(app),
  ...whatIfRoutes(app),
  ...proofRoutes(app),
  ...evidenceRoutes(app),
];
