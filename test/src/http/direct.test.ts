/** Hot routes are answered before Koa's middleware, with the very bytes that Koa would have sent. */

import { z } from 'zod';
import { Register } from '../../../src/api/input.ts';
import { Refused } from '../../../src/commands/refused.ts';
import type { Edge, Guard } from '../../../src/http/edge.ts';
import { singleHeadersOnly } from '../../../src/http/request/single-headers.ts';
import { malformed, Problem, refusal } from '../../../src/http/response/problem.ts';
import { ok, type Route, route } from '../../../src/http/route.ts';
import { liveness } from '../../../src/http/routes/health.ts';
import { assert, suite } from '../../support/suite.ts';
import {
  callerWith,
  type RawAnswer,
  raw,
  type Shell,
  shell,
  until,
} from './listening-application.ts';

const test = suite('http direct');

const about = { group: 'Test', summary: 'Test', answers: { 200: { description: 'Test.' } } };
const hot = { hot: true } as const;
const outcomes: Record<string, () => Awaited<ReturnType<Route['handle']>>> = {
  waits: () => ({
    ...{ status: 202, body: { status: 'pending', word: 'über' } },
    ...{ headers: { 'Retry-After': '5' }, position: '3'.padStart(20, '0') },
  }),
  granted: () => ({ status: 201, body: {}, headers: { Location: '/self' } }),
  locked: () => ({ status: 423, problem: refusal('registry-locked') }),
  denied: () => ({
    status: 403,
    problem: refusal('registration-denied', { members: { reason: 'nö' } }),
  }),
  thrown: () => {
    throw new Problem('source-throttled', { retryAfterSeconds: 2.2 });
  },
  refused: () => {
    throw new Refused('access-revoked' as never, { members: { requestId: 'x' } });
  },
  bug: () => {
    throw new Error('a secret detail');
  },
};

const held: AbortSignal[] = [];
const routes: readonly Route[] = [
  liveness,
  route({
    ...{ ...about, ...hot, method: 'POST', path: '/api/door', operationId: 'door' },
    access: 'open',
    body: Register,
    faults: (body) =>
      (body as { password?: unknown }).password === 'weak'
        ? [{ pointer: '#/password', detail: 'password is weak.' }]
        : [],
    handle: ({ body, source, waitMs, bearer, cause, prefersHtml }) =>
      outcomes[body.username]?.() ?? ok({ ...body, source, waitMs, bearer, cause, prefersHtml }),
  }),
  route({
    ...{ ...about, ...hot, method: 'GET', path: '/api/self', operationId: 'self' },
    access: 'registration',
    handle: ({ bearer }) => ok({ bearer }),
  }),
  route({
    ...{ ...about, ...hot, method: 'GET', path: '/api/who', operationId: 'who' },
    access: 'permitted',
    query: z.strictObject({ q: z.string().optional() }),
    handle: ({ caller, query }) => ok({ username: caller.username, ...query }),
  }),
  route({
    ...{ ...about, ...hot, method: 'GET', path: '/held', operationId: 'held' },
    access: 'open',
    handle: ({ signal }) => {
      held.push(signal);
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve(ok({ ended: true }))),
      );
    },
  }),
];

const homeOnly: Guard = ({ headers: { host } }) => {
  if (host === 'evil') throw malformed([{ parameter: 'Host', detail: 'Host is no name.' }]);
};

const everything = callerWith('ada', [{ context: 'http', resource: '/#', operation: 'readWrite' }]);
/** Both ways, each with ids and sources of its own that are the same in each. */
async function bothWays(edge: Partial<Edge> = {}): Promise<readonly [Shell, Shell]> {
  const options = {
    edge: {
      authenticate: async (token: string) =>
        token === 'good' ? everything : token === 'none' ? callerWith('bob', []) : null,
      ...edge,
    },
    trustedProxies: ['127.0.0.1/32'],
    guards: [singleHeadersOnly, homeOnly],
  };
  const slow = routes.map(({ hot: _, ...one }): Route => one);
  return [await shell(routes, options), await shell(slow, options)];
}

const wire = ({ headers, body }: RawAnswer) =>
  `${headers.replace(/^Date: .*$/m, 'Date: now')}\r\n\r\n${body}`;

async function compared(shells: readonly [Shell, Shell], text: string): Promise<RawAnswer> {
  const [direct, koa] = [
    await raw(shells[0].listener, [text]),
    await raw(shells[1].listener, [text]),
  ];
  assert.is(wire(direct), wire(koa));
  return direct;
}

const post = (body: unknown, more: readonly string[] = []) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return [
    'POST /api/door HTTP/1.1',
    ...(more.some((line) => /^host:/i.test(line)) ? [] : ['Host: localhost']),
    ...(more.some((line) => /^content-type:/i.test(line))
      ? []
      : ['Content-Type: application/json']),
    ...(more.some((line) => /^transfer|^content-length/i.test(line))
      ? []
      : [`Content-Length: ${Buffer.byteLength(text)}`]),
    ...more,
    '',
    text,
  ].join('\r\n');
};
const get = (path: string, more: readonly string[] = []) =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', ...more, '', ''].join('\r\n');
const asks = (username: string) => ({ username, password: 'long enough' });
const chunk = JSON.stringify(asks('abc'));
const bearer = (token: string) => `Authorization: Bearer ${token}`;

