/** Every limit of the embedded broker on what comes in, and what no client sends. */
import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublishPacket } from 'aedes';
import { generate } from 'mqtt-packet';
import { acknowledgeUnpublished } from '../../../../src/broker/embedded/publishing.ts';
import type { ServedConnection } from '../../../../src/broker/embedded/session.ts';
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
import { accounts, isWell, limited } from './limited.ts';
import { embeddedSuite } from './world.ts';

const test = embeddedSuite('embedded broker: limits and attacks', accounts);

test('garbage before a CONNECT is closed', async ({ world }) => {
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(64),
    Buffer.alloc(64, 0xff),
    Buffer.from([0x10, 0x00]),
    Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xf0, 0x00]),
    Buffer.from([0x82, 0x00]),
    generate({ cmd: 'pingreq' }),
    generate(publish('a', 'x')),
  ]) {
    const raw = await rawMqtt(world.port);
    raw.send(bytes);
    await raw.closed;
  }
  await isWell(world);
});

test('garbage after a CONNECT is closed', async ({ world }) => {
  for (const version of versions) {
    for (let round = 0; round < 40; round++) {
      const client = await world.connect('ada', { version });
      client.send(randomBytes(1 + round * 7));
      client.socket.end();
      await client.closed;
    }
  }
  await isWell(world);
});

test('every packet cut short or with a byte changed does no harm', async ({ world }) => {
  for (const version of versions) {
    const packets = [
      connectPacket({
        version,
        username: 'ada',
        password: 's',
        will: { topic: 'a', payload: Buffer.from('w'), qos: 1, retain: true },
      }),
      publish('a/b', 'x', { qos: 2 }),
      {
        cmd: 'subscribe' as const,
        messageId: 1,
        subscriptions: [{ topic: 'a/#', qos: 1 as const }],
      },
      { cmd: 'unsubscribe' as const, messageId: 1, unsubscriptions: ['a/#'] },
      { cmd: 'pubrel' as const, messageId: 1 },
    ];
    for (const packet of packets) {
      const bytes = generate(packet, { protocolVersion: version });
      for (let at = 0; at < bytes.length; at += 3) {
        const client = await world.connect('ada', { version, clientId: 'fuzz' });
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        client.send(at % 2 === 0 ? changed : bytes.subarray(0, at));
        client.socket.end();
        await client.closed;
      }
    }
  }
  await isWell(world);
});

test('packets that no client sends are closed', async ({ world }) => {
  for (const version of versions) {
    const client = await world.connect('ada', { version });
    client.send(connectPacket({ version, username: 'ada', password: 's' }));
    await client.closed;
    const other = await world.connect('ada', { version });
    other.send({ cmd: 'suback', messageId: 1, granted: [0] });
    await other.closed;
  }
  await isWell(world);
});

const prototypeAsked = {
  cmd: 'subscribe' as const,
  messageId: 3,
  subscriptions: ['a', '__proto__'].map((topic) => ({
    ...{ topic, qos: 0 as const },
    ...{ nl: false, rap: false, rh: 0 },
  })),
};
test('filters called like what every object has are filters like any other', async ({ world }) => {
  for (const version of versions) {
    const client = await world.connect('ada', { version });
    for (const filter of ['constructor', 'toString', 'valueOf', '__defineGetter__'])
      assert.equal(await subscribed(client, [filter]), [1]);
    client.send(publish('constructor', 'last'));
    assert.equal(await messagesUntil(client, 'last'), ['constructor last']);
    client.send({
      cmd: 'unsubscribe',
      messageId: 2,
      unsubscriptions: ['constructor', 'hasOwnProperty'],
    });
    await client.take('unsuback');
    client.send(prototypeAsked);
    await client.closed;
  }
  await isWell(world);
});

test('such a SUBSCRIBE in one piece with its CONNECT does no harm either', async ({ world }) => {
  for (const version of versions) {
    const raw = await rawMqtt(world.port, version);
    raw.send(connectPacket({ version, username: 'ada', password: 's' }), prototypeAsked);
    await raw.closed;
  }
  await isWell(world);
});

