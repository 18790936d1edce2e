/** What happens to every request: the order of checks, who may, problems, paths and positions. */

import { problemTable } from '../../../src/api/problems.ts';
import { assert, suite } from '../../support/suite.ts';
import { problemOf, type Shell } from './listening-application.ts';
import { call, type Sent, startSample } from './sample-routes.ts';

const test = suite<{ service: Shell }>('http application');
test.before(async (world) => {
  world.service = await startSample();
});
test.after(({ service }) => service.stop());

// ── The order of checks: each row has every fault that comes after its own. ───────────────────────

const large = `{"a":"${'x'.repeat(70_000)}"}`;
for (const [status, code, path, sent] of [
  [401, 'token-missing', '/api/things/MISSING', { body: large }],
  [401, 'token-invalid', '/api/things/MISSING', { token: 'unknown', body: large }],
  [403, 'permission-missing', '/api/things/MISSING', { token: 'none', body: large }],
  [413, 'body-too-large', '/api/things/MISSING', { token: 'all', body: large }],
  [
    415,
    'media-type-unsupported',
    '/api/things/MISSING',
    { token: 'all', body: 'x', headers: { 'Content-Type': 'text/plain' } },
  ],
  [400, 'request-malformed', '/api/things/MISSING', { token: 'all', body: '{"a":"x"}' }],
  [404, 'user-not-found', '/api/things/missing', { token: 'all', body: '{"a":1}' }],
  [200, undefined, '/api/things/abc', { token: 'all', body: '{"a":1}' }],
] as [number, string | undefined, string, Sent][]) {
  test(`${status} ${code ?? ''} comes before what is checked later`, async ({ service }) => {
    const response = await call(service, 'PUT', path, sent);
    assert.is(response.status, status);
    if (code !== undefined) assert.is((await problemOf(response)).code, code);
  });
}

test('all faults of path, query and body are told at once', async ({ service }) => {
  const path = '/api/things/ABC?x=1';
  const response = await call(service, 'PUT', path, { token: 'all', body: '{"b":1}' });
  assert.equal((await problemOf(response)).places, ['name', 'x', '#/a', '#/b']);
});

test('a policy adds its fault, but not where the schema has one', async ({ service }) => {
  for (const [body, detail] of [
    ['{"a":13}', 'a must not be 13.'],
    ['{"a":"x"}', 'a must be a number.'],
  ] as const) {
    const response = await call(service, 'PUT', '/api/things/abc', { token: 'all', body });
    assert.equal((await problemOf(response)).errors, [{ pointer: '#/a', detail }]);
  }
});

// ── Who may. ──────────────────────────────────────────────────────────────────────────────────────

for (const [token, method, path, status] of [
  ['reader', 'GET', '/api/things', 403],
  ['reader', 'GET', '/api/things/abc', 200],
  ['reader', 'HEAD', '/api/things/abc', 200],
  ['reader', 'DELETE', '/api/things/abc', 403],
  ['reader', 'GET', '/api/things/a%2Fb', 400],
  ['mqtt', 'GET', '/api/things', 403],
  ['none', 'GET', '/api/things/self', 200],
  ['none', 'PUT', '/api/things/bob', 400],
  ['none', 'PUT', '/api/things/ada', 403],
  ['all', 'DELETE', '/api/things/abc', 204],
] as const) {
  test(`${token} may ${method} ${path}: ${status}`, async ({ service }) =>
    assert.is((await call(service, method, path, { token })).status, status));
}

test('what is missing is named as a permission', async ({ service }) => {
  const response = await call(service, 'DELETE', '/api/things/abc', { token: 'none' });
  assert.equal((await problemOf(response)).required, {
    context: 'http',
    resource: '/api/things/abc',
    operation: 'write',
  });
});

for (const [authorization, code] of [
  ['', 'token-missing'],
  ['Basic YTpi', 'token-missing'],
  ['Bearer', 'token-invalid'],
  ['Bearer a b', 'token-invalid'],
  ['Bearer unknown', 'token-invalid'],
  ['bearer  all', undefined],
] as const) {
  test(`"${authorization}" is ${code ?? 'taken'}`, async ({ service }) => {
    const headers = { Authorization: authorization };
    const response = await call(service, 'GET', '/api/things', { headers });
    assert.is(response.status, code === undefined ? 200 : 401);
    if (code === undefined) return;
    assert.is(response.headers.get('www-authenticate'), 'Bearer');
    assert.is((await problemOf(response)).code, code);
  });
}

// ── Problems. ─────────────────────────────────────────────────────────────────────────────────────

for (const [name, status, code, retryAfter] of [
  ['refused', 403, 'registration-denied', null],
  ['throttled', 429, 'login-throttled', '3'],
  ['locked', 423, 'registry-locked', '5'],
  ['challenger', 409, 'replacement-pending', '5'],
  ['taken', 409, 'username-taken', null],
  ['store', 503, 'store-unavailable', '5'],
  ['conflict', 503, 'store-unavailable', '5'],
  ['hashing', 503, 'hashing-busy', '5'],
  ['cursor', 400, 'request-malformed', null],
  ['bug', 500, 'internal-error', null],
  ['thrown', 500, 'internal-error', null],
] as const) {
  test(`${name} is ${status} ${code}`, async ({ service }) => {
    const response = await call(service, 'POST', `/api/fail/${name}`);
    assert.is(response.status, status);
    assert.is(response.headers.get('content-type'), 'application/problem+json');
    assert.is(response.headers.get('retry-after'), retryAfter);
    assert.is(response.headers.get('gatebook-position'), null);
    const problem = await problemOf(response);
    assert.is(problem.code, code);
    assert.is(problem.type, `urn:gatebook:problem:${code}`);
    assert.is(problem.status, status);
    assert.is(problem.title, problemTable[code].title);
    assert.ok(problem.detail.length > 0);
    assert.not.match(JSON.stringify(problem), /secret|client-abc/);
  });
}

