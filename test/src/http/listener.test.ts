/** Around every request: headers, the source, limits of the connection, and how it all ends. */

import { httpApplication } from '../../../src/http/application.ts';
import { listen } from '../../../src/http/listener.ts';
import { preferredWaitSeconds } from '../../../src/http/route.ts';
import { headerBytesMax } from '../../../src/limits/http.ts';
import { assert, suite } from '../../support/suite.ts';
import { raw, type Shell, until } from './listening-application.ts';
import { call, last, routes, startSample } from './sample-routes.ts';

const test = suite<{ service: Shell }>('http listener');
test.before(async (world) => {
  world.service = await startSample();
});
test.after(({ service }) => service.stop());

for (const path of ['/api/things', '/', '/docs', '/nowhere']) {
  test(`${path} is hardened`, async ({ service }) => {
    const { headers } = await call(service, 'GET', path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.not.match(policy, /unsafe|\*/);
    assert.is(headers.get('x-content-type-options'), 'nosniff');
    assert.is(headers.get('referrer-policy'), 'no-referrer');
    assert.is(headers.get('strict-transport-security'), null);
    assert.is(headers.get('cache-control'), path.startsWith('/api') ? 'no-store' : null);
    assert.is(headers.get('x-powered-by'), null);
  });
}

test('where there is nothing but HTTPS, by a certificate that was given, a browser is told to stay there', async () => {
  const service = await startSample({ strictTransport: true });
  const { headers } = await call(service, 'GET', '/');
  assert.match(headers.get('strict-transport-security') ?? '', /^max-age=\d+$/);
  await service.stop();
});

test('the source is the hop before the trusted proxy', async ({ service }) => {
  const headers = { 'X-Forwarded-For': '6.6.6.6, 1.2.3.4' };
  const seen = await (await call(service, 'GET', '/seen', { headers })).json();
  assert.is((seen as { source: string }).source, '1.2.3.4');
});

for (const [prefer, seconds] of [
  [undefined, 0],
  ['wait=30', 30],
  ['respond-async, wait=5', 5],
  ['wait=10; x=1', 10],
  ['wait="7"', 7],
  ['wait=', 0],
  ['wait=-1', 0],
  ['wait=abc', 0],
  ['await=3', 0],
] as const) {
  test(`Prefer: ${prefer} waits ${seconds} s`, () =>
    assert.is(preferredWaitSeconds(prefer), seconds));
}

test('nobody waits longer than the limit', async ({ service }) => {
  const headers = { Prefer: 'wait=3600' };
  const seen = await (await call(service, 'GET', '/seen', { headers })).json();
  assert.is((seen as { waitMs: number }).waitMs, 60_000);
});

test('requests are measured by route as declared, never by path', async ({ service }) => {
  await (await call(service, 'GET', '/api/things/abcdef', { token: 'all' })).text();
  await (await call(service, 'GET', '/nowhere/abcdef')).text();
  const metrics = await service.edge.metrics.registry.metrics();
  assert.match(metrics, /seconds_count{method="GET",route="\/api\/things\/{name}",status="200"}/);
  assert.match(metrics, /seconds_count{method="GET",route="unknown",status="404"}/);
  assert.not.match(metrics + JSON.stringify(service.logged), /abcdef/);
});

test('headers beyond the limit are refused, and the service goes on', async ({ service }) => {
  const { status } = await raw(service.listener, [
    `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(headerBytesMax)}\r\n\r\n`,
  ]);
  assert.is(status, 431);
  assert.is((await call(service, 'GET', '/healthz')).status, 200);
});

test('garbage is refused, and the service goes on', async ({ service }) => {
  const { status } = await raw(service.listener, [Buffer.from([0x16, 3, 1, 0, 0]), '\r\n\r\n']);
  assert.is(status, 400);
  assert.is((await call(service, 'GET', '/healthz')).status, 200);
});

// ── The end. ──────────────────────────────────────────────────────────────────────────────────────

test('a stop ends long polls, refuses what is new, and closes', async () => {
  const service = await startSample();
  delete last.held;
  const polled = call(service, 'GET', '/held').then((response) => response.text());
  await until(() => last.held !== undefined);
  delete last.held;
  // Two requests in one go, so that the connection is there already when the second is looked at.
  const answered = raw(service.listener, [
    'GET /held HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /seen HTTP/1.1\r\nHost: x\r\n\r\n',
  ]);
  await until(() => last.held !== undefined);
  service.stopping.abort();
  const stopped = service.listener.stop(5_000);
  assert.is(await polled, 'ended');
  const first = await answered;
  assert.is(first.status, 200);
  await until(first.isClosed);
  await stopped;
});

test('a request on an open connection is refused while the service stops', async () => {
  const service = await startSample();
  service.stopping.abort();
  const { status, headers, body, isClosed } = await raw(service.listener, [
    'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  ]);
  assert.is(status, 503);
  assert.match(headers, /connection: close/i);
  assert.match(body, /"stopping"/);
  await until(isClosed);
  await service.stop();
});

const lastHeld = () => last.held;

test('who goes away is waited for no longer', async ({ service }) => {
  delete last.held;
  const leaving = new AbortController();
  const polled = fetch(`${service.url}/held`, { signal: leaving.signal }).catch(() => 'left');
  await until(() => last.held !== undefined);
  const signal = lastHeld()?.signal;
  leaving.abort();
  assert.is(await polled, 'left');
  await until(() => signal?.aborted === true);
});

test('an address that is taken is an error', async ({ service }) => {
  const koa = httpApplication(routes, service.edge);
  try {
    await listen(koa, { host: '127.0.0.1', port: service.listener.port });
    assert.unreachable();
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  }
});

test.run();
