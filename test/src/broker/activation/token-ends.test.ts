/** A token's end closes the sessions it opened: at the embedded broker, and at one that asks over HTTP. */
import { mock } from 'node:test';
import { doorOf } from '../../../support/door.ts';
import { connected, subscribed, until } from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type ApiPeer, apiPeer, asks } from '../hooks/peer.ts';

const secret = 'a-secret-of-emqx-0123';
const hour = 3_600_000;
interface Here {
  world: World;
  api: ApiPeer;
  /** Client ids of the sessions at EMQX. */
  sessions: string[];
}
const test = suite<Here>('the end of a token');

test.before.each(async (here) => {
  mock.timers.enable({ apis: ['Date'], now: new Date() });
  here.sessions = [];
  here.api = await apiPeer((method, { pathname }) => {
    if (pathname === '/api/v5/clients')
      return [200, { data: here.sessions.map((clientid) => ({ clientid, connected: true })) }];
    const id = decodeURIComponent(pathname.split('/').at(-1) ?? '');
    if (method === 'DELETE') here.sessions = here.sessions.filter((one) => one !== id);
    return [method === 'DELETE' ? 204 : 200];
  });
  here.world = await startRegistry({
    GATEBOOK_BROKER: `embedded emqx+http://key:secret@${here.api.url}`,
    GATEBOOK_HOOK_SECRET: secret,
  });
});
test.after.each(async ({ world, api }) => {
  mock.timers.reset();
  await world.stop();
  await api.stop();
});

/** A client with a password and two tokens, of one hour and of three. */
async function withTokens({ world }: Here) {
  const door = doorOf(world);
  await door.unlock();
  const { username, password } = await door.active({
    permissions: [{ context: 'mqtt', resource: 't/#', operation: 'readWrite' }],
  });
  const token = async (expireTimeInHours: number): Promise<string> =>
    (
      await door.must(201, 'POST', '/api/tokens', {
        body: { label: 'for mqtt', username, expireTimeInHours },
      })
    ).body.token;
  return { username, password, short: await token(1), long: await token(3) };
}

const atEmqx = async (
  { world, sessions }: Here,
  username: string,
  password: string,
  id: string,
) => {
  const { body } = await asks(
    world,
    'emqx/authn',
    { clientid: id, username, password, peerhost: '192.0.2.7' },
    { Authorization: `Bearer ${secret}` },
  );
  if (body.result === 'allow') sessions.push(id);
  return body.result;
};

test('its sessions end by the clock, those of others stay', async (here) => {
  const { world } = here;
  const { username, password, short, long } = await withTokens(here);
  const connect = (secret: string, clientId: string) =>
    connected(world.mqtt.port, { username, password: secret, clientId, version: 5 });
  const [ends, stays, own] = [
    await connect(short, 'short'),
    await connect(long, 'long'),
    await connect(password, 'own'),
  ];
  assert.is(await atEmqx(here, username, short, 'short'), 'allow');
  assert.is(await atEmqx(here, username, long, 'long'), 'allow');
  assert.is(await atEmqx(here, username, password, 'own'), 'allow');
  mock.timers.setTime(Date.now() + hour + 1_000);
  assert.is((await ends.take('disconnect')).reasonCode, 0x98);
  await ends.closed;
  await until(() => !here.sessions.includes('short'));
  assert.equal(here.sessions, ['long', 'own']);
  for (const client of [stays, own]) {
    assert.equal(await subscribed(client, ['t/1']), [1]);
    client.end();
  }
  assert.is((await connect(short, 'short')).code, 0x87);
});

test('one that ended while the registry was away ends at its start', async (here) => {
  const { world } = here;
  const { username, short } = await withTokens(here);
  assert.is(await atEmqx(here, username, short, 'short'), 'allow');
  await world.running.stop();
  mock.timers.setTime(Date.now() + hour + 1_000);
  assert.equal(here.sessions, ['short']);
  await world.restart();
  await until(() => here.sessions.length === 0);
});

test.run();