test('members of a refusal stand beside the others', async ({ service }) => {
  const problem = await problemOf(await call(service, 'POST', '/api/fail/refused'));
  assert.is(problem.reason, 'no');
});

test('our own fault is logged under the id that the caller is told', async ({ service }) => {
  const { detail } = await problemOf(await call(service, 'POST', '/api/fail/bug'));
  const line = service.logged.findLast(({ level }) => level === 'error');
  assert.ok(detail.includes(line?.correlationId as string), detail);
  assert.match(JSON.stringify(line), /a secret detail/);
});

test('every refusal is counted by its code', async ({ service }) => {
  await (await call(service, 'POST', '/api/fail/taken')).text();
  assert.match(
    await service.edge.metrics.registry.metrics(),
    /refusals_total{code="username-taken"}/,
  );
});

test('a source that sends what cannot be read again and again waits, at that route alone', async () => {
  const service = await startSample({ malformedPerMinute: 3 });
  try {
    const put = (token: string, body: string, from = '10.0.0.1', path = '/api/things/abc') =>
      call(service, 'PUT', path, { token, body, headers: { 'X-Forwarded-For': from } });
    for (let sent = 0; sent < 3; sent++) assert.is((await put('all', '{')).status, 400);
    for (const body of ['{', '{"a":1}']) {
      const response = await put('all', body);
      assert.is(response.status, 429);
      assert.ok(Number(response.headers.get('retry-after')) > 0);
      assert.is((await problemOf(response)).code, 'source-throttled');
    }
    // Who is signed in is counted by name, wherever they are.
    assert.is((await put('all', '{"a":1}', '10.0.0.2')).status, 429);
    assert.is((await put('writer', '{"a":1}')).status, 200);

    const health = (from: string, query = '?x=1') =>
      call(service, 'GET', `/healthz${query}`, { headers: { 'X-Forwarded-For': from } });
    for (let sent = 0; sent < 3; sent++) assert.is((await health('10.0.0.1')).status, 400);
    assert.is((await health('10.0.0.1', '')).status, 429);
    assert.is((await health('10.0.0.2', '')).status, 200);
    const open = { headers: { 'X-Forwarded-For': '10.0.0.1' } };
    assert.is((await call(service, 'GET', '/openapi.json', open)).status, 200);
  } finally {
    await service.stop();
  }
});

// ── Paths and methods. ────────────────────────────────────────────────────────────────────────────

for (const path of [
  '/api/things/',
  '/API/things',
  '/api',
  '/api/brokers',
  '//api/things',
  '/x?y=1',
]) {
  test(`nothing is at ${path}`, async ({ service }) => {
    const response = await call(service, 'GET', path);
    assert.is(response.status, 404);
    assert.is((await problemOf(response)).code, 'route-not-found');
  });
}

for (const [method, path, allow] of [
  ['PATCH', '/api/things/abc', 'DELETE, GET, HEAD, PUT'],
  ['OPTIONS', '/api/things', 'GET, HEAD'],
  ['POST', '/healthz', 'GET, HEAD'],
] as const) {
  test(`${method} ${path} is 405`, async ({ service }) => {
    const response = await call(service, method, path);
    assert.is(response.status, 405);
    assert.is(response.headers.get('allow'), allow);
    assert.is((await problemOf(response)).code, 'method-not-allowed');
  });
}

test('a literal path goes before a parameter', async ({ service }) => {
  const response = await call(service, 'GET', '/api/things/self', { token: 'all' });
  assert.equal(await response.json(), { literal: true });
});

// ── Positions. ────────────────────────────────────────────────────────────────────────────────────

test('a command tells its position, a read does not', async ({ service }) => {
  const put = await call(service, 'PUT', '/api/things/abc', { token: 'all', body: '{"a":1}' });
  assert.is(put.headers.get('gatebook-position'), '1'.padStart(20, '0'));
  const gone = await call(service, 'DELETE', '/api/things/abc', { token: 'all' });
  assert.is(gone.headers.get('gatebook-position'), '2'.padStart(20, '0'));
  const read = await call(service, 'GET', '/api/things', { token: 'all' });
  assert.is(read.headers.get('gatebook-position'), null);
});

for (const [position, status, code] of [
  ['7'.padStart(20, '0'), 200, undefined],
  ['8'.padStart(20, '0'), 503, 'position-not-reached'],
  ['7', 400, 'request-malformed'],
  ['', 400, 'request-malformed'],
] as const) {
  test(`a read at position "${position}" is ${status}`, async ({ service }) => {
    const headers = { 'Gatebook-Position': position };
    const response = await call(service, 'GET', '/api/things', { token: 'all', headers });
    assert.is(response.status, status);
    if (code === undefined) return;
    const problem = await problemOf(response);
    assert.is(problem.code, code);
    if (status === 400) assert.equal(problem.places, ['Gatebook-Position']);
    else assert.is(response.headers.get('retry-after'), '1');
  });
}

test.run();
