/** What holds for every route alike: who is let in, and what is never taken. */

import type { App } from '../../../src/app.ts';
import { problemsOf } from '../../../src/http/pages/openapi-answers.ts';
import type { Route } from '../../../src/http/route.ts';
import { allRoutes } from '../../../src/http/server.ts';
import { bodyBytesMax } from '../../../src/limits/http.ts';
import { assert, suite } from '../../support/suite.ts';
import { type Running, running } from './running-service.ts';

const test = suite<{ gatebook: Running; nobody: string }>('http routes');
test.before(async (world) => {
  world.gatebook = await running({ GATEBOOK_MQTT_PORT: 'off' });
  world.nobody = await world.gatebook.signedIn('nobody');
});
test.after(({ gatebook }) => gatebook.stop());

const values: Record<string, string> = {
  id: '0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11',
  username: 'nobody-else',
  name: 'no-role',
};
const pathOf = ({ path }: Route) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);

/** A path whose parameters fit no rule. */
const malformedPathOf = ({ path }: Route) => path.replaceAll(/\{\w+\}/g, '%20%2F');

const routes = allRoutes({} as App);
const api = routes.filter(({ path }) => path.startsWith('/api/'));
const closed = api.filter(({ access }) => access !== 'open');
// What only a client certificate opens has its bodies tried where there is one (renewal.test.ts).
// A file that is taken in place of JSON has tests of its own.
const writing = api.filter(
  ({ method, access, upload }) =>
    method !== 'GET' && access !== 'certificate' && upload === undefined,
);

for (const route of closed) {
  const { method, path } = route;
  test(`${method} ${path} needs a token`, async ({ gatebook }) => {
    const none = await gatebook.call(method, pathOf(route));
    assert.equal([none.status, none.code], [401, 'token-missing']);
    assert.is(none.headers.get('www-authenticate'), 'Bearer');
    const wrong = await gatebook.call(method, pathOf(route), { token: 'v4.public.AAAA' });
    assert.equal([wrong.status, wrong.code], [401, 'token-invalid']);
  });
}

for (const route of closed.filter(({ access }) => access === 'permitted')) {
  const { method, path } = route;
  test(`${method} ${path} needs its permission`, async ({ gatebook, nobody }) => {
    // Listing tokens without a name means one's own.
    const query = path === '/api/tokens' ? '?username=admin' : '';
    const got = await gatebook.call(method, pathOf(route) + query, { token: nobody });
    assert.equal([got.status, got.code], [403, 'permission-missing']);
    assert.equal(got.body.required, {
      context: 'http',
      resource: pathOf(route),
      operation: method === 'GET' ? 'read' : 'write',
    });
  });
}

const token = ({ admin }: Running, { access }: Route) => (access === 'open' ? undefined : admin);

for (const route of writing) {
  const { method, path } = route;
  test(`${method} ${path} refuses a body that is too large, or none of JSON`, async ({
    gatebook,
  }) => {
    const send = (body: string, headers = {}) =>
      gatebook.call(method, pathOf(route), { token: token(gatebook, route), body, headers });
    const large = await send(`{"a":"${'x'.repeat(bodyBytesMax - 7)}"}`);
    assert.equal([large.status, large.code], [413, 'body-too-large']);
    const typed = await send('{}', { 'Content-Type': 'text/plain' });
    assert.equal([typed.status, typed.code], [415, 'media-type-unsupported']);
    for (const body of ['{', '[]', 'null', `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`]) {
      const got = await send(body);
      assert.equal([got.status, got.places], [400, ['#']]);
    }
  });

  test(`${method} ${path} knows no other key`, async ({ gatebook }) => {
    const got = await gatebook.call(method, pathOf(route), {
      token: token(gatebook, route),
      body: { frobnicate: 1 },
    });
    assert.is(got.status, 400);
    assert.ok(got.places.includes('#/frobnicate'), got.text);
  });
}

for (const route of api.filter(
  ({ access }) => access !== 'registration' && access !== 'certificate',
)) {
  const { method, path } = route;
  test(`${method} ${path} knows no other parameter`, async ({ gatebook }) => {
    const got = await gatebook.call(method, `${pathOf(route)}?frobnicate=1`, {
      token: token(gatebook, route),
    });
    assert.is(got.status, 400);
    assert.ok(got.places.includes('frobnicate'), got.text);
  });
}

for (const route of api.filter(({ path }) => path.includes('{'))) {
  const { method, path } = route;
  test(`${method} ${path} names a malformed parameter`, async ({ gatebook }) => {
    const got = await gatebook.call(method, malformedPathOf(route), { token: gatebook.admin });
    assert.is(got.status, 400);
    assert.ok(
      got.places.some((place) => place in values),
      got.text,
    );
  });
}

/** Those without a thing of this name; a role can be made, so PUT is none of them. */
const missing = api.filter(
  (route) =>
    route.path.includes('{') && problemsOf(route).some((code) => code.endsWith('not-found')),
);
/** Of those that must be sent something. */
const leastBody: Readonly<Record<string, object>> = {
  approveProposal: { hash: '0'.repeat(64) },
};
for (const route of missing) {
  const { method, path } = route;
  test(`${method} ${path} finds nothing`, async ({ gatebook }) => {
    const body = leastBody[route.operationId];
    const got = await gatebook.call(method, pathOf(route), { token: gatebook.admin, body });
    assert.is(got.status, 404, got.text);
    assert.match(got.code ?? '', /^[a-z]+-not-found$/);
  });
}

test('nothing of all this is in the history, and nothing broke', async ({ gatebook }) => {
  const { body } = await gatebook.must(200, 'GET', '/api/audit/events');
  const types = new Set<string>(body.items.map(({ type }: { type: string }) => type));
  for (const type of types) assert.match(type, /^(ClientCreated|TokenIssued|Key\w+)$/);
  assert.equal(
    gatebook.world.lines.filter((line) => /"level":"(error|warn)"/.test(line)),
    [],
  );
});

test.run();