test('a packet that names a property twice is closed', async ({ world }) => {
  const twice = (property: number[]) => [property.length * 2, ...property, ...property];
  const packets = {
    // DISCONNECT with a session expiry of 60 s.
    disconnect: [0xe0, 12, 0, ...twice([0x11, 0, 0, 0, 60])],
    // PUBLISH to `a` with the topic alias 1.
    publish: [0x30, 10, 0, 1, 0x61, ...twice([0x23, 0, 1])],
    // SUBSCRIBE with the identifier 1.
    subscribe: [0x82, 11, 0, 7, ...twice([0x0b, 1]), 0, 1, 0x61, 0],
  };
  for (const bytes of Object.values(packets)) {
    const client = await world.connect('ada', {
      version: 5,
      clean: false,
      properties: { sessionExpiryInterval: 60 },
    });
    await subscribed(client, ['a']);
    client.send(Buffer.from(bytes));
    await client.closed;
  }
  const back = await world.connect('ada', { version: 5, clean: false });
  assert.ok(back.connack.sessionPresent);
  const connect = generate(
    connectPacket({
      ...{ version: 5, username: 'ada', password: 's' },
      properties: { sessionExpiryInterval: 60 },
    }),
  );
  const at = connect.indexOf(Buffer.from([5, 0x11, 0, 0, 0, 60]));
  const doubled = Buffer.concat([
    connect.subarray(0, at),
    Buffer.from(twice([0x11, 0, 0, 0, 60])),
    connect.subarray(at + 6),
  ]);
  doubled[1] = (connect[1] ?? 0) + 5;
  const raw = await rawMqtt(world.port, 5);
  raw.send(doubled);
  await raw.closed;
  assert.equal(raw.received, []);
  await isWell(world);
});

test('MQTT 5 says how large a packet may be, and why it closes', async () => {
  const world = await limited({ packetBytes: 1_000 });
  const client = await world.connect('ada', { version: 5 });
  assert.is(client.connack.properties?.maximumPacketSize, 1_000);
  client.send(publish('a', 'x'.repeat(900), { qos: 1 }));
  await client.take('puback');
  client.send(publish('a', 'x'.repeat(1_000), { qos: 1 }));
  assert.is((await client.take('disconnect')).reasonCode, 0x95);
  await client.closed;
  const old = await world.connect('ada', { version: 4 });
  old.send(publish('a', 'x'.repeat(1_000), { qos: 1 }));
  await old.closed;
  assert.equal(old.received, []);
  await isWell(world);
  await world.close();
});

test('a large packet is refused by its length, before it came', async () => {
  const world = await limited({ connectTimeoutMs: 600_000 });
  const client = await world.connect('ada');
  // PUBLISH of 256 MiB, of which hardly anything follows.
  client.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61]));
  await until(() => client.socket.destroyed);
  const stranger = await rawMqtt(world.port);
  // A CONNECT of 130 KiB.
  stranger.send(Buffer.from([0x10, 0x80, 0x90, 0x08, 0, 4]));
  await until(() => stranger.socket.destroyed);
  await isWell(world);
  await world.close();
});

test('who sends no CONNECT, or half of one, is closed', async () => {
  const world = await limited({ connectTimeoutMs: 50 });
  const silent = await rawMqtt(world.port);
  const half = await rawMqtt(world.port);
  half.send(Buffer.from([0x10, 0x20, 0, 4]));
  await silent.closed;
  await half.closed;
  const client = await world.connect('ada');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await subscribed(client, ['a']), [1]);
  await world.close();
});

test('half a CONNECT that begins late gets no more time than a whole one', async () => {
  const world = await limited({ connectTimeoutMs: 2_000 });
  const began = performance.now();
  const half = await rawMqtt(world.port);
  await sleep(1_500);
  half.send(Buffer.from([0x10, 0x20, 0, 4]));
  await half.closed;
  assert.ok(performance.now() - began < 3_000);
  await world.close();
});

