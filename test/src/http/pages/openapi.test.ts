/** The API description is whole: every route is in it, every reference leads somewhere. */

import { problemTable } from '../../../../src/api/problems.ts';
import type { App } from '../../../../src/app.ts';
import { httpApplication } from '../../../../src/http/application.ts';
import { curlOf, exampleBody, javascriptOf } from '../../../../src/http/pages/examples.ts';
import { html } from '../../../../src/http/pages/html.ts';
import type { Route } from '../../../../src/http/route.ts';
import { estDescribed } from '../../../../src/http/routes/est-described.ts';
import { allRoutes, doorOnlyRoutes } from '../../../../src/http/server.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Shell, shell } from '../listening-application.ts';

/** Routes look at the service only when they are asked, so that a description needs none. */
const routes: readonly Route[] = allRoutes({} as App);
const told = [...routes, ...estDescribed];

/** WIRE "Routes", what is not marked, and the pages of the service itself. */
const promised = `
POST /api/backup
GET /api/client-registry
POST /api/client-registry/unlock
POST /api/client-registry/lock
POST /api/client-registry/register
POST /api/client-registry/certificate
GET /api/client-registry/knocks
GET /api/client-registry/requests
GET /api/client-registry/requests/self
GET /api/client-registry/requests/{id}
POST /api/client-registry/requests/{id}/grant
POST /api/client-registry/requests/{id}/deny
POST /api/client-registry/requests/grant
POST /api/client-registry/requests/deny
GET /api/client-registry/windows
POST /api/client-registry/windows
GET /api/client-registry/windows/{id}
DELETE /api/client-registry/windows/{id}
GET /api/client-registry/preauthorizations
POST /api/client-registry/preauthorizations
POST /api/client-registry/preauthorizations/import
GET /api/client-registry/preauthorizations/{id}
DELETE /api/client-registry/preauthorizations/{id}
GET /api/approvals
GET /api/approvals/{id}
POST /api/approvals/{id}/approve
POST /api/approvals/{id}/reject
POST /api/approvals/{id}/collect
GET /api/users
POST /api/users
POST /api/users/import
GET /api/users/{username}
PUT /api/users/{username}/authorization
POST /api/users/{username}/suspend
POST /api/users/{username}/resume
POST /api/users/{username}/revoke
POST /api/users/{username}/reinstate
POST /api/users/{username}/erase
POST /api/users/{username}/rotate
POST /api/users/{username}/renew
GET /api/roles
GET /api/roles/{name}
PUT /api/roles/{name}
DELETE /api/roles/{name}
POST /api/login
GET /api/tokens
POST /api/tokens
DELETE /api/tokens/{id}
GET /api/whoami
POST /api/keys/rotate
GET /api/read-models
GET /api/events
GET /api/notifications/dead-letters
GET /api/users/{username}/sessions
GET /page/{file}
GET /page/sso
GET /page/sso/start
GET /page/sso/callback
POST /api/login/sso
POST /api/login/sso/token
POST /page/session
DELETE /page/session
GET /api/audit/events
GET /api/audit/erasures
GET /api/audit/evidence
GET /api/audit/checkpoint
GET /api/audit/proofs/inclusion
GET /api/audit/proofs/consistency
GET /api/audit/export
GET /api/audit/state
GET /api/audit/access
GET /api/audit/activity
GET /api/audit/explain/{username}
GET /api/audit/windows/{id}/report
GET /api/audit/what-if
GET /.well-known/checkpoint-key
GET /.well-known/paseto
GET /.well-known/est/cacerts
GET /.well-known/est/csrattrs
POST /.well-known/est/simpleenroll
POST /.well-known/est/simplereenroll
GET /api/brokers
POST /api/brokers/{name}/reconcile
GET /ca
GET /ca/certificate
GET /ca/crl
GET /healthz
GET /readyz
GET /metrics
GET /
GET /docs
GET /docs.css
GET /openapi.json
`
  .trim()
  .split('\n')
  .sort();

type Json = Record<string, unknown>;

const test = suite<{ service: Shell; described: Json }>('http openapi');
test.before(async (world) => {
  world.service = await shell(routes);
  world.described = (await (await fetch(`${world.service.url}/openapi.json`)).json()) as Json;
});
test.after(({ service }) => service.stop());

const operationsOf = (described: Json): [string, string, Json][] =>
  Object.entries(described.paths as Record<string, Record<string, Json>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, string, Json] => [
        method.toUpperCase(),
        path,
        operation,
      ]),
  );

