/** One request of a known route, from its headers to what the route answers; who writes the answer stands elsewhere. */

import { longPollSecondsMax, malformedPerMinuteMax, positionWaitMs } from '../limits/http.ts';
import { isLoopback, plainAddress, sourceKey } from '../platform/networks.ts';
import { type Soon, soon } from '../platform/soon.ts';
import type { Edge, Exchange } from './edge.ts';
import { goneWith } from './gone.ts';
import { bodyBytes, bodyJson, ofAnyType } from './request/body.ts';
import { type RequestCaller, requestCallerOf } from './request/caller.ts';
import { createMalformedCount } from './request/malformed-count.ts';
import {
  allOf,
  type Parsed,
  parsedBody,
  parsedParams,
  parsedQuery,
  withFaults,
} from './request/parse.ts';
import { signOnOf, tokenOf } from './request/session-cookie.ts';
import { Problem } from './response/problem.ts';
import {
  Nothing,
  preferredWaitSeconds,
  type Route,
  type RouteRequest,
  type RouteResponse,
} from './route.ts';

/** Takes a request to its route: 401, 403, 413 and 415, 400, and then what the route says. @throws what it rejects with */
export type Dispatch = (route: Route, exchange: Exchange) => Soon<RouteResponse>;

export function createDispatch(edge: Edge): Dispatch {
  const malformedCount = createMalformedCount(edge.malformedPerMinute ?? malformedPerMinuteMax);

  function answered(
    route: Route,
    exchange: Exchange,
    requestCaller: RequestCaller,
  ): Soon<RouteResponse> {
    // By name where somebody is signed in, so that nobody behind the same address keeps them out.
    const sender = requestCaller.caller?.username ?? sourceKey(exchange.state.source);
    const parts = malformedCount(`${route.operationId} ${sender}`, () =>
      soon(sentBytes(route, exchange, edge), (bytes) =>
        partsOf(route, exchange, requestCaller, bytes),
      ),
    );
    return soon(parts, (parts) => {
      const request = new DispatchedRequest(exchange, parts, requestCaller, edge);
      if (parts.position !== null || isCommand(route) || route.method === 'GET')
        return whereCallerMay(route, request, parts.position, edge);
      return route.handle(request as never);
    });
  }

  return (route, exchange) => {
    exchange.state.route = route.path;
    return soon(requestCallerOf(route, exchange, edge), (requestCaller) =>
      answered(route, exchange, requestCaller),
    );
  };
}

/** What the route answers where it reads, does something for somebody, or what it rests on must be reached. */
async function whereCallerMay(
  route: Route,
  request: DispatchedRequest,
  position: string | null,
  edge: Edge,
): Promise<RouteResponse> {
  if (position !== null) {
    if (!(await edge.reached(position, positionWaitMs)))
      throw new Problem('position-not-reached', { retryAfterSeconds: 1 });
    request.authorize();
  }
  const response = await commanded(route, request, edge);
  // What was read is shown to who may see it now; what was done is told to who did it.
  if (route.method === 'GET') request.authorize();
  return response;
}

/** What the route answers, or that it waits for several people. */
async function commanded(
  route: Route,
  request: DispatchedRequest,
  { proposing, commandFrom }: Edge,
): Promise<RouteResponse> {
  if (isCommand(route)) commandFrom?.(request.cause.correlationId, request.source);
  if (proposing !== undefined && isCommand(route)) {
    const proposed = await proposing(route, request as never);
    if ('response' in proposed) return proposed.response;
    request.authorize = proposed.authorize;
  }
  return await route.handle(request as unknown as Parameters<Route['handle']>[0]);
}

/** Whether somebody who is signed in has something done. */
const isCommand = ({ method, access }: Route): boolean =>
  method !== 'GET' && (access === 'permitted' || access === 'signed-in');

const noFile = Buffer.alloc(0);

/** What a route takes that takes nothing. */
const none = { value: Object.freeze({}) };

/**
 * A browser says whose page asks. Without CORS a page of another site can send no JSON, but text and forms: what is taken
 * of old devices is not taken of it, or it would ask from within the plant for whoever made it.
 */
const isLenient = ({ leniently }: Route, { req }: Exchange): boolean =>
  leniently?.isOn() === true && req.headers.origin === undefined;

/** The bytes of its body; undefined: none, or none is taken. @throws Problem 413, 415, 400 */
function sentBytes(route: Route, exchange: Exchange, edge: Edge): Soon<Buffer | undefined> {
  if (route.method === 'GET') return undefined;
  const wanted = isLenient(route, exchange) ? ofAnyType : route.upload;
  return bodyBytes(exchange.req, exchange.res, edge.bodyTimeoutMs, wanted);
}