test('one connection too many is closed at once, and its place is free later', async () => {
  const world = await limited({ connections: 2, connectTimeoutMs: 600_000 });
  const first = await world.connect('ada', { clientId: 'a' });
  await world.connect('ada', { clientId: 'b' });
  const third = connectTcp(world.port, '127.0.0.1').on('error', () => {});
  await until(() => third.destroyed);
  first.end();
  await until(() => world.broker.sessionCount('ada') === 1);
  await world.connect('ada', { clientId: 'c' });
  await world.close();
});

test('one subscription too many is refused', async ({ world }) => {
  const client = await world.connect('ada', { version: 5 });
  const filters = Array.from({ length: 1_000 }, (_, index) => `a/${index}`);
  assert.equal(new Set(await subscribed(client, filters)), new Set([1]));
  assert.equal(await subscribed(client, ['b', 'a/7']), [0x87, 1]);
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a/7'] });
  await client.take('unsuback');
  assert.equal(await subscribed(client, ['b', 'a/7']), [1, 0x87]);
  client.send({
    cmd: 'subscribe',
    messageId: 3,
    subscriptions: [...filters, 'c'].map((topic) => ({
      topic,
      qos: 0,
      nl: false,
      rap: false,
      rh: 0,
    })),
  });
  await client.closed;
});

test('a filter or topic that is too long or not well made is refused', async ({ world }) => {
  const client = await world.connect('ada', { version: 5 });
  assert.equal(
    await subscribed(client, ['x'.repeat(4_096), 'x'.repeat(4_097), 'a\u0000b', 'a#']),
    [1, 0x87, 0x87, 0x87],
  );
  client.send(publish('a\u0000b', 'x', { qos: 1 }));
  assert.is((await client.take('puback')).reasonCode, 0x87);
  client.send({
    cmd: 'subscribe',
    messageId: 3,
    subscriptions: [{ topic: 'a/#/b', qos: 0, nl: false, rap: false, rh: 0 }],
  });
  await client.closed;
});

test('retained messages that somebody asked for again and again end when they are gone', async ({
  world,
}) => {
  const writer = await world.connect('ada', { clientId: 'writer' });
  for (let at = 0; at < 200; at++) writer.send(publish(`kept/${at}`, 'x', { retain: true }));
  writer.send(publish('kept/end', 'x', { qos: 1, retain: true }));
  await writer.take('puback');
  const reader = await world.connect('ben', { clientId: 'asks' });
  const subscribe = generate({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: 'kept/#', qos: 0 }],
  });
  reader.send(Buffer.concat(Array.from({ length: 500 }, () => subscribe)));
  await reader.take('publish');
  reader.end();
  await until(() => world.broker.sessionCount('ben') === 0);
  // Each message that is still made ready for them takes a turn of its own.
  const { setImmediate } = globalThis;
  let turns = 0;
  globalThis.setImmediate = ((...later: Parameters<typeof setImmediate>) => {
    turns++;
    return setImmediate(...later);
  }) as typeof setImmediate;
  try {
    await isWell(world);
  } finally {
    globalThis.setImmediate = setImmediate;
  }
  assert.ok(turns < 500, `${turns} turns`);
});

test('a message to a topic of the broker is done when its publisher has room for the acknowledgement', () => {
  const waiting: (() => void)[] = [];
  const conn = { writableNeedDrain: true };
  const client = { conn, waitForDrain: (taken: () => void) => waiting.push(taken) };
  const acknowledged: number[] = [];
  const outgoing = { add: (_packet: unknown, id: number) => acknowledged.push(id) };
  let done = 0;
  const acknowledge = (messageId: number) =>
    acknowledgeUnpublished(
      { client, outgoing } as unknown as ServedConnection,
      { qos: 1, messageId } as PublishPacket,
      () => {
        done += 1;
      },
    );
  acknowledge(1);
  assert.is(done, 0);
  waiting[0]?.();
  assert.is(done, 1);
  conn.writableNeedDrain = false;
  acknowledge(2);
  assert.is(done, 2);
  assert.equal(acknowledged, [1, 2]);
});

test.run();
