/** What reaches those who subscribed at the embedded broker, and with which properties. */
import type { IPublishPacket } from 'mqtt-packet';
import { messagesUntil, publish, subscribed } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts } from './watched.ts';
import { embeddedSuite } from './world.ts';

const test = embeddedSuite('embedded broker: forwarding', accounts);

test('a retained message reaches only those who may read it', async ({ world }) => {
  const boss = await world.connect('boss');
  boss.send(
    publish('plant/press/state', 'kept', { retain: true, qos: 1 }),
    publish('plant/press/secret', 'kept', { retain: true, qos: 1 }),
  );
  await boss.take('puback');
  await boss.take('puback');
  const press = await world.connect('press');
  assert.equal(
    await subscribed(press, ['plant/#', 'plant/press/secret', 'plant/+/state']),
    [0x80, 0x80, 1],
  );
  boss.send(publish('plant/press/state', 'last'));
  assert.equal(await messagesUntil(press, 'last'), [
    'plant/press/state kept',
    'plant/press/state last',
  ]);
});

test('a message comes with no more QoS than the subscription that it comes by, the one with most of several', async ({
  world,
}) => {
  const boss = await world.connect('boss');
  const one = await world.connect('boss', { clientId: 'one' });
  const several = await world.connect('boss', { clientId: 'several' });
  await subscribed(one, ['plant/#'], { qos: 1 });
  await subscribed(several, ['plant/a'], { qos: 0 });
  await subscribed(several, ['plant/+'], { qos: 2, messageId: 2 });
  boss.send(publish('plant/a', 'x', { qos: 2 }));
  assert.is((await one.take('publish')).qos, 1);
  assert.is((await several.take('publish')).qos, 2);
});

test('a message is forwarded by the rights of that moment', async ({ world }) => {
  world.accounts.press = { password: 's', read: ['plant/#', 'marker'], write: [] };
  const press = await world.connect('press', { clean: false });
  await subscribed(press, ['plant/#', 'marker']);
  const boss = await world.connect('boss');
  boss.send(publish('plant/secret', '1', { qos: 1 }));
  assert.is((await press.take('publish')).payload.toString(), '1');
  press.send({ cmd: 'disconnect' });
  await press.closed;
  boss.send(publish('plant/secret', '2', { qos: 1 }), publish('marker', '3', { qos: 1 }));
  await boss.take('puback');
  await boss.take('puback');
  await world.change('press', { read: ['plant/open', 'marker'] });
  boss.send(publish('plant/secret', '4', { qos: 1 }));
  await boss.take('puback');
  const back = await world.connect('press', { clean: false });
  assert.ok(back.connack.sessionPresent);
  boss.send(publish('plant/secret', '5', { qos: 1 }), publish('marker', 'last', { qos: 1 }));
  assert.equal(await messagesUntil(back, 'last'), ['marker 3', 'marker last']);
});

test('a queue that may no longer be read does not hold the client up', async ({ world }) => {
  world.accounts.press = { password: 's', read: ['plant/#', 'marker'], write: [] };
  const press = await world.connect('press', { clean: false });
  await subscribed(press, ['plant/#', 'marker']);
  press.send({ cmd: 'disconnect' });
  await press.closed;
  const boss = await world.connect('boss');
  for (let count = 0; count < 100; count++) {
    boss.send(publish(`plant/${count}`, 'x', { qos: 1, messageId: count + 1 }));
    await boss.take('puback');
  }
  await world.change('press', { read: ['marker'] });
  const back = await world.connect('press', { clean: false });
  assert.equal(await subscribed(back, ['marker']), [1]);
  boss.send(publish('marker', 'last'));
  assert.equal(await messagesUntil(back, 'last'), ['marker last']);
});

test('the registry publishes what permissions let through', async ({ world }) => {
  const press = await world.connect('press');
  await subscribed(press, ['plant/+/state']);
  await world.broker.publish('gatebook/registry/window', '{}', { retain: true });
  await world.broker.publish('plant/press/state', 'last', { retain: true });
  assert.equal(await messagesUntil(press, 'last'), ['plant/press/state last']);
  const boss = await world.connect('boss');
  await subscribed(boss, ['gatebook/#']);
  assert.is((await boss.take('publish')).payload.toString(), '{}');
});

test('a message with too many user properties is refused', async ({ world }) => {
  const boss = await world.connect('boss', { version: 5 });
  const named = (count: number) => ({
    userProperties: {
      same: Array(200).fill('x'),
      ...Object.fromEntries([...Array(count).keys()].map((n) => [`n${n}`, ''])),
    },
  });
  for (const [count, reasonCode] of [
    [56, 0],
    [57, 0x87],
  ] as const) {
    boss.send({
      ...publish('plant/many', 'x', { qos: 1 }),
      properties: named(count),
    } as IPublishPacket);
    assert.is((await boss.take('puback')).reasonCode, reasonCode);
  }
});