test('every promised route is documented, and none beyond', ({ described }) =>
  assert.equal(
    operationsOf(described)
      .map(([method, path]) => `${method} ${path}`)
      .sort(),
    promised,
  ));

test('every documented route is registered', async ({ service, described }) => {
  for (const [method, path] of operationsOf(described)) {
    // Below its beginning, where TLS is spoken (est.test.ts).
    if (path.startsWith('/.well-known/est/')) continue;
    const url = service.url + path.replace('{file}', 'style.css').replaceAll(/\{[^}]+\}/g, 'x');
    const response = await fetch(url, { method });
    const code = /"code":"([^"]+)"/.exec(await response.text())?.[1];
    if (response.headers.get('content-type') !== 'application/problem+json') continue;
    assert.ok(code !== 'route-not-found' && code !== 'method-not-allowed', `${method} ${path}`);
  }
});

function* nodesOf(value: unknown): Generator<Json> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const inner of Object.values(value)) yield* nodesOf(inner);
}

test('every reference leads somewhere, and every shape is led to', ({ described }) => {
  const { schemas } = described.components as { schemas: Json };
  const used = new Set<string>();
  for (const { $ref } of nodesOf(described)) {
    if ($ref === undefined) continue;
    const [, name = ''] = /^#\/components\/schemas\/(\w+)$/.exec(String($ref)) ?? [];
    assert.ok(name in schemas, String($ref));
    used.add(name);
  }
  assert.equal([...used].sort(), Object.keys(schemas).sort());
});

test('it has the form of OpenAPI 3.1', ({ described }) => {
  assert.match(String(described.openapi), /^3\.1\.\d$/);
  const info = described.info as { title: string; version: string };
  assert.ok(info.title && info.version);
  const ids = new Set<unknown>();
  for (const [method, path, operation] of operationsOf(described)) {
    const where = `${method} ${path}`;
    assert.ok(!ids.has(operation.operationId) && typeof operation.operationId === 'string', where);
    ids.add(operation.operationId);
    const parameters = operation.parameters as { name: string; in: string; required: boolean }[];
    const inPath = parameters.filter((one) => one.in === 'path');
    assert.equal(
      inPath.map(({ name }) => name),
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    );
    assert.ok(
      inPath.every(({ required }) => required),
      where,
    );
    assert.is(new Set(parameters.map((one) => `${one.in} ${one.name}`)).size, parameters.length);
    assert.ok(method !== 'GET' || operation.requestBody === undefined, where);
    const responses = operation.responses as Record<string, { description?: string }>;
    for (const [status, { description }] of Object.entries(responses)) {
      assert.match(status, /^[2-5]\d\d$/);
      assert.ok(description, where);
    }
  }
});

test('schemas say nothing that JSON Schema does not know, and keep no inner definitions', ({
  described,
}) => {
  for (const node of nodesOf(described))
    for (const key of ['$defs', '$schema', '$id', 'definitions', 'nullable'])
      assert.not.ok(Object.hasOwn(node, key), key);
});

test('who needs a token is said', ({ described }) => {
  for (const [method, path, { security }] of operationsOf(described)) {
    const route = told.find((one) => one.method === method && one.path === path);
    assert.is((security as unknown[]).length > 0, route?.access !== 'open', path);
  }
});

test('who may be waited for by Prefer is said at the door alone', ({ described }) => {
  const waiting = operationsOf(described).filter(([, , { parameters }]) =>
    (parameters as Json[]).some(({ name }) => name === 'Prefer'),
  );
  assert.equal(
    waiting.map(([, , { operationId }]) => operationId),
    ['register', 'registrationStatus'],
  );
});

test('a limit is described as a number', ({ described }) => {
  const paths = described.paths as Record<string, { get: { parameters: Json[] } }>;
  const limit = paths['/api/users']?.get.parameters.find(({ name }) => name === 'limit');
  assert.equal(limit, {
    ...{ name: 'limit', in: 'query', required: false, description: '100 when left out.' },
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
  });
});

/** Where something stands that is said nothing of. */
function* wordless(node: unknown, where: string): Generator<string> {
  if (typeof node !== 'object' || node === null) return;
  const { properties, parameters, headers, tags, schemas } = node as Record<string, Json>;
  for (const named of [properties, parameters, headers, tags, schemas])
    for (const [name, one] of Object.entries(named ?? {}))
      if (typeof one === 'object' && !(one as Json).description) yield `${where}/${name}`;
  for (const [name, inner] of Object.entries(node)) yield* wordless(inner, `${where}/${name}`);
}

