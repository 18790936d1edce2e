import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import {
  connectPacket,
  messagesUntil,
  publish,
  rawMqtt,
  subscribed,
  until,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { embeddedSuite, embeddedWorld } from './world.ts';

const accounts = () => ({
  ada: { password: 'secret-1', read: ['plant/#'], write: ['plant/#'] },
  auditor: { password: 'secret-2', read: ['$SYS/#', 'plant/#'], write: [] },
});
const test = embeddedSuite('embedded broker: quiet connections', accounts);
const login = { clientId: 'ada', username: 'ada', password: 'secret-1' };
const will = { topic: 'plant/gone', payload: Buffer.from(''), qos: 0 as const, retain: false };
/** More than aedes lets wait for a CONNACK. */
const many = Array.from({ length: 100 }, (_, index) => index + 1);

for (const version of versions) {
  test(`version ${version}: a quiet connection is answered as any other`, async ({ world }) => {
    const quiet = await world.connect('ada', { version, keepalive: 60 });
    const other = await world.connect('ada', { version, keepalive: 60, clientId: 'other', will });
    assert.is(quiet.code, 0);
    assert.equal(quiet.connack, other.connack);
    const refused = await world.connect('ada', { version, password: 'wrong' });
    const refusedToo = await world.connect('ada', { version, password: 'wrong', will });
    assert.equal(refused.connack, refusedToo.connack);
    assert.is.not(refused.code, 0);
    await refused.closed;
  });

  test(`version ${version}: it is one as long as it only pings, and then any other`, async ({
    world,
  }) => {
    const quiet = await world.connect('ada', { version });
    for (let ping = 0; ping < 3; ping++) {
      quiet.send({ cmd: 'pingreq' });
      await quiet.take('pingresp');
    }
    const listed = world.broker.sessions();
    assert.equal(await subscribed(quiet, ['plant/#']), [1]);
    assert.equal(world.broker.sessions(), listed);
    quiet.send({ cmd: 'pingreq' });
    await quiet.take('pingresp');
    quiet.send(publish('plant/a', 'to itself'));
    assert.is(String((await quiet.take('publish')).payload), 'to itself');
    quiet.send({ cmd: 'disconnect', reasonCode: 0 });
    await quiet.closed;
    await until(() => world.broker.sessions().length === 0);
  });

  test(`version ${version}: all that comes at once after the CONNACK is handled in its order`, async ({
    world,
  }) => {
    const reader = await world.connect('auditor', { version });
    await subscribed(reader, ['plant/#']);
    const quiet = await world.connect('ada', { version });
    quiet.send(...many.map((id) => publish('plant/a', `${id}`, { qos: 1, messageId: id })));
    const acknowledged: unknown[] = [];
    for (const _ of many) acknowledged.push((await quiet.take('puback')).messageId);
    assert.equal(acknowledged, many);
    assert.equal(
      await messagesUntil(reader, '100'),
      many.map((id) => `plant/a ${id}`),
    );
  });

  test(`version ${version}: what comes while its CONNECT is judged is handled after it`, async ({
    world,
  }) => {
    const judged = Promise.withResolvers<void>();
    world.gate.pass = () => judged.promise;
    const raw = await rawMqtt(world.port, version);
    raw.send(connectPacket({ version, ...login }));
    await until(() => world.attempts.length === 1);
    for (const messageId of [1, 2, 3]) {
      raw.send(publish('plant/a', 'early', { qos: 1, messageId }));
      await sleep(10);
    }
    assert.equal(raw.received, []);
    judged.resolve();
    await raw.take('connack');
    for (const messageId of [1, 2, 3]) assert.is((await raw.take('puback')).messageId, messageId);
    raw.end();
  });

  test(`version ${version}: a CONNECT in pieces is one`, async ({ world }) => {
    const raw = await rawMqtt(world.port, version);
    const bytes = generate(connectPacket({ version, ...login }), { protocolVersion: version });
    for (let at = 0; at < bytes.length; at += 9) {
      raw.send(bytes.subarray(at, at + 9));
      await sleep(3);
    }
    const { returnCode, reasonCode } = await raw.take('connack');
    assert.is(returnCode ?? reasonCode, 0);
    raw.end();
  });

  test(`version ${version}: who takes over its client id ends it`, async ({ world }) => {
    const quiet = await world.connect('ada', { version });
    const second = await world.connect('ada', { version });
    await quiet.closed;
    if (version === 5) assert.is((await quiet.take('disconnect')).reasonCode, 0x8e);
    assert.is(world.broker.sessions().length, 1);
    assert.equal(await subscribed(second, ['plant/a']), [1]);
  });

  test(`version ${version}: it may be taken over while it begins to speak`, async ({ world }) => {
    const own = await world.connect('ada', { version });
    for (let turn = 0; turn < 20; turn++) {
      const raw = await rawMqtt(world.port, version);
      raw.send(connectPacket({ version, ...login }));
      await raw.take('connack');
      raw.send(publish('plant/a', 'x'));
    }
    await own.closed;
    await until(() => world.broker.sessions().length === 1);
    await world.change('ada', { write: [] });
    assert.is(await world.broker.endSessions('ada'), 1);
    assert.is(world.broker.connectionCount(), 0);
  });

  test(`version ${version}: it is ended with its user's sessions`, async ({ world }) => {
    const quiet = await world.connect('ada', { version });
    assert.is(await world.broker.endSessions('ada', { reason: 'revoked' }), 1);
    await quiet.closed;
    if (version < 5) return;
    const { reasonCode, properties } = await quiet.take('disconnect');
    assert.equal([reasonCode, properties?.reasonString], [0x98, 'revoked']);
  });

  test(`version ${version}: its first packet is judged by the rights of then`, async ({
    world,
  }) => {
    const quiet = await world.connect('ada', { version });
    await world.change('ada', { write: ['plant/b'] });
    quiet.send(publish('plant/a', 'denied', { qos: 1 }));
    // MQTT 3 can refuse a message only by closing the connection.
    if (version < 5) await quiet.closed;
    else assert.is((await quiet.take('puback')).reasonCode, 0x87);
  });
}

test('who promised to be heard of and is not is closed', async ({ world }) => {
  const quiet = await world.connect('ada', { keepalive: 1 });
  await quiet.closed;
  await until(() => world.broker.sessions().length === 0);
});

test('that it came and went is told once', async ({ world }) => {
  const reader = await world.connect('auditor');
  await subscribed(reader, ['$SYS/+/new/clients', '$SYS/+/disconnect/clients'], { qos: 0 });
  const told = async () => {
    const { topic, payload } = await reader.take('publish');
    return `${topic.split('/')[2]} ${payload}`;
  };
  const quiet = await world.connect('ada', { clientId: 'one' });
  assert.is(await told(), 'new one');
  quiet.send({ cmd: 'disconnect' });
  assert.is(await told(), 'disconnect one');
  const speaking = await world.connect('ada', { clientId: 'two' });
  await subscribed(speaking, ['plant/a']);
  speaking.send({ cmd: 'disconnect' });
  assert.is(await told(), 'new two');
  assert.is(await told(), 'disconnect two');
});

test('what it says last is handled, though it has left before its turn comes', async () => {
  let asked = 0;
  const world = await embeddedWorld(accounts(), {
    limits: { turnMs: 2 },
    clockMs: () => ++asked,
  });
  const reader = await world.connect('auditor');
  await subscribed(reader, ['plant/#']);
  for (let turn = 0; turn < 20; turn++) {
    const quiet = await world.connect('ada', turn % 2 === 0 ? {} : { will });
    const words = many.slice(0, 5).map((id) => generate(publish('plant/a', `${id}`)));
    quiet.socket.end(Buffer.concat([...words, generate({ cmd: 'disconnect' })]));
    assert.is((await messagesUntil(reader, '5')).length, 5);
    await quiet.closed;
    await until(() => world.broker.sessionCount('ada') === 0);
  }
  // Whoever said DISCONNECT has no will.
  assert.equal(reader.received, []);
  await world.close();
});

test('a broker that ends has told of it', async () => {
  const seen: string[] = [];
  const world = await embeddedWorld(accounts(), {
    onSeen: ({ username }, how) => seen.push(`${username} ${how}`),
  });
  const quiet = await world.connect('ada');
  await world.close();
  await quiet.closed;
  assert.equal(seen, ['ada opened', 'ada closed']);
});

test.run();