test('a message that a later one overtakes is sent all the same, once', async ({ world }) => {
  const reader = await world.connect('operator', { clientId: 'reader' });
  assert.equal(await subscribed(reader, ['#', 'a/#', '$SYS/#', 'marker']), [1, 1, 1, 1]);
  const writer = await world.connect('boss', { version: 5 });
  // In one piece: what is retained is stored before it is sent on, and the next one is not.
  writer.send(
    publish('a/1', '1', { qos: 2, messageId: 1, retain: true }),
    publish('a/2', '2', { qos: 2, messageId: 2 }),
    publish('a/3', '3', { qos: 2, messageId: 3, retain: true }),
    publish('a/4', '4', { qos: 2, messageId: 4 }),
  );
  for (let count = 0; count < 4; count++) await writer.take('pubrec');
  writer.send(publish('marker', 'last', { qos: 1, messageId: 5 }));
  const got = (await messagesUntil(reader, 'last')).filter((text) => !text.startsWith('$SYS'));
  assert.equal(got.sort(), ['a/1 1', 'a/2 2', 'a/3 3', 'a/4 4', 'marker last']);
});

for (const version of [3, 4, 5] as const)
  test(`version ${version}: who reads # and $SYS/# gets wills, too`, async ({ world }) => {
    const reader = await world.connect('operator', { version, clientId: 'reader' });
    assert.equal(await subscribed(reader, ['#', '$SYS/#']), [1, 1]);
    const will = { topic: 'a/will', payload: Buffer.from('last'), qos: 1, retain: true } as const;
    const dies = await world.connect('boss', { version, will });
    dies.end();
    const got = (await messagesUntil(reader, 'last')).filter((text) => !text.startsWith('$SYS'));
    assert.equal(got, ['a/will last']);
  });

test('properties of a publish are passed on, those of the connection are not', async ({
  world,
}) => {
  const boss = await world.connect('boss', { version: 5 });
  await subscribed(boss, ['plant/#']);
  const press = await world.connect('press', { version: 5 });
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'plant/answer',
    correlationData: Buffer.from('c'),
    userProperties: { a: '1', b: ['2', '3'] },
  };
  press.send({
    ...publish('plant/press/state', 'x', { qos: 1 }),
    properties: { ...properties, topicAlias: 2, subscriptionIdentifier: 9 },
  } as IPublishPacket);
  const packet = await boss.take('publish');
  assert.equal(
    JSON.parse(JSON.stringify(packet.properties)),
    JSON.parse(JSON.stringify(properties)),
  );
});

test('a property that is no UTF-8, and would grow when decoded, closes, and nobody is sent it', async ({
  world,
}) => {
  const boss = await world.connect('boss', { version: 5 });
  await subscribed(boss, ['plant/#', 'marker']);
  const press = await world.connect('press', { version: 5 });
  // 40,000 bytes that are no UTF-8: three times as many when written again.
  const garbage = Buffer.alloc(40_000, 0xff);
  const topic = Buffer.from('plant/press/state');
  const short = (length: number) => Buffer.from([length >> 8, length & 0xff]);
  const properties = Buffer.concat([Buffer.from([3]), short(garbage.length), garbage]);
  const varint = (value: number) =>
    Buffer.from([(value & 0x7f) | 0x80, ((value >> 7) & 0x7f) | 0x80, value >> 14]);
  const body = Buffer.concat([short(topic.length), topic, varint(properties.length), properties]);
  press.send(Buffer.concat([Buffer.from([0x30]), varint(body.length), body]));
  await press.closed;
  boss.send(publish('marker', 'last'));
  assert.is((await boss.take('publish')).topic, 'marker');
});

test('a subscriber is sent no packet that is larger than it takes', async ({ world }) => {
  const small = await world.connect('boss', { version: 5, properties: { maximumPacketSize: 64 } });
  await subscribed(small, ['#']);
  const boss = await world.connect('boss', { clientId: 'writer' });
  boss.send(publish('a', 'x'.repeat(64)), publish('a', 'last'));
  assert.equal(await messagesUntil(small, 'last'), ['a last']);
});

test('one copy of a message names every subscription that matched', async ({ world }) => {
  const boss = await world.connect('boss', { version: 5 });
  for (const [topic, subscriptionIdentifier] of [
    ['a/+', 2],
    ['a/b', 3],
    ['b/#', 4],
  ] as const) {
    boss.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic, qos: 0, nl: false, rap: false, rh: 0 }],
      properties: { subscriptionIdentifier },
    });
    await boss.take('suback');
  }
  boss.send(publish('a/b', 'x'));
  const identifiers = (await boss.take('publish')).properties?.subscriptionIdentifier;
  assert.equal(identifiers, [2, 3]);
});

test.run();