test('nothing in it is without words: parameters, headers, shapes and their members', ({
  described,
}) => {
  assert.equal([...new Set(wordless(described, '#'))], []);
  for (const [method, path, { summary }] of operationsOf(described))
    assert.ok(summary, `${method} ${path}`);
});

test('what is sent has no member beyond those named; what is answered may have', ({
  described,
}) => {
  const { schemas } = described.components as { schemas: Record<string, Json> };
  assert.is(schemas.Register?.additionalProperties, false);
  assert.is(schemas.Permission?.additionalProperties, false, 'it is sent, too');
  for (const name of ['User', 'Window', 'RequestList'])
    assert.not.ok(Object.hasOwn(schemas[name] ?? {}, 'additionalProperties'), name);
});

test('the page names every route, shape and code, and has no inline script or style', async ({
  service,
  described,
}) => {
  const response = await fetch(`${service.url}/docs`);
  assert.is(response.headers.get('content-type'), 'text/html; charset=utf-8');
  const page = await response.text();
  for (const { path, operationId } of told) {
    assert.ok(page.includes(`${path}</code>`), path);
    assert.ok(page.includes(`id="${operationId}"`), operationId);
  }
  for (const code of Object.keys(problemTable)) assert.ok(page.includes(`id="problem-${code}"`));
  const { schemas } = described.components as { schemas: Json };
  for (const name of Object.keys(schemas)) assert.ok(page.includes(`id="shape-${name}"`), name);
  for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g))
    assert.ok(page.includes(`id="${anchor}"`), anchor);
  assert.not.match(page, /<script|<style|\sstyle=|\son\w+=/i);
});

test('pages load nothing that is not here', async ({ service }) => {
  for (const path of ['/', '/docs']) {
    const page = await (await fetch(service.url + path)).text();
    assert.not.match(page, /https?:\/\//);
    for (const [, link = ''] of page.matchAll(/(?:href|src)="(\/[^"]*)"/g))
      assert.is((await fetch(service.url + link)).status, 200, link);
  }
  const css = await fetch(`${service.url}/docs.css`);
  assert.is(css.headers.get('content-type'), 'text/css; charset=utf-8');
  assert.match(await css.text(), /light-dark/);
});

test('what is put into a page is text', () =>
  assert.is(html`<b>${'<i>"&\''}</b>`.html, '<b>&lt;i&gt;&quot;&amp;&#39;</b>'));

test('alone, the door has what devices need and nothing else', async () => {
  assert.equal(
    doorOnlyRoutes({} as App).map(({ method, path }) => `${method} ${path}`),
    [
      'POST /api/client-registry/register',
      'GET /api/client-registry/requests/self',
      'POST /api/client-registry/certificate',
      'GET /ca',
      'GET /ca/certificate',
      'GET /ca/crl',
      'GET /healthz',
    ],
  );
  const door = await shell(doorOnlyRoutes({} as App));
  for (const path of ['/', '/docs', '/metrics', '/readyz', '/api/login', '/api/client-registry'])
    assert.is((await fetch(door.url + path)).status, 404, path);
  await door.stop();
});

test('every route that takes something has an example that it takes, shown for curl and JavaScript', () => {
  for (const route of told) {
    const example = exampleBody(route);
    if (example !== undefined) {
      const { error } = route.body?.safeParse(example) ?? {};
      assert.is(error, undefined, `${route.operationId}: ${error?.message}`);
      assert.match(curlOf(route), JSON.stringify(example));
    }
    assert.not.match(curlOf(route).split('\n', 1).join(), /\{/);
    // It is JavaScript: it compiles, inside of a function that may wait.
    new Function('url', 'token', 'fetch', `return async () => { ${javascriptOf(route)} }`);
  }
});

test('an application of these routes can be built', () =>
  assert.ok(httpApplication(routes, {} as Parameters<typeof httpApplication>[1])));

test('the description is made once: the same bytes, and 304 to who has them', async ({
  service,
}) => {
  const url = `${service.url}/openapi.json`;
  const first = await fetch(url);
  assert.match(first.headers.get('content-type') ?? '', /^application\/json/);
  const etag = first.headers.get('etag') ?? '';
  assert.ok(etag.length > 10);
  const again = await fetch(url, {
    headers: { 'If-None-Match': etag, 'Cache-Control': 'max-age=0' },
  });
  assert.is(again.status, 304);
  const packed = await fetch(url, { headers: { 'Accept-Encoding': 'br' } });
  assert.is(packed.headers.get('content-encoding'), 'br');
  assert.equal(await packed.json(), await first.json());
});

test.run();
