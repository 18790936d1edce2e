/** Routes that show every way through the application, and calls to them. */
import { z } from 'zod';
import { Refused } from '../../../src/commands/refused.ts';
import { HashingBusy } from '../../../src/credentials/passwords/hash-queue.ts';
import type { Edge } from '../../../src/http/edge.ts';
import { Problem } from '../../../src/http/response/problem.ts';
import {
  done,
  ok,
  type Route,
  type RouteRequest,
  removed,
  route,
} from '../../../src/http/route.ts';
import { withDescription } from '../../../src/http/routes/description.ts';
import { liveness } from '../../../src/http/routes/health.ts';
import { MalformedCursor } from '../../../src/read-models/cursor.ts';
import { Conflict, StoreUnavailable } from '../../../src/store/event-store.ts';
import { callerWith, type Shell, shell } from './listening-application.ts';

const errors: Record<string, unknown> = {
  refused: new Refused('registration-denied', { members: { reason: 'no' } }),
  throttled: new Refused('login-throttled', { retryAfterSeconds: 2.2 }),
  locked: new Problem('registry-locked'),
  challenger: new Problem('replacement-pending'),
  taken: new Problem('username-taken'),
  store: new StoreUnavailable('disk full at /secret/path'),
  conflict: new Conflict('client-abc is elsewhere'),
  hashing: new HashingBusy(),
  cursor: new MalformedCursor('x'),
  bug: new Error('a secret detail'),
  thrown: 'text',
};

const Named = z.strictObject({ name: z.string().regex(/^[a-z]+$/, { message: 'must be of a-z' }) });

type Any = Pick<RouteRequest<unknown, unknown, unknown, 'open'>, 'source' | 'waitMs' | 'bearer'>;
/** What was last asked of `/held`, which answers when its signal aborts. */
export const last: { held?: RouteRequest<unknown, unknown, unknown, 'open'> | undefined } = {};

const about = { group: 'Test', summary: 'Test', answers: { 200: { description: 'Test.' } } };
export const routes: readonly Route[] = withDescription(
  [
    liveness,
    route({
      ...about,
      method: 'GET',
      path: '/api/things',
      operationId: 'list',
      access: 'permitted',
      query: z.strictObject({ q: z.string().max(3).optional() }),
      handle: ({ query, caller }) => ok({ query, username: caller.username }),
    }),
    route({
      ...about,
      method: 'PUT',
      path: '/api/things/{name}',
      operationId: 'put',
      access: 'permitted',
      own: ({ params, caller }) => params.name === caller.username,
      params: Named,
      body: z.strictObject({ a: z.int() }),
      faults: (body) =>
        (body as { a?: unknown }).a === 13 || (body as { a?: unknown }).a === 'x'
          ? [{ pointer: '#/a', detail: 'a must not be 13.' }]
          : [],
      handle({ params, body }) {
        if (params.name === 'missing') throw new Problem('user-not-found');
        return done({ position: '1'.padStart(20, '0') }, { ...params, ...body });
      },
    }),
    route({
      ...about,
      method: 'GET',
      path: '/api/things/self',
      operationId: 'self',
      access: 'signed-in',
      handle: () => ok({ literal: true }),
    }),
    route({
      ...about,
      method: 'GET',
      path: '/api/things/{name}',
      operationId: 'show',
      access: 'permitted',
      params: Named,
      handle: ({ params }) => ok(params),
    }),
    route({
      ...about,
      method: 'DELETE',
      path: '/api/things/{name}',
      operationId: 'remove',
      access: 'permitted',
      params: Named,
      handle: () => removed({ position: '2'.padStart(20, '0') }),
    }),
    route({
      ...about,
      method: 'POST',
      path: '/api/fail/{name}',
      operationId: 'fail',
      access: 'open',
      params: Named,
      handle({ params }) {
        throw errors[params.name];
      },
    }),
    route({
      ...about,
      method: 'GET',
      path: '/seen',
      operationId: 'seen',
      access: 'open',
      handle: ({ source, waitMs, bearer }: Any) => ok({ source, waitMs, bearer }),
    }),
    route({
      ...about,
      method: 'GET',
      path: '/held',
      operationId: 'held',
      access: 'open',
      handle: (request) => {
        last.held = request;
        return new Promise((resolve) =>
          request.signal.addEventListener('abort', () => resolve(ok('ended'))),
        );
      },
    }),
  ],
  '1.2.3',
);

const callers: Record<string, ReturnType<typeof callerWith>> = {
  all: callerWith('ada', [{ context: 'http', resource: '/#', operation: 'readWrite' }]),
  writer: callerWith('kim', [{ context: 'http', resource: '/#', operation: 'write' }]),
  none: callerWith('bob', []),
  reader: callerWith('eve', [{ context: 'http', resource: '/api/things/+', operation: 'read' }]),
  mqtt: callerWith('mia', [{ context: 'mqtt', resource: '#', operation: 'readWrite' }]),
};

export interface Sent {
  readonly token?: string | undefined;
  readonly body?: string | undefined;
  readonly headers?: Record<string, string>;
}
export const call = ({ url }: Shell, method: string, path: string, sent: Sent = {}) =>
  fetch(url + path, {
    method,
    ...(sent.body === undefined ? {} : { body: sent.body }),
    headers: {
      ...(sent.token === undefined ? {} : { Authorization: `Bearer ${sent.token}` }),
      ...(sent.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...sent.headers,
    },
  });

/** The shell around them, behind a trusted proxy. */
export const startSample = (edge: Partial<Edge> = {}) =>
  shell(routes, {
    edge: { authenticate: async (token) => callers[token] ?? null, ...edge },
    trustedProxies: ['127.0.0.1/32'],
  });
