/** EMQX 5 as its documentation has it: what it asks, what it understands, and its REST API. */

import { newName, strong } from '../../../support/door.ts';
import { madeBefore } from '../../../support/made-before.ts';
import { assert } from '../../../support/suite.ts';
import { bearer, emqxBroker } from './emqx-peer.ts';
import { type AskingBroker, askingBrokerSuite, asks, eventually, told } from './peer.ts';

const test = askingBrokerSuite('emqx', emqxBroker);

const authn = (
  { world }: AskingBroker,
  username: string,
  password: string,
  more: { clientid?: string; peerhost?: string } = {},
) =>
  asks(
    world,
    'emqx/authn',
    { clientid: 'c-1', username, password, peerhost: '192.0.2.7', cert_cn: '', ...more },
    bearer,
  );
const authz = async ({ world }: AskingBroker, username: string, topic: string, action: string) =>
  (await asks(world, 'emqx/authz', { clientid: 'c-1', username, topic, action }, bearer)).body;
const reservation = { permission: 'deny', action: 'publish', topic: 'gatebook/registry/#' };
const may = (resource: string, operation: string) => ({ context: 'mqtt', resource, operation });

test('who shows no name or no password is denied, not left to the next in the chain', async ({
  world,
}) => {
  for (const shown of [
    { username: null, password: null, peerhost: null },
    { username: 'press-17' },
    { username: 'press-17', password: '' },
  ]) {
    const { status, body } = await asks(world, 'emqx/authn', { clientid: 'c-1', ...shown }, bearer);
    assert.equal([status, body.result], [200, 'deny']);
  }
});

test('the implicit flow: deny, a request with its source, and allow', async (here) => {
  const { door } = here;
  const [username, password] = [newName(), strong()];
  for (let attempt = 0; attempt < 2; attempt++) {
    const refused = await authn(here, username, password);
    assert.equal([refused.status, refused.body], [200, { result: 'deny' }]);
  }
  const requests = await door.requestsOf(username);
  assert.equal(
    requests.map(({ source, clientId, flow }: Record<string, unknown>) => [source, clientId, flow]),
    [['192.0.2.7', 'c-1', 'implicit']],
  );
  await door.grant(requests[0].requestId, { permissions: [may('a/b', 'write')] });
  const allowed = await authn(here, username, password);
  assert.is(allowed.status, 200);
  assert.match(allowed.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(allowed.body, {
    result: 'allow',
    is_superuser: false,
    acl: [reservation, { permission: 'allow', action: 'publish', topic: 'a/b' }],
  });
  assert.equal((await authn(here, username, 'wrong')).body, { result: 'deny' });
});

test('while the window wants a source, one that is not told does not get in', async (here) => {
  const { door } = here;
  await door.unlock({ sources: ['192.0.2.0/24'] });
  const [outside, unknown, inside] = [newName(), newName(), newName()];
  await authn(here, outside, strong(), { peerhost: '198.51.100.1' });
  await authn(here, unknown, strong(), { peerhost: '' });
  await authn(here, inside, strong());
  const asked = await Promise.all([outside, unknown, inside].map((name) => door.requestsOf(name)));
  assert.equal(
    asked.map(({ length }) => length),
    [0, 0, 1],
  );
});

test("the registry's own topics are denied before anything is allowed", async (here) => {
  const { username, password } = await here.door.active({ permissions: [may('#', 'readWrite')] });
  const { body } = await authn(here, username, password);
  assert.equal(body.acl, [
    reservation,
    { permission: 'allow', action: 'publish', topic: '#' },
    { permission: 'allow', action: 'subscribe', topic: '#' },
  ]);
  for (const [topic, action, result] of [
    ['gatebook/registry/window', 'publish', 'deny'],
    ['gatebook/registry', 'publish', 'deny'],
    ['gatebook/registry/window', 'subscribe', 'allow'],
    ['gatebook/x', 'publish', 'allow'],
  ] as const)
    assert.equal(await authz(here, username, topic, action), { result });
});

test('access that ends says when', async (here) => {
  const expiresAt = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3_600_000).toISOString();
  const { username, password } = await here.door.active({ expiresAt });
  const { body } = await authn(here, username, password);
  assert.is(body.expire_at, Date.parse(expiresAt) / 1_000);
  const token = await here.door.must(201, 'POST', '/api/tokens', {
    body: { label: 'short', username, expireTimeInHours: 1 },
  });
  const byToken = await authn(here, username, token.body.token);
  const ends = [expiresAt, token.body.expiresAt].sort()[0] as string;
  assert.is(byToken.body.expire_at, Math.floor(Date.parse(ends) / 1_000));
});

test('at its end the live sessions are closed, though EMQX was told when that is', async (here) => {
  const { door, sessions } = here;
  const { made, endsAt } = await madeBefore(600, async (expiresAt) => {
    const device = await door.active({ expiresAt });
    await authn(here, device.username, device.password, { clientid: 'ending' });
    sessions.set(device.username, ['ending']);
    return device;
  });
  const { username, password } = made;
  await eventually(() => (sessions.get(username)?.length === 0 ? true : undefined));
  assert.ok(new Date().toISOString() >= endsAt);
  assert.is((await told(door, username, 'CredentialDeactivated')).broker, 'emqx');
  assert.is((await authn(here, username, password)).body.result, 'deny');
});

