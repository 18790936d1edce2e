import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import type { Packet } from 'mqtt-packet';
import { type Door, doorOf, newName } from '../../../support/door.ts';
import {
  type Connect,
  connected,
  programIsHere,
  publish,
  subscribed,
  type Version,
  versions,
} from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type PlainMosquitto, startPlainMosquitto } from './peer.ts';

const refusal = (version: Version) => (version === 5 ? 0x87 : 5);
const portOf = (url: string) => Number(new URL(url).port);
interface Here {
  world: World;
  door: Door;
  broker: PlainMosquitto | null;
  port: number;
}
const test = suite<Here>('the gateway before Mosquitto');

test.before(async (here) => {
  here.broker = programIsHere('mosquitto', '-h') ? await startPlainMosquitto() : null;
  if (here.broker === null) return;
  here.world = await startRegistry({
    GATEBOOK_GATEWAY_UPSTREAM: `mqtt://127.0.0.1:${here.broker.port}`,
    GATEBOOK_GATEWAY_PORT: '0',
  });
  here.door = doorOf(here.world);
  here.port = portOf(here.world.running.ready.gateway as string);
});
test.after(async ({ world, broker }) => {
  await world?.stop();
  await broker?.stop();
});

async function knock(port: number, options: Connect): Promise<number> {
  const client = await connected(port, { clientId: newName(), ...options });
  client.end();
  return client.code;
}

for (const version of versions)
  test(`MQTT ${version}: a refusal is a knock while locked, a request while unlocked`, async ({
    broker,
    door,
    port,
  }) => {
    if (broker === null) return;
    const username = newName('pump');
    const password = `plain password of ${version}`;
    const clientId = newName('client');
    const come = () => knock(port, { version, username, password, clientId });
    await door.lock();
    assert.is(await come(), refusal(version));
    assert.equal(await door.events(username), []);
    const [seen] = (await door.must(200, 'GET', '/api/client-registry/knocks?limit=1')).body.items;
    assert.equal(
      [seen.username, seen.flow, seen.reason, seen.source],
      [username, 'implicit', 'locked', '127.0.0.1'],
    );
    await door.unlock();
    for (let attempt = 0; attempt < 2; attempt++) assert.is(await come(), refusal(version));
    const requests = await door.requestsOf(username);
    assert.equal(
      requests.map(({ flow, kind, clientId, source, status }: Record<string, unknown>) => [
        flow,
        kind,
        clientId,
        source,
        status,
      ]),
      [['implicit', 'new', clientId, '127.0.0.1', 'pending']],
    );
    // Granted here, but not there: the broker's own answer goes to the client.
    await door.grant(requests[0].requestId);
    assert.is(await come(), refusal(version));
    await broker.add(username, password);
    const late = Date.now() + 5_000;
    let code = await come();
    while (code !== 0 && Date.now() < late) code = await come();
    assert.is(code, 0);
    assert.is(await knock(port, { version, username, password: 'wrong' }), refusal(version));
  });

test('who shows no password, or a token, is nobody and becomes no request', async ({
  broker,
  door,
  port,
}) => {
  if (broker === null) return;
  await door.unlock();
  const [bare, token] = [newName(), newName()];
  assert.is(await knock(port, {}), 5);
  assert.is(await knock(port, { username: bare }), 5);
  assert.is(await knock(port, { username: token, password: 'v4.public.x' }), 5);
  for (const name of [bare, token]) assert.equal(await door.events(name), []);
});

test('large messages pass in both directions, at the pace of a slow reader', async ({
  broker,
  port,
}) => {
  if (broker === null) return;
  await broker.add('slow', 'reader-password');
  let reader = await connected(port, {
    version: 4,
    username: 'slow',
    password: 'reader-password',
    clientId: 'reader',
  });
  for (let attempt = 0; reader.code !== 0 && attempt < 50; attempt++) {
    await sleep(50);
    reader = await connected(port, {
      version: 4,
      username: 'slow',
      password: 'reader-password',
      clientId: 'reader',
    });
  }
  assert.is(reader.code, 0);
  assert.equal(await subscribed(reader, ['big/#']), [1]);
  // The reader stops reading: what the sockets cannot hold waits at the broker.
  reader.socket.pause();
  const sender = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: 'slow',
    password: 'reader-password',
    clientId: 'sender',
    reconnectPeriod: 0,
  });
  const payload = Buffer.alloc(1_000_000, 'x');
  const count = 40;
  for (let sent = 0; sent < count; sent++)
    await sender.publishAsync(`big/${sent}`, payload, { qos: 1 });
  assert.ok(reader.socket.bytesRead < count * payload.length, 'the reader did not read all yet');
  reader.socket.resume();
  for (let received = 0; received < count; received++) {
    const packet = await reader.take('publish');
    assert.is(packet.topic, `big/${received}`);
    assert.is(packet.payload.length, payload.length);
    reader.send({ cmd: 'puback', messageId: packet.messageId as number });
  }
  await sender.endAsync();
  reader.end();
});

test('what a client says last arrives, and a broken connection is one to the broker', async ({
  broker,
  port,
}) => {
  if (broker === null) return;
  await broker.add('last', 'word-password');
  const account = { username: 'last', password: 'word-password' };
  let watcher = await connected(port, { ...account, clientId: 'watcher' });
  for (let attempt = 0; watcher.code !== 0 && attempt < 50; attempt++) {
    await sleep(50);
    watcher = await connected(port, { ...account, clientId: 'watcher' });
  }
  await subscribed(watcher, ['last/#']);
  const will = {
    topic: 'last/will',
    payload: Buffer.from('gone'),
    qos: 0 as const,
    retain: false,
  };

  const polite = await connected(port, { ...account, clientId: 'polite', will });
  polite.send(publish('last/word', 'bye'), { cmd: 'disconnect' } as Packet);
  polite.socket.end();
  assert.is((await watcher.take('publish')).topic, 'last/word');

  const broken = await connected(port, { ...account, clientId: 'broken', will });
  broken.socket.resetAndDestroy();
  assert.is((await watcher.take('publish')).topic, 'last/will');
  assert.equal(watcher.received, []);
  watcher.end();
});

test.run();
