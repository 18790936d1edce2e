/** The HTTP application. Middleware runs in the order written here, and nowhere else. */
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import type { Fault } from '../api/problems.ts';
import { longPollSecondsMax, malformedPerMinuteMax, positionWaitMs } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { sourceKey } from '../platform/networks.ts';
import { bodyBytes, bodyJson } from './request/body.ts';
import { type Callers, type RequestCaller, requestCallerOf } from './request/caller.ts';
import type { SourceOf } from './request/client-address.ts';
import { createMalformedCount, type MalformedCount } from './request/malformed-count.ts';
import {
  allOf,
  type Parsed,
  parsedBody,
  parsedParams,
  parsedQuery,
  placeOf,
} from './request/parse.ts';
import { keepSession, tokenOf } from './request/session-cookie.ts';
import { contentSecurityPolicyOf } from './response/content-security-policy.ts';
import { Problem, problems } from './response/problem.ts';
import { sendFile } from './response/static-file.ts';
import {
  Nothing,
  parametersOf,
  preferredWaitSeconds,
  type Route,
  type RouteRequest,
  type RouteResponse,
} from './route.ts';

/** What the application needs from the service around it. */
export interface Edge extends Callers {
  /** How far this node's read models are, opaque. */
  readonly position: () => string;
  /** Resolves with whether the read models got as far within so many milliseconds. */
  readonly reached: (position: string, timeoutMs: number) => Promise<boolean>;
  readonly sourceOf: SourceOf;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** A new random UUID. */
  readonly newId: () => string;
  /** Whether people come by HTTPS, as the public URL says, to a proxy that ends it. */
  readonly behindHttps: boolean;
  /** Whether browsers are told to come by HTTPS alone: a promise that outlives a certificate of the own CA. */
  readonly strictTransport: boolean;
  /** Aborts when the service stops: what runs may end, what is new is refused. */
  readonly stopping: AbortSignal;
  /** Milliseconds that a body may take; default: the limit. */
  readonly bodyTimeoutMs?: number;
  /** Malformed requests a minute to one route from one source; default: the limit. */
  readonly malformedPerMinute?: number;
}

export interface RequestState {
  correlationId: string;
  source: string | null;
  /** Whether the browser of who asks speaks TLS. */
  isSecure: boolean;
  /** The path of the route as declared, for metrics; never the path as sent. */
  route: string;
}

/**
 * Builds the application of these routes; those with fewer parameters are asked first. `before` answers
 * what is no route.
 */
export function httpApplication(
  routes: readonly Route[],
  edge: Edge,
  before: readonly Middleware<RequestState>[] = [],
): Koa<RequestState> {
  const malformedCount = createMalformedCount(edge.malformedPerMinute ?? malformedPerMinuteMax);
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  const byParameters = routes.toSorted(
    (a, b) => parametersOf(a.path).length - parametersOf(b.path).length,
  );
  for (const route of byParameters)
    router.register(
      route.path.replaceAll(/\{([^}]+)\}/g, ':$1'),
      [route.method],
      [dispatch(route, edge, malformedCount)],
    );

  const koa = new Koa<RequestState>();
  koa.on('error', (error) => edge.logger.debug('A response could not be sent', { error }));
  koa.use(withMetrics(edge));
  koa.use(withSecurityHeaders(edge));
  koa.use(
    problems({
      onProblem: (code) => edge.metrics.refusals.inc({ code }),
      onFault: (error, correlationId) =>
        edge.logger.error('A request failed by a fault of the service', { error, correlationId }),
    }),
  );
  koa.use(refusedWhileStopping(edge));
  for (const middleware of before) koa.use(middleware);
  koa.use(router.routes() as Middleware<RequestState>);
  koa.use(unknownRoute);
  return koa;
}

/** Numbers the request, finds its source, and notes how it went. Nothing a client sends is an id. */
const withMetrics =
  ({ metrics, logger, newId, sourceOf, behindHttps }: Edge): Middleware<RequestState> =>
  (ctx, next) => {
    const startedMs = performance.now();
    ctx.state = {
      correlationId: newId(),
      source: sourceOf(ctx.req.socket.remoteAddress, ctx.req.headers['x-forwarded-for'] as string),
      isSecure: behindHttps || 'encrypted' in ctx.req.socket,
      route: 'unknown',
    };
    ctx.res.once('close', () => {
      const { route, correlationId } = ctx.state;
      const seconds = (performance.now() - startedMs) / 1_000;
      const labels = { method: ctx.method, route, status: String(ctx.res.statusCode) };
      metrics.httpRequestSeconds.observe(labels, seconds);
      logger.debug('A request was answered', {
        ...labels,
        durationMs: seconds * 1_000,
        correlationId,
      });
    });
    return next();
  };

const contentSecurityPolicy = contentSecurityPolicyOf("'self'");