test('the rules hold only what EMQX compares as MQTT means it', async (here) => {
  const { username, password } = await here.door.active({
    permissions: [
      may('read/one', 'read'),
      may('read/all/#', 'read'),
      may('read/+', 'read'),
      may('write/+/x', 'write'),
      may('eq odd', 'readWrite'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: EMQX would fill it in
      may('odd/${name}', 'readWrite'),
      may('$SYS/#', 'readWrite'),
    ],
  });
  const { body } = await authn(here, username, password);
  assert.equal(
    body.acl.map(({ action, topic, permission }: Record<string, string>) => [
      permission,
      action,
      topic,
    ]),
    [
      ['deny', 'publish', 'gatebook/registry/#'],
      ['allow', 'publish', 'write/+/x'],
      ['allow', 'subscribe', 'read/one'],
      ['allow', 'subscribe', 'read/all/#'],
      ['allow', 'subscribe', '$SYS/#'],
    ],
  );
});

test('what the rules leave open is decided at the question', async (here) => {
  const { username } = await here.door.active({
    permissions: [
      may('read/+', 'read'),
      may('write/+/x', 'write'),
      may('#', 'read'),
      may('$own/#', 'write'),
    ],
  });
  const cases: [topic: string, action: string, result: string][] = [
    ['write/7/x', 'publish', 'allow'],
    ['write/7/y', 'publish', 'deny'],
    ['write/+/x', 'publish', 'deny'],
    ['$own/x', 'publish', 'deny'],
    ['read/7', 'subscribe', 'allow'],
    ['#', 'subscribe', 'allow'],
    ['$share/group/read/+', 'subscribe', 'allow'],
    ['$SYS/#', 'subscribe', 'deny'],
    ['$share/group/$SYS/#', 'subscribe', 'deny'],
    ['a/#/b', 'subscribe', 'deny'],
    ['a+', 'subscribe', 'deny'],
    ['', 'subscribe', 'deny'],
  ];
  for (const [topic, action, result] of cases)
    assert.equal(await authz(here, username, topic, action), { result }, `${action} ${topic}`);
  assert.equal(await authz(here, newName(), 'read/7', 'subscribe'), { result: 'deny' });
  const narrow = await here.door.active({ permissions: [may('read/+', 'read')] });
  assert.equal(await authz(here, narrow.username, 'read/#', 'subscribe'), { result: 'deny' });
});

test('each state lets in only who is active', async (here) => {
  const { door } = here;
  const { username, password } = await door.active({ permissions: [may('a', 'write')] });
  const now = async () => [
    (await authn(here, username, password)).body.result,
    (await authz(here, username, 'a', 'publish')).result,
  ];
  assert.equal(await now(), ['allow', 'allow']);
  await door.change(username, 'suspend');
  assert.equal(await now(), ['deny', 'deny']);
  await door.change(username, 'resume');
  assert.equal(await now(), ['allow', 'allow']);
  await door.change(username, 'revoke');
  assert.equal(await now(), ['deny', 'deny']);
});

test('a revoked one is kicked: each of its clients, and nobody else’s', async (here) => {
  const { door, sessions, api } = here;
  const { username, password } = await door.active();
  for (const clientid of ['a/b c', 'second']) await authn(here, username, password, { clientid });
  sessions.set(username, ['a/b c', 'second']);
  sessions.set('somebody', ['else']);
  await told(door, username, 'CredentialActivated');
  await door.change(username, 'revoke');
  const data = await told(door, username, 'CredentialDeactivated');
  assert.equal([data.broker, data.sessionsClosed], ['emqx', 2]);
  assert.equal([sessions.get(username), sessions.get('somebody')], [[], ['else']]);
  assert.ok(
    api.calls.some(({ method, path }) => method === 'DELETE' && path.endsWith('/a%2Fb%20c')),
  );
  assert.ok(api.calls.every(({ account }) => account === 'key:secret'));
});

/** How often EMQX was asked for the sessions of a name. */
const looks = ({ api }: AskingBroker, username: string) =>
  api.calls.filter(({ path }) => path.includes(`username=${username}&`)).length;

test("a client id that is another client's name is refused, its own is not", async (here) => {
  const [owner, other] = [await here.door.active({}), await here.door.active({})];
  const result = async ({ username, password }: typeof owner, clientid: string) =>
    (await authn(here, username, password, { clientid })).body.result;
  assert.is(await result(other, owner.username), 'deny');
  assert.is(await result(owner, owner.username), 'allow');
  assert.is(await result(other, newName()), 'allow');
});

test('other rights kick who came in by the old ones, once', async (here) => {
  const { door, sessions } = here;
  const { username, password } = await door.active({ permissions: [may('old', 'write')] });
  await authn(here, username, password, { clientid: 'old-session' });
  sessions.set(username, ['old-session']);
  await eventually(() => (looks(here, username) > 0 ? true : undefined));
  const looked = looks(here, username);
  // A challenger asks for the name: the process manager looks, and finds nothing to do.
  await here.door.ask(username, strong());
  await eventually(() => (looks(here, username) > looked ? true : undefined));
  assert.equal(sessions.get(username), ['old-session']);
  await door.must(200, 'PUT', `/api/users/${username}/authorization`, {
    body: {
      roles: [],
      permissions: [may('new', 'write')],
      mqttPublishPrefix: null,
      mqttClientId: null,
      expiresAt: null,
    },
  });
  await eventually(() => (sessions.get(username)?.length === 0 ? true : undefined));
  const { body } = await authn(here, username, password, { clientid: 'new-session' });
  assert.equal(body.acl, [reservation, { permission: 'allow', action: 'publish', topic: 'new' }]);
});

test('what is no question of EMQX is 400, and asks nobody', async ({ world, door }) => {
  const username = newName();
  for (const body of [{}, { username, password: 'secret-1' }, [], { clientid: 1, username }])
    assert.is((await asks(world, 'emqx/authn', body, bearer)).status, 400);
  assert.is(
    (await asks(world, 'emqx/authz', { clientid: 'c', topic: 'a', action: 'x' }, bearer)).status,
    400,
  );
  assert.equal(await door.requestsOf(username), []);
});

test.run();
