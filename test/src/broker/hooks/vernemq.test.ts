/** VerneMQ as its documentation has it: its webhooks of MQTT 3 and 5, and its HTTP API. */

import { newName, strong } from '../../../support/door.ts';
import type { World } from '../../../support/service.ts';
import { assert } from '../../../support/suite.ts';
import { askingBrokerSuite, asks, endSession, told } from './peer.ts';

const secret = 'a-secret-of-vernemq';

const test = askingBrokerSuite('vernemq', {
  secret,
  setting: (address) => `vernemq+http://api-key@${address}`,
  answer: (sessions, _method, { pathname, searchParams }) => {
    if (pathname === '/api/v1/session/show') {
      const ids = sessions.get(searchParams.get('--user') ?? '') ?? [];
      const table = ids.map((client_id) => ({ client_id, mountpoint: '', is_online: true }));
      return [200, { type: 'table', table }];
    }
    if (pathname === '/api/v1/session/disconnect') {
      endSession(sessions, searchParams.get('client-id') ?? '');
      return [200, []];
    }
    return [200, { type: 'table', table: [{ Node: 'VerneMQ@127.0.0.1', Running: true }] }];
  },
});

const hook = (world: World, name: string, body: object) =>
  asks(world, `vernemq/${secret}`, body, { 'vernemq-hook': name });
const register = (world: World, username: string | null, password: string | null, version: 3 | 5) =>
  hook(world, version === 5 ? 'auth_on_register_m5' : 'auth_on_register', {
    peer_addr: '192.0.2.9',
    peer_port: 8888,
    username,
    password,
    mountpoint: '',
    client_id: 'clientid',
    ...(version === 5 ? { clean_start: true, properties: {} } : { clean_session: false }),
  });
const session = (username: string) => ({ username, client_id: 'clientid', mountpoint: '' });
const may = (resource: string, operation: string) => ({ context: 'mqtt', resource, operation });
const notAllowed = { result: { error: 'not_allowed' } };

for (const version of [3, 5] as const) {
  const suffix = version === 5 ? '_m5' : '';

  test(`MQTT ${version}: the implicit flow`, async ({ world, door }) => {
    const [username, password] = [newName(), strong()];
    const refused = await register(world, username, password, version);
    assert.equal([refused.status, refused.body], [200, notAllowed]);
    assert.is(refused.headers.get('cache-control'), 'no-store');
    const [request] = await door.requestsOf(username);
    assert.equal([request.source, request.clientId], ['192.0.2.9', 'clientid']);
    await door.grant(request.requestId);
    const admitted = await register(world, username, password, version);
    assert.equal([admitted.status, admitted.body], [200, { result: 'ok' }]);
    assert.is(admitted.headers.get('cache-control'), 'no-store');
    assert.equal((await register(world, username, 'wrong', version)).body, notAllowed);
    assert.equal((await register(world, null, null, version)).body, notAllowed);
  });

  test(`MQTT ${version}: what is published gets its prefix, and is judged with it`, async ({
    world,
    door,
  }) => {
    const plain = await door.active({ permissions: [may('a/+', 'write')] });
    const whole = await door.active({
      permissions: [may('#', 'write')],
      mqttPublishPrefix: 'gatebook/reg',
    });
    const prefixed = await door.active({
      permissions: [may('hall/7/#', 'write')],
      mqttPublishPrefix: 'hall/7/',
    });
    const publish = async (username: string, topic: string) =>
      (
        await hook(world, `auth_on_publish${suffix}`, {
          ...session(username),
          qos: 1,
          topic,
          payload: 'aGVsbG8=',
          retain: false,
          ...(version === 5 ? { properties: {} } : {}),
        })
      ).body;
    assert.equal(await publish(plain.username, 'a/b'), { result: 'ok' });
    assert.equal(await publish(plain.username, 'a/b/c'), notAllowed);
    assert.equal(await publish(plain.username, '$SYS/x'), notAllowed);
    assert.equal(await publish(whole.username, 'istry/window'), notAllowed);
    assert.equal(await publish(prefixed.username, 'state'), {
      result: 'ok',
      modifiers: { topic: 'hall/7/state' },
    });
    assert.equal(await publish(newName(), 'a/b'), notAllowed);
  });

  test(`MQTT ${version}: each filter is judged by itself`, async ({ world, door }) => {
    const { username } = await door.active({ permissions: [may('a/+', 'read')] });
    const subscribe = async (...filters: string[]) =>
      (
        await hook(world, `auth_on_subscribe${suffix}`, {
          ...session(username),
          topics: filters.map((topic) => ({ topic, qos: 1 })),
          ...(version === 5 ? { properties: {} } : {}),
        })
      ).body;
    assert.equal(await subscribe('a/b', '$share/group/a/+'), { result: 'ok' });
    const topics = [
      { topic: 'a/b', qos: 1 },
      { topic: 'a/#', qos: version === 5 ? 135 : 128 },
      { topic: '$share/group/#', qos: version === 5 ? 135 : 128 },
    ];
    assert.equal(
      await subscribe('a/b', 'a/#', '$share/group/#'),
      version === 5 ? { result: 'ok', modifiers: { topics } } : { result: 'ok', topics },
    );
  });
}

test('a suspended one is disconnected, with what is stored for it', async (here) => {
  const { door, world, sessions, api } = here;
  const { username, password } = await door.active();
  await register(world, username, password, 3);
  sessions.set(username, ['clientid']);
  sessions.set('somebody', ['else']);
  await told(door, username, 'CredentialActivated');
  await door.change(username, 'suspend');
  const data = await told(door, username, 'CredentialDeactivated');
  assert.equal([data.broker, data.sessionsClosed], ['vernemq', 1]);
  assert.equal([sessions.get(username), sessions.get('somebody')], [[], ['else']]);
  assert.ok(
    api.calls.some(
      ({ path }) => path === '/api/v1/session/disconnect?client-id=clientid&--cleanup',
    ),
  );
  assert.ok(api.calls.every(({ account, method }) => account === 'api-key:' && method === 'GET'));
});

test('a hook that is not known is no route', async ({ world }) => {
  for (const name of ['on_publish', 'toString', ''])
    assert.is((await hook(world, name, session('x'))).status, 404);
});

test.run();