for (const [name, status, text] of [
  ['the process lives', 200, get('/healthz')],
  ['an answer', 200, post({ ...asks('anybody'), pairingId: 'ABCDEF' })],
  ['202 with a position and words', 202, post(asks('waits'))],
  ['201 with a place', 201, post(asks('granted'))],
  ['a refusal that is always the same', 423, post(asks('locked'))],
  ['a refusal that tells its owner why', 403, post(asks('denied'))],
  ['a refusal that was thrown', 429, post(asks('thrown'))],
  ['a refusal of the domain', 410, post(asks('refused'))],
  ['a fault of ours', 500, post(asks('bug'))],
  ['what it prefers', 200, post(asks('anybody'), ['Prefer: wait=7', 'Accept: text/html'])],
  ['the hop before the proxy', 200, post(asks('anybody'), ['X-Forwarded-For: 6.6.6.6, 1.2.3.4'])],
  ['a token nobody asked for', 200, post(asks('anybody'), [bearer('x')])],
  ['no body', 400, post('')],
  ['no JSON', 400, post('{')],
  ['no UTF-8', 400, post('{"username":"\x80')],
  ['fields that are wrong', 400, post({ username: 'a', extra: 1 })],
  ['a policy', 400, post({ username: 'anybody', password: 'weak' })],
  ['too much of it', 413, post({ ...asks('anybody'), pad: 'x'.repeat(70_000) })],
  ['another type', 415, post(asks('anybody'), ['Content-Type: text/plain'])],
  ['an encoding', 415, post(asks('anybody'), ['Content-Encoding: gzip'])],
  [
    'chunks',
    200,
    post(`${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`, ['Transfer-Encoding: chunked']),
  ],
  ['whoever waits for a word', 200, post(asks('anybody'), ['Expect: 100-continue'])],
  ['a connection that ends', 200, post(asks('anybody'), ['Connection: close'])],
  ['a foreign host', 400, post(asks('anybody'), ['Host: evil'])],
  ['two tokens', 400, get('/api/self', [bearer('a'), bearer('b')])],
  ['no token', 401, get('/api/self')],
  ['a token in another form', 401, get('/api/self', ['Authorization: Bearer ???'])],
  ['a registration token', 200, get('/api/self', [bearer('abc')])],
  ['nobody', 401, get('/api/who')],
  ['somebody unknown', 401, get('/api/who', [bearer('unknown')])],
  ['somebody who may not', 403, get('/api/who', [bearer('none')])],
  ['somebody', 200, get('/api/who', [bearer('good')])],
  ['the page’s session', 200, get('/api/who', ['Gatebook-Page: 1', 'Cookie: gatebook-page=good'])],
  [
    'a position',
    200,
    get('/api/who', [bearer('good'), `Gatebook-Position: ${'7'.padStart(20, '0')}`]),
  ],
  ['a position of no log', 400, get('/api/who', [bearer('good'), 'Gatebook-Position: 7'])],
  ['a query', 200, get('/api/who?q=1', [bearer('good')])],
  ['an empty query', 200, get('/api/who?', [bearer('good')])],
  ['a query that is not known', 400, get('/api/self?x=1', [bearer('abc')])],
  ['another method', 405, get('/api/door')],
  ['another case', 404, get('/Healthz')],
  ['a slash too many', 404, get('/healthz/')],
  ['the whole address', 200, get('http://localhost/healthz')],
  ['HTTP/1.0', 200, get('/healthz').replace('HTTP/1.1', 'HTTP/1.0')],
] as const)
  test(`the same bytes: ${name}`, async () => {
    const shells = await bothWays();
    try {
      assert.is((await compared(shells, text)).status, status);
      const [direct, koa] = shells.map(({ logged }) =>
        logged.map(({ time: _, durationMs: __, error: ___, ...line }) => line),
      );
      assert.equal(direct, koa, 'and the same lines in the log');
    } finally {
      for (const one of shells) await one.stop();
    }
  });

test('the same bytes over HTTPS, and while the service stops', async () => {
  const shells = await bothWays({ strictTransport: true });
  await compared(shells, post(asks('waits')));
  for (const { stopping } of shells) stopping.abort();
  for (const text of [get('/healthz'), post(asks('locked'))])
    assert.match((await compared(shells, text)).headers, /^HTTP\/1.1 503[\s\S]*Connection: close/);
  for (const one of shells) await one.stop();
});

test('who waits while the service stops is answered, and told to go', async () => {
  const shells = await bothWays();
  const answers = shells.map(({ listener }) => raw(listener, [get('/held')]));
  await until(() => held.length === 2);
  for (const { stopping } of shells) stopping.abort();
  const [direct, koa] = await Promise.all(answers);
  assert.is(wire(direct as RawAnswer), wire(koa as RawAnswer));
  assert.match(direct?.headers ?? '', /Connection: close/);
  for (const one of shells) await one.stop();
});

test('refusals are counted, and answers timed by their route', async () => {
  const shells = await bothWays();
  for (const name of ['locked', 'thrown', 'bug', 'waits']) await compared(shells, post(asks(name)));
  const counts = await Promise.all(
    shells.map(async ({ edge: { metrics } }) => [
      await metrics.refusals.get(),
      (await metrics.httpRequestSeconds.get()).values
        .filter(({ metricName }) => metricName?.endsWith('_count'))
        .map(({ labels, value }) => ({ labels, value })),
    ]),
  );
  assert.equal(counts[0], counts[1]);
  assert.match(JSON.stringify(counts[0]), /"route":"\/api\/door","status":"423"/);
  for (const one of shells) await one.stop();
});

test.run();