/** Everything that was sent, parsed. @throws Problem 400 */
function partsOf(
  route: Route,
  exchange: Exchange,
  requestCaller: RequestCaller,
  bytes: Buffer | undefined,
) {
  // The body may have taken seconds, in which much was decided.
  if (bytes !== undefined) requestCaller.authorize();
  const upload = (route.upload === undefined ? undefined : bytes) ?? noFile;
  const json = isLenient(route, exchange)
    ? route.leniently?.read(bytes, exchange.req.headers['content-type'])
    : bodyJson(upload === noFile ? bytes : undefined);
  const [params, query, position, body] = allOf(
    route.params === undefined ? none : parsedParams(route.params, exchange.params),
    route.handsQueryOn || (route.query === undefined && exchange.querystring === '')
      ? none
      : parsedQuery(route.query ?? Nothing, exchange.querystring),
    parsedPosition(route, exchange),
    withFaults(parsedBody(route.body ?? Nothing, json), route.faults?.(json) ?? []),
  );
  return { params, query, position, body, upload };
}

/** Positions are 20 digits in every log; what they count is the log's own business. */
function parsedPosition({ access }: Route, exchange: Exchange): Parsed<string | null> {
  const sent = exchange.req.headers['gatebook-position'];
  if (sent === undefined || access === 'open') return { value: null };
  if (typeof sent === 'string' && /^\d{20}$/.test(sent)) return { value: sent };
  const detail = 'Gatebook-Position must be sent back as an answer gave it.';
  return { faults: [{ parameter: 'Gatebook-Position', detail }] };
}

type AnyRequest = RouteRequest<unknown, unknown, unknown, 'permitted'>;
type SentParts = Pick<AnyRequest, 'params' | 'query' | 'body' | 'upload'>;

/** What a route is given; what few routes look at is read when they do. */
class DispatchedRequest implements Omit<AnyRequest, 'caller' | 'authorize'> {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly upload: Buffer;
  readonly caller: RequestCaller['caller'];
  /** Narrowed where a command must not come to more than it was found to. */
  authorize: RequestCaller['authorize'];
  readonly permit: RequestCaller['permit'];
  readonly seesPersonalData: RequestCaller['seesPersonalData'];
  readonly source: string | null;
  readonly cause: AnyRequest['cause'];
  readonly #exchange: Exchange;
  readonly #ended: RequestCaller['ended'];
  readonly #stopping: AbortSignal;
  readonly #certificateOf: Edge['certificateOf'];
  #signal: AbortSignal | undefined;

  constructor(exchange: Exchange, parts: SentParts, requestCaller: RequestCaller, edge: Edge) {
    this.params = parts.params;
    this.query = parts.query;
    this.body = parts.body;
    this.upload = parts.upload;
    this.caller = requestCaller.caller;
    this.authorize = requestCaller.authorize;
    this.permit = requestCaller.permit;
    this.seesPersonalData = requestCaller.seesPersonalData;
    this.source = exchange.state.source;
    this.cause = exchange.state;
    this.#exchange = exchange;
    this.#ended = requestCaller.ended;
    this.#stopping = edge.stopping;
    this.#certificateOf = edge.certificateOf;
  }

  get querystring(): string {
    return this.#exchange.querystring;
  }

  get signOn(): string | null {
    return signOnOf(this.#exchange);
  }

  /** Read only by routes that a token opens: where none is needed, a wrong one does no harm. */
  get bearer(): string | null {
    return tokenOf(this.#exchange);
  }

  /** A proxy is believed what network it is asked from, not how. */
  get isConfidential(): boolean {
    const { socket } = this.#exchange.req;
    const isOwn = isLoopback(plainAddress(socket.remoteAddress)) && isLoopback(this.source);
    return isOwn || 'encrypted' in socket;
  }

  get certificate(): AnyRequest['certificate'] {
    return this.#certificateOf(this.#exchange.req);
  }

  get lastEventId(): string | null {
    return (this.#exchange.req.headers['last-event-id'] as string | undefined) ?? null;
  }

  get prefersHtml(): boolean {
    return this.#exchange.accepts('application/json', 'text/html') === 'text/html';
  }

  get waitMs(): number {
    const prefer = this.#exchange.req.headers.prefer as string | undefined;
    return Math.min(preferredWaitSeconds(prefer), longPollSecondsMax) * 1_000;
  }

  get contentType(): string {
    return this.#exchange.req.headers['content-type'] ?? '';
  }

  get gone(): () => AbortSignal {
    return goneWith(this.#exchange.res);
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([
      this.#stopping,
      this.gone(),
      ...(this.caller === null ? [] : [this.#ended(this.#exchange.res)]),
    ]);
    return this.#signal;
  }
}

/** `Gatebook-Position` of an answer; undefined: it tells none. */
export const positionOf = (
  { method, path }: Route,
  { status, position }: RouteResponse,
  edge: Edge,
): string | undefined =>
  method !== 'GET' && path.startsWith('/api') && status < 300
    ? (position ?? edge.position())
    : undefined;