const withSecurityHeaders =
  ({ strictTransport }: Edge): Middleware<RequestState> =>
  (ctx, next) => {
    ctx.set({
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Resource-Policy': 'same-origin',
    });
    if (strictTransport) ctx.set('Strict-Transport-Security', 'max-age=31536000');
    if (ctx.path === '/api' || ctx.path.startsWith('/api/')) ctx.set('Cache-Control', 'no-store');
    return next();
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

const unknownRoute: Middleware<RequestState> = (ctx) => {
  const matched = (ctx as { matched?: { methods: string[] }[] }).matched ?? [];
  const allowed = [...new Set(matched.flatMap(({ methods }) => methods))].sort();
  if (allowed.length === 0) throw new Problem('route-not-found');
  const Allow = allowed.join(', ');
  throw new Problem('method-not-allowed', {
    detail: `This path takes ${Allow}.`,
    headers: { Allow },
  });
};

type RouteContext = Context & { readonly params: Record<string, string> };

/** One request of a known route: 401, 403, 413 and 415, 400, and then what the route says. */
const dispatch =
  (route: Route, edge: Edge, malformedCount: MalformedCount) =>
  async (context: unknown): Promise<void> => {
    const ctx = context as RouteContext;
    ctx.state.route = route.path;
    const requestCaller = await requestCallerOf(route, ctx, edge);
    // By name where somebody is signed in, so that nobody behind the same address keeps them out.
    const sender = requestCaller.caller?.username ?? sourceKey(ctx.state.source as string | null);
    const { position, ...parts } = await malformedCount(`${route.operationId} ${sender}`, () =>
      partsOf(route, ctx, requestCaller, edge),
    );
    const request = requestOf(ctx, parts, requestCaller, edge);
    if (position !== null) {
      if (!(await edge.reached(position, positionWaitMs)))
        throw new Problem('position-not-reached', { retryAfterSeconds: 1 });
      requestCaller.authorize();
    }
    const response = await route.handle(request as Parameters<Route['handle']>[0]);
    // What was read is shown to who may see it now; what was done is told to who did it.
    if (route.method === 'GET') requestCaller.authorize();
    respond(ctx, route, response, edge);
  };

/** Everything that was sent, parsed. @throws Problem 413, 415, 400 */
async function partsOf(route: Route, ctx: RouteContext, requestCaller: RequestCaller, edge: Edge) {
  const bytes =
    route.method === 'GET' ? undefined : await bodyBytes(ctx.req, ctx.res, edge.bodyTimeoutMs);
  // The body may have taken seconds, in which much was decided.
  if (bytes !== undefined) requestCaller.authorize();
  const json = bodyJson(bytes);
  const [params, query, position, body] = allOf(
    parsedParams(route.params ?? Nothing, ctx.params),
    parsedQuery(route.query ?? Nothing, ctx.querystring),
    parsedPosition(route, ctx),
    withFaults(parsedBody(route.body ?? Nothing, json), route.faults?.(json) ?? []),
  );
  return { params, query, position, body };
}

/** The faults of the schema, and those beyond it at places that the schema finds nothing wrong with. */
function withFaults<T>(parsed: Parsed<T>, more: readonly Fault[]): Parsed<T> {
  if (more.length === 0) return parsed;
  const known = new Set(parsed.faults?.map(placeOf));
  return {
    ...('unnamed' in parsed ? { unnamed: parsed.unnamed } : {}),
    faults: [...(parsed.faults ?? []), ...more.filter((fault) => !known.has(placeOf(fault)))],
  };
}

/** Positions are 20 digits in every log; what they count is the log's own business. */
function parsedPosition({ method, access }: Route, ctx: RouteContext): Parsed<string | null> {
  const sent = ctx.req.headers['gatebook-position'];
  if (sent === undefined || method !== 'GET' || access === 'open') return { value: null };
  if (typeof sent === 'string' && /^\d{20}$/.test(sent)) return { value: sent };
  const detail = 'Gatebook-Position must be sent back as an answer gave it.';
  return { faults: [{ parameter: 'Gatebook-Position', detail }] };
}

function requestOf<Parts extends object>(
  ctx: RouteContext,
  parts: Parts,
  requestCaller: RequestCaller,
  edge: Edge,
) {
  let signal: AbortSignal | undefined;
  const { prefer } = ctx.req.headers;
  const { caller, authorize, permit, seesPersonalData } = requestCaller;
  return {
    ...parts,
    ...{ caller, authorize, permit, seesPersonalData },
    // Read only by routes that a token opens: where none is needed, a wrong one does no harm.
    get bearer(): string | null {
      return tokenOf(ctx);
    },
    lastEventId: (ctx.req.headers['last-event-id'] as string | undefined) ?? null,
    source: ctx.state.source as string | null,
    prefersHtml: ctx.accepts('application/json', 'text/html') === 'text/html',
    cause: { correlationId: ctx.state.correlationId as string, causationId: null },
    waitMs:
      Math.min(preferredWaitSeconds(prefer as string | undefined), longPollSecondsMax) * 1_000,
    get signal(): AbortSignal {
      signal ??= AbortSignal.any([
        edge.stopping,
        disconnectSignal(ctx),
        ...(caller === null ? [] : [requestCaller.ended(ctx.res)]),
      ]);
      return signal;
    },
  } satisfies Omit<
    RouteRequest<unknown, unknown, unknown, 'permitted'>,
    'caller' | 'authorize' | 'params' | 'query' | 'body'
  >;
}

function disconnectSignal(ctx: Context): AbortSignal {
  const disconnect = new AbortController();
  ctx.res.once('close', () => disconnect.abort());
  return disconnect.signal;
}

function respond(
  ctx: Context,
  route: Route,
  { status, body, type, headers, position, file, session }: RouteResponse,
  edge: Edge,
) {
  ctx.status = status;
  if (headers !== undefined) ctx.set(headers);
  if (route.method !== 'GET' && route.path.startsWith('/api') && status < 300)
    ctx.set('Gatebook-Position', position ?? edge.position());
  if (session !== undefined) keepSession(ctx, session);
  if (file !== undefined) sendFile(ctx, file);
  if (body === undefined) return;
  ctx.body = body;
  if (type !== undefined) ctx.set('Content-Type', type);
}
