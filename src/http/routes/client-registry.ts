/** The registry itself: unlock and lock it, look at who asks, grant and deny. */

import {
  BulkDeny,
  BulkGrant,
  ByRequestId,
  Deny,
  Grant,
  PageQuery,
  RequestsQuery,
  Unlock,
} from '../../api/input.ts';
import { Bulk, KnockList, Request, RequestList, Window } from '../../api/output.ts';
import type { ProblemCode } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import { commandContext, faultsUnlessAhead, found } from '../request/command-context.ts';
import { Problem, problemOf } from '../response/problem.ts';
import { done, ok, type Route, type RouteResponse, route } from '../route.ts';

const group = 'Client registry';
const base = '/api/client-registry';
const registryNow = { 200: { description: 'The registry as it is now.', body: Window } };
const requestNow = { 200: { description: 'The request as it is now.', body: Request } };
const eachOutcome = { 200: { description: 'An outcome for each id, in order.', body: Bulk } };

const windowRoutes = ({ administration, views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'showRegistry',
    summary: 'Whether the registry is locked, and the limits of its window',
    access: 'permitted',
    answers: registryNow,
    handle: () => ok(views.window()),
  }),
  route({
    method: 'POST',
    path: `${base}/unlock`,
    group,
    operationId: 'unlock',
    summary: 'Unlock the registry for a while',
    description: 'While it is unlocked: keeps the window, and replaces its limits and its end.',
    access: 'permitted',
    body: Unlock,
    answers: registryNow,
    handle: async (request) =>
      done(await administration.unlock(commandContext(request), request.body), views.window()),
  }),
  route({
    method: 'POST',
    path: `${base}/lock`,
    group,
    operationId: 'lock',
    summary: 'Lock the registry',
    access: 'permitted',
    answers: registryNow,
    handle: async (request) =>
      done(await administration.lock(commandContext(request)), views.window()),
  }),
  route({
    method: 'GET',
    path: `${base}/knocks`,
    group,
    operationId: 'listKnocks',
    summary: 'Who was turned away, counted and never stored',
    access: 'permitted',
    query: PageQuery,
    answers: { 200: { description: 'Newest first.', body: KnockList } },
    handle: ({ query, seesPersonalData }) => ok(views.knocks(query, seesPersonalData())),
  }),
];

const requestRoutes = ({ views }: App): Route[] => [
  route({
    method: 'GET',
    path: `${base}/requests`,
    group,
    operationId: 'listRequests',
    summary: 'Registration requests',
    access: 'permitted',
    query: RequestsQuery,
    answers: { 200: { description: 'Newest first.', body: RequestList } },
    handle: async ({ query, seesPersonalData }) =>
      ok(await views.requests(query, seesPersonalData())),
  }),
  route({
    method: 'GET',
    path: `${base}/requests/{id}`,
    group,
    operationId: 'showRequest',
    summary: 'One registration request',
    access: 'permitted',
    params: ByRequestId,
    answers: requestNow,
    problems: ['request-not-found'],
    handle: async ({ params, seesPersonalData }) =>
      ok(found(await views.request(params.id, seesPersonalData()), 'request-not-found')),
  }),
];

const decisionProblems: readonly ProblemCode[] = [
  'request-not-found',
  'request-already-granted',
  'request-already-denied',
  'request-expired',
  'user-not-active',
];

const grantFaults =
  ({ now }: App) =>
  (body: unknown) =>
    faultsUnlessAhead(body, 'expiresAt', now());
const denyFaults =
  ({ now }: App) =>
  (body: unknown) =>
    faultsUnlessAhead(body, 'blockedUntil', now());

const decisionRoutes = (app: App): Route[] => [
  route({
    method: 'POST',
    path: `${base}/requests/{id}/grant`,
    group,
    operationId: 'grantRequest',
    summary: 'Grant a request',
    description:
      'Works while locked. Rights that are left out are none, in a replacement as they were.',
    access: 'permitted',
    params: ByRequestId,
    body: Grant,
    faults: grantFaults(app),
    answers: requestNow,
    problems: [...decisionProblems, 'request-contested', 'rights-exceed-own', 'role-not-found'],
    async handle(request) {
      const { id } = request.params;
      const granted = await app.administration.grant(commandContext(request), id, request.body);
      const decided = await app.views.request(id, request.seesPersonalData());
      return done(granted, found(decided, 'request-not-found'));
    },
  }),
  route({
    method: 'POST',
    path: `${base}/requests/{id}/deny`,
    group,
    operationId: 'denyRequest',
    summary: 'Deny a request',
    access: 'permitted',
    params: ByRequestId,
    body: Deny,
    faults: denyFaults(app),
    answers: requestNow,
    problems: decisionProblems,
    async handle(request) {
      const { id } = request.params;
      const denied = await app.administration.deny(commandContext(request), id, request.body);
      const decided = await app.views.request(id, request.seesPersonalData());
      return done(denied, found(decided, 'request-not-found'));
    },
  }),
];

interface Outcomes {
  readonly position: string;
  readonly results: readonly { readonly requestId: string; readonly error?: unknown }[];
}

/** Each outcome; an error that is our own fault is logged and says no more than that. */
async function bulkResponse(
  { views, logger, metrics }: App,
  { position, results }: Outcomes,
): Promise<RouteResponse> {
  const outcomes: unknown[] = [];
  for (const result of results) {
    const { requestId } = result;
    const request = 'error' in result ? undefined : await views.request(requestId, false);
    if (request !== undefined) {
      outcomes.push({ requestId, status: request.status });
      continue;
    }
    const problem = problemOf(result.error) ?? new Problem('internal-error');
    if (problem.code === 'internal-error')
      logger.error('A decision of many failed', { requestId, error: result.error });
    metrics.refusals.inc({ code: problem.code });
    outcomes.push({ requestId, problem: problem.document });
  }
  return done({ position }, { results: outcomes });
}

const bulkRoutes = (app: App): Route[] => [
  route({
    method: 'POST',
    path: `${base}/requests/grant`,
    group,
    operationId: 'grantRequests',
    summary: 'Grant many requests alike',
    description: 'Contested requests and replacements are left alone: they are decided one by one.',
    access: 'permitted',
    body: BulkGrant,
    faults: grantFaults(app),
    answers: eachOutcome,
    // Where it waits for several people; else it is an outcome.
    problems: ['rights-exceed-own'],
    async handle(request) {
      const { ids, ...grant } = request.body;
      return bulkResponse(
        app,
        await app.administration.grantAll(commandContext(request), ids, grant),
      );
    },
  }),
  route({
    method: 'POST',
    path: `${base}/requests/deny`,
    group,
    operationId: 'denyRequests',
    summary: 'Deny many requests alike',
    access: 'permitted',
    body: BulkDeny,
    faults: denyFaults(app),
    answers: eachOutcome,
    async handle(request) {
      const { ids, ...deny } = request.body;
      return bulkResponse(
        app,
        await app.administration.denyAll(commandContext(request), ids, deny),
      );
    },
  }),
];

export const clientRegistryRoutes = (app: App): Route[] => [
  ...windowRoutes(app),
  ...requestRoutes(app),
  ...decisionRoutes(app),
  ...bulkRoutes(app),
];
