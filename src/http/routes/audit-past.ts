/** Looks back: the registry as it was, who had access, why, and what came of a window. */
import { z } from 'zod';
import { Id, Text, Username } from '../../../domain/values.ts';
import { AccessThenList, Explanation, StateThen, WindowReport } from '../../api/audit.ts';
import { ByUsername, PageQuery, SentInstant } from '../../api/input.ts';
import type { App } from '../../app.ts';
import { keptPageHeaders } from '../pages/html.ts';
import { reportPage } from '../pages/report.ts';
import { found } from '../request/command-context.ts';
import { malformed } from '../response/problem.ts';
import { ok, type Route, route } from '../route.ts';

const group = 'Audit';

const StateQuery = z.strictObject({ at: SentInstant, username: Username.optional() });
const AccessQuery = z.strictObject({
  at: SentInstant,
  topic: Text(1, 512).optional(),
  username: Username.optional(),
  ...PageQuery.shape,
});
const ByWindowId = z.strictObject({ id: Id });

const atMoment = (app: Pick<App, 'audit'>): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/state',
    group,
    operationId: 'stateAt',
    summary: 'A client, or the window and how many clients there were, at a moment',
    access: 'permitted',
    query: StateQuery,
    answers: {
      200: { description: 'A User, or the whole.', body: StateThen },
    },
    problems: ['user-not-found'],
    async handle({ query: { at, username } }) {
      if (username === undefined) return ok(await app.audit.registryAt(at));
      return ok(found(await app.audit.clientAt(username, at), 'user-not-found'));
    },
  }),
  route({
    method: 'GET',
    path: '/api/audit/access',
    group,
    operationId: 'accessAt',
    summary: 'Who could publish or subscribe to a topic at a moment, or what a client could',
    description: 'By name. What was meant and what was in effect at a broker are told apart.',
    access: 'permitted',
    query: AccessQuery,
    answers: { 200: { description: 'By username.', body: AccessThenList } },
    async handle({ query: { at, ...query } }) {
      if ((query.topic === undefined) === (query.username === undefined))
        throw malformed([
          { parameter: 'topic', detail: 'Ask for a topic or for a username, one of the two.' },
        ]);
      return ok(await app.audit.accessAt(at, query));
    },
  }),
];

const explaining = (app: Pick<App, 'audit'>): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/explain/{username}',
    group,
    operationId: 'explainClient',
    summary: 'Why a client has what it has',
    access: 'permitted',
    params: ByUsername,
    answers: {
      200: { description: 'Request, window, decision, activations, events.', body: Explanation },
    },
    problems: ['user-not-found'],
    async handle({ params, seesPersonalData }) {
      const explanation = await app.audit.explain(params.username, seesPersonalData());
      return ok(found(explanation, 'user-not-found'));
    },
  }),
  route({
    method: 'GET',
    path: '/api/audit/windows/{id}/report',
    group,
    operationId: 'windowReport',
    summary: 'What came of one unlocking, signed',
    description: 'JSON, or a page to print with "Accept: text/html".',
    access: 'permitted',
    params: ByWindowId,
    answers: { 200: { description: 'The report.', body: WindowReport, type: 'text/html' } },
    problems: ['window-not-found'],
    async handle({ params, seesPersonalData, prefersHtml }) {
      const report = found(
        await app.audit.report(params.id, seesPersonalData()),
        'window-not-found',
      );
      const headers = { Vary: 'Accept' };
      if (!prefersHtml) return { ...ok(report), headers };
      const body = reportPage(report, app.audit.verifierKey);
      return {
        status: 200,
        body,
        type: 'text/html; charset=utf-8',
        headers: { ...headers, ...keptPageHeaders },
      };
    },
  }),
];

export const pastRoutes = (app: Pick<App, 'audit'>): Route[] => [
  ...atMoment(app),
  ...explaining(app),
];
