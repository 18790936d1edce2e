/** What the description says of every route alike is so at each of them: stopping, faults, a store that is away. */

import type { App } from '../../../../src/app.ts';
import { exampleBody } from '../../../../src/http/pages/examples.ts';
import { problemsOf } from '../../../../src/http/pages/openapi-answers.ts';
import type { Route } from '../../../../src/http/route.ts';
import { allRoutes } from '../../../../src/http/server.ts';
import { bodyBytesMax } from '../../../../src/limits/http.ts';
import { StoreUnavailable } from '../../../../src/store/event-store.ts';
import { assert, suite } from '../../../support/suite.ts';
import { callerWith, type Shell, shell } from '../listening-application.ts';

const test = suite('what every route answers');

/** An app all of whose parts fail alike, whatever is asked of them. */
function failing(fault: () => Error): App {
  const part: unknown = new Proxy(() => undefined, {
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : part),
    apply() {
      throw fault();
    },
  });
  const checks = {
    now: () => '2026-01-01T00:00:00.000Z',
    passwordFaults: () => [],
    isPersonName: () => false,
    isServerName: () => false,
    config: { clientAuth: 'either', sso: part },
  };
  return new Proxy(checks, {
    get: (known, name) => (name in known ? known[name as keyof typeof known] : part),
  }) as unknown as App;
}

const queries: Readonly<Record<string, string>> = {
  stateAt: '?at=2026-01-01T00:00:00Z',
  accessAt: '?at=2026-01-01T00:00:00Z&topic=a',
  inclusionProof: '?index=0',
  consistencyProof: '?from=1',
  whatIf: '?rule=limits',
};
const values: Readonly<Record<string, string>> = {
  id: '0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11',
  file: 'style.css',
};
const pathOf = ({ path, operationId }: Route) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'nobody') +
  (queries[operationId] ?? '');

const everything = callerWith('admin', [
  { context: 'http', resource: '/#', operation: 'readWrite' },
]);
const signedIn = {
  edge: {
    authenticate: async () => everything,
    certificateOf: () => ({ username: 'press-1', serial: 'a', fingerprint: 'b' }) as never,
  },
};

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly query?: string;
}

/** As it is taken, but for what is given. */
async function asked({ url }: Shell, route: Route, { headers, body, query }: Sent = {}) {
  const example = route.upload === undefined ? JSON.stringify(exampleBody(route)) : 'note\na\n';
  const sent = route.method === 'GET' ? undefined : (body ?? example);
  const type = route.upload === undefined ? 'application/json' : 'text/csv';
  const response = await fetch(url + pathOf(route) + (query ?? ''), {
    method: route.method,
    redirect: 'manual',
    headers: {
      Authorization: 'Bearer x',
      ...(sent === undefined ? {} : { 'Content-Type': type }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  return /"code":"([^"]+)"/.exec(text)?.[1] ?? String(response.status);
}

async function codesOf(service: Shell, routes: readonly Route[], sent?: Sent) {
  const codes: string[] = [];
  for (const route of routes)
    codes.push(`${route.operationId} ${await asked(service, route, sent)}`);
  return codes;
}
const each = (routes: readonly Route[], code: string) =>
  routes.map(({ operationId }) => `${operationId} ${code}`);

const routes = allRoutes(failing(() => new TypeError('a fault of ours')));
const declaring = (code: string, of = routes) =>
  of.filter((route) => problemsOf(route).includes(code as never));

test('whoever comes while it stops is told so', async () => {
  const service = await shell(routes, signedIn);
  service.stopping.abort();
  assert.equal(await codesOf(service, routes), each(routes, 'stopping'));
  await service.listener.stop(0);
});

/** What is served from memory looks at nothing that could fail; a stream has begun when it does, and breaks off. */
const still = [
  ...['health', 'page', 'pageFile', 'docs', 'stylesheet', 'openapi', 'caCertificate'],
  'followEvents',
];

test('a fault of ours is told by its number alone, a store that is away as such', async () => {
  const moving = routes.filter(({ operationId }) => !still.includes(operationId));
  const broken = await shell(routes, signedIn);
  assert.equal(await codesOf(broken, moving), each(moving, 'internal-error'));
  await broken.stop();
  const away = allRoutes(failing(() => new StoreUnavailable('it is away')));
  const storeless = await shell(away, signedIn);
  const ofStore = declaring('store-unavailable', away).filter(
    ({ operationId }) => !still.includes(operationId),
  );
  assert.equal(await codesOf(storeless, ofStore), each(ofStore, 'store-unavailable'));
  await storeless.stop();
});

test('what is malformed is refused, with what is too large or of another type, and soon not looked at', async () => {
  const service = await shell(routes, { edge: { ...signedIn.edge, malformedPerMinute: 1 } });
  const position = '9'.repeat(20);
  // Who needs no token sends no position.
  const waiting = declaring('position-not-reached').filter(({ access }) => access !== 'open');
  assert.equal(
    await codesOf(service, waiting, { headers: { 'Gatebook-Position': position } }),
    each(waiting, 'position-not-reached'),
  );
  const taking = declaring('body-too-large').filter(({ upload }) => upload === undefined);
  const large = { body: `"${'x'.repeat(bodyBytesMax)}"` };
  assert.equal(await codesOf(service, taking, large), each(taking, 'body-too-large'));
  const typed = { body: '{}', headers: { 'Content-Type': 'text/plain' } };
  assert.equal(await codesOf(service, taking, typed), each(taking, 'media-type-unsupported'));
  // The identity provider may add to the way back whatever it likes.
  const strict = routes.filter(({ operationId }) => operationId !== 'finishSignIn');
  const noRoom = (route: Route) => ({
    query: `${queries[route.operationId] ? '&' : '?'}frobnicate=1`,
  });
  for (const code of ['request-malformed', 'source-throttled'])
    for (const route of strict)
      assert.is(await asked(service, route, noRoom(route)), code, route.operationId);
  await service.stop();
});

test.run();
