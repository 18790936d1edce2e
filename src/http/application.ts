/** The HTTP application. Middleware runs in the order written here, and nowhere else. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { type AnswersBelow, directAnswers } from './direct.ts';
import { createDispatch, type Dispatch, positionOf } from './dispatch.ts';
import type { Edge, Exchange, Guard, RequestState } from './edge.ts';
import { pageAddress } from './pages/page-address.ts';
import { keepSession, keepSignOn } from './request/session-cookie.ts';
import { Problem, sendProblem } from './response/problem.ts';
import { securityHeaders } from './response/security-headers.ts';
import { sendFile } from './response/static-file.ts';
import { parametersOf, type Route, type RouteResponse } from './route.ts';
import { answeredProblem, beginning, counted, noteAnswer } from './steps.ts';

/** Answers requests; what `listen` serves. */
export interface HttpApplication {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
}

interface ApplicationOptions {
  /** Asked in this order of every request. */
  readonly guards?: readonly Guard[];
  /** Answer what is no route. */
  readonly below?: readonly AnswersBelow[];
}

/** Builds the application of these routes; those with fewer parameters are asked first. */
export function httpApplication(
  routes: readonly Route[],
  edge: Edge,
  { guards = [], below = [] }: ApplicationOptions = {},
): HttpApplication {
  const dispatch = createDispatch(edge);
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  const byParameters = routes.toSorted(
    (a, b) => parametersOf(a.path).length - parametersOf(b.path).length,
  );
  for (const route of byParameters)
    router.register(
      route.path.replaceAll(/\{([^}]+)\}/g, ':$1'),
      [route.method],
      [routed(route, edge, dispatch)],
    );

  const koa = new Koa<RequestState>();
  koa.on('error', (error) => edge.logger.debug('A response could not be sent', { error }));
  koa.use(numbered(edge));
  koa.use(withSecurityHeaders(edge));
  koa.use(withProblems(edge));
  koa.use(refusedWhileStopping(edge));
  koa.use(guarded(guards));
  koa.use(router.routes() as Middleware<RequestState>);
  koa.use(unknownRoute(routes.some(({ path }) => path === '/')));

  const answersDirectly = directAnswers(routes, { edge, guards, dispatch, below, koa });
  return {
    callback() {
      const others = koa.callback();
      return (request, response) => {
        if (!answersDirectly(request, response)) void others(request, response);
      };
    },
  };
}

const numbered =
  (edge: Edge): Middleware<RequestState> =>
  (ctx, next) => {
    const startedMs = performance.now();
    ctx.state = beginning(edge, ctx.req);
    ctx.res.once('close', () => noteAnswer(edge, ctx, startedMs));
    return next();
  };

const withSecurityHeaders =
  ({ strictTransport }: Edge): Middleware<RequestState> =>
  (ctx, next) => {
    ctx.set({ ...securityHeaders(ctx.path, strictTransport) });
    return next();
  };

/** Answers every error with a problem. Of our own faults the caller learns the correlation id alone. */
const withProblems =
  (edge: Edge): Middleware<RequestState> =>
  async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      sendProblem(ctx, answeredProblem(edge, ctx.state, error));
    }
  };

const refusedWhileStopping =
  ({ stopping }: Edge): Middleware<RequestState> =>
  async (ctx, next) => {
    try {
      if (stopping.aborted) throw new Problem('stopping');
      await next();
    } finally {
      // Whoever is answered now shall not come back on this connection, which would hold up the end.
      if (stopping.aborted) ctx.set('Connection', 'close');
    }
  };

const guarded =
  (guards: readonly Guard[]): Middleware<RequestState> =>
  (ctx, next) => {
    for (const guard of guards) guard(ctx.req);
    return next();
  };

/** @param hasPage where it is off, so are its addresses */
const unknownRoute =
  (hasPage: boolean): Middleware<RequestState> =>
  (ctx) => {
    const matched = (ctx as { matched?: { methods: string[] }[] }).matched ?? [];
    const allowed = [...new Set(matched.flatMap(({ methods }) => methods))].sort();
    const address = hasPage ? pageAddress(ctx.path) : undefined;
    // Whoever types an address wants the page; programs that take anything want the API's answer.
    const isBrowser = ctx.method === 'GET' && ctx.accepts('json', 'html') === 'html';
    if (address !== undefined && isBrowser && allowed.length === 0) return ctx.redirect(address);
    if (allowed.length === 0) throw new Problem('route-not-found');
    const Allow = allowed.join(', ');
    throw new Problem('method-not-allowed', {
      detail: `This path takes ${Allow}.`,
      headers: { Allow },
    });
  };

const routed =
  (route: Route, edge: Edge, dispatch: Dispatch) =>
  async (context: unknown): Promise<void> => {
    const ctx = context as Context & Exchange;
    respond(ctx, route, await dispatch(route, ctx), edge);
  };

function respond(ctx: Context & Exchange, route: Route, response: RouteResponse, edge: Edge): void {
  const { status, body, type, headers, file, session, signOn, problem, sent } = response;
  if (problem !== undefined) {
    sendProblem(ctx, counted(edge, problem));
    return;
  }
  ctx.status = status;
  if (sent !== undefined) ctx.res.once('finish', sent);
  if (headers !== undefined) ctx.set(headers);
  const position = positionOf(route, response, edge);
  if (position !== undefined) ctx.set('Gatebook-Position', position);
  if (session !== undefined) keepSession(ctx, session);
  if (signOn !== undefined) keepSignOn(ctx, signOn);
  if (file !== undefined) sendFile(ctx, file);
  if (body === undefined) return;
  ctx.body = body;
  if (type !== undefined) ctx.set('Content-Type', type);
}
