/** What is not as the description says is found, and named by route, status and place. */
import { assert, suite } from '../suite.ts';
import { claims, faultsIn } from './check.ts';
import type { ExchangeSeen } from './exchange.ts';

const test = suite('answers as described');

const json = { 'content-type': 'application/json; charset=utf-8' };
const exchange = (over: Partial<ExchangeSeen>, body: unknown = ''): ExchangeSeen => ({
  ...{ method: 'GET', path: '/healthz', query: '', asked: json, sent: Buffer.from('') },
  ...{ status: 200, told: json },
  answered: Buffer.from(body === '' ? '' : JSON.stringify(body)),
  ...over,
});
const faults = (over: Partial<ExchangeSeen>, body?: unknown) =>
  faultsIn([exchange(over, body)]).join('\n');

const refused = (code: string, status: number) => ({
  ...{ type: `urn:gatebook:problem:${code}`, title: 'T', status, detail: 'D', code },
});
const problem = { 'content-type': 'application/problem+json' };

test('what is as described has no fault', () => {
  assert.is(faults({}, { status: 'up' }), '');
  const told = { ...problem, 'www-authenticate': 'Bearer' };
  assert.is(faults({ path: '/api/users', status: 401, told }, refused('token-missing', 401)), '');
  assert.is(faults({ path: '/page/style.css', status: 304, told: { etag: '"1"' } }), '');
});

test('a member, a status, a type, a header or a code that is not described is a fault', () => {
  const found: [string, RegExp][] = [
    [faults({}, { status: 'up', more: 1 }), /GET \/healthz 200: # .*additional.*"more"/],
    [faults({}, { status: 'down' }), /GET \/healthz 200: #\/status/],
    [faults({ status: 418 }, {}), /GET \/healthz 418: is not described/],
    [faults({ told: { 'content-type': 'text/plain' } }, 1), /is of type text\/plain/],
    [faults({ told: { ...json, 'x-more': '1' } }, { status: 'up' }), /has a header x-more/],
    [
      faults({ path: '/api/users', status: 401, told: problem }, refused('token-missing', 401)),
      /no www-auth/,
    ],
    [
      faults({ path: '/api/users', status: 404, told: problem }, refused('role-not-found', 404)),
      /not described/,
    ],
    [
      faults({ path: '/api/roles/a', status: 404, told: problem }, refused('user-not-found', 404)),
      /#\/code/,
    ],
    [
      faults(
        { path: '/api/roles/a', status: 404, told: problem },
        { ...refused('role-not-found', 404), hint: 1 },
      ),
      /unevaluated.*"hint"/,
    ],
    [
      faults({ path: '/nowhere', status: 404, told: problem }, { code: 'route-not-found' }),
      /required/,
    ],
  ];
  for (const [fault, expected] of found) assert.match(fault, expected);
});

test('a request that was taken must be one that the description allows', () => {
  const list = { items: [], nextCursor: null };
  assert.is(faults({ path: '/api/users', query: 'limit=5' }, list), '');
  assert.match(faults({ path: '/api/users', query: 'limit=5000' }, list), /took limit=5000/);
  assert.match(faults({ path: '/api/users', query: 'more=1' }, list), /took the parameter more/);
  assert.match(faults({ path: '/api/users/a' }, {}), /took username=a/);
  const lock = { method: 'POST', path: '/api/client-registry/unlock' };
  assert.match(faults({ ...lock, sent: Buffer.from('{"more":1}') }, {}), /took \{"more":1\}/);
  const big = { 'content-type': 'text/plain' };
  assert.match(faults({ ...lock, asked: big, sent: Buffer.from('a') }, {}), /took text\/plain/);
});

test('every claim is a route with a status, and a code where it is a problem', () => {
  const all = claims();
  assert.is(new Set(all).size, all.length);
  assert.ok(all.includes('register 201') && all.includes('register 423 registry-locked'));
  assert.not.ok(all.includes('register 423') || all.includes('showUser 202'));
});

test.run();
