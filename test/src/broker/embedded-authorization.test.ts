import type { IPublishPacket } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { messagesUntil, publish, subscribed, until } from '../../support/mqtt-peers.ts';
import { type Account, embeddedWorld, type World } from './embedded-world.ts';

const accounts = (): Record<string, Account> => ({
  // Sees and says everything that is no $ topic.
  boss: { password: 's', read: ['#'], write: ['#'] },
  watcher: { password: 's', read: ['#'], write: ['#'] },
  press: { password: 's', read: ['plant/+/state'], write: ['plant/press/state'] },
  nobody: { password: 's', read: [], write: [] },
  prefixed: { password: 's', read: [], write: ['line/7/#'], publishPrefix: 'line/7/' },
  operator: { password: 's', read: ['$SYS/#', '$share/#', '#'], write: ['$SYS/#'] },
});

const test = suite<{ world: World }>('embedded broker: authorization');
test.before.each(async (context) => {
  context.world = await embeddedWorld(accounts());
});
test.after.each(({ world }) => world.close());

/** What a reader of everything got until the marker that the test sends last. */
async function watched(world: World, filter = '#') {
  const watcher = await world.connect('watcher');
  assert.equal(await subscribed(watcher, [filter]), [1]);
  return async () => {
    const marker = await world.connect('watcher', { clientId: 'marker' });
    marker.send(publish('marker', 'last'));
    return (await messagesUntil(watcher, 'last')).slice(0, -1);
  };
}

test('MQTT 5: a denied publish is 0x87, the connection stays and nothing is sent', async ({
  world,
}) => {
  const seen = await watched(world);
  const press = await world.connect('press', { version: 5 });
  press.send(publish('plant/other/state', '0'));
  press.send(publish('plant/other/state', '1', { qos: 1, messageId: 7 }));
  const puback = await press.take('puback');
  assert.is(puback.messageId, 7);
  assert.is(puback.reasonCode, 0x87);
  press.send(publish('plant/other/state', '2', { qos: 2, messageId: 8 }));
  assert.is((await press.take('pubrec')).reasonCode, 0x87);
  press.send(publish('plant/press/state', 'fine', { qos: 1, messageId: 9 }));
  assert.is((await press.take('puback')).reasonCode, 0);
  assert.equal(await seen(), ['plant/press/state fine']);
});

for (const version of [3, 4] as const)
  for (const qos of [0, 1, 2] as const)
    test(`version ${version}: a denied publish of QoS ${qos} closes the connection`, async ({
      world,
    }) => {
      const seen = await watched(world);
      const press = await world.connect('press', { version });
      press.send(publish('plant/other/state', 'x', { qos, messageId: 7 }));
      await press.closed;
      assert.equal(press.received, []);
      assert.equal(await seen(), []);
    });

test('without a permission nothing is allowed', async ({ world }) => {
  const nobody = await world.connect('nobody', { version: 5 });
  assert.equal(
    await subscribed(nobody, ['a', '#', '+', 'plant/+/state']),
    [0x87, 0x87, 0x87, 0x87],
  );
  nobody.send(publish('a', 'x', { qos: 1 }));
  assert.is((await nobody.take('puback')).reasonCode, 0x87);
});

for (const [version, denied] of [
  [3, 0x80],
  [4, 0x80],
  [5, 0x87],
] as const) {
  test(`version ${version}: each filter of a SUBSCRIBE is judged by itself`, async ({ world }) => {
    const press = await world.connect('press', { version, clean: false });
    assert.equal(
      await subscribed(press, ['plant/+/state', 'plant/#', 'plant/a/state', '+/+/state', '#']),
      [1, denied, 1, denied, denied],
    );
    const boss = await world.connect('boss');
    boss.send(publish('plant/a/secret', 'x'), publish('plant/a/state', 'last'));
    assert.equal(await messagesUntil(press, 'last'), ['plant/a/state last']);
  });

  test(`version ${version}: shared subscriptions are refused`, async ({ world }) => {
    const operator = await world.connect('operator', { version });
    const [code] = await subscribed(operator, ['$share/group/plant/#']);
    assert.is(code, version === 5 ? 0x9e : denied);
  });

  test(`version ${version}: $SYS takes a permission that names it`, async ({ world }) => {
    const boss = await world.connect('boss', { version });
    assert.equal(await subscribed(boss, ['$SYS/#']), [denied]);
    const operator = await world.connect('operator', { version });
    assert.equal(await subscribed(operator, ['$SYS/#']), [1]);
    await world.connect('press');
    for (let topic = ''; !topic.endsWith('/new/clients'); ) {
      ({ topic } = await operator.take('publish'));
      assert.ok(topic.startsWith('$SYS/'));
    }
  });
}

test('clients publish to no $ topic, whatever they may', async ({ world }) => {
  const operator = await world.connect('operator', { version: 5, clientId: 'reader' });
  await subscribed(operator, ['$SYS/fake', 'marker']);
  const writer = await world.connect('operator', { version: 5, clientId: 'writer' });
  writer.send(publish('$SYS/fake', 'x', { qos: 1, retain: true }));
  assert.is((await writer.take('puback')).reasonCode, 0x87);
  // MQTT 3 can only be closed, which a client would take for a fault of the network.
  for (const version of [3, 4] as const) {
    const will = { topic: '$SYS/fake', payload: Buffer.from('w'), qos: 1, retain: true } as const;
    const dies = await world.connect('operator', { version, clientId: 'dies', will });
    dies.end();
    const old = await world.connect('operator', { version, clientId: 'old' });
    old.send(publish('$SYS/fake', 'x', { qos: 0, retain: true }));
    old.send(publish('$SYS/fake', 'x', { qos: 1, messageId: 258 }));
    assert.is((await old.take('puback')).messageId, 258);
    old.send(publish('$SYS/fake', 'x', { qos: 2, messageId: 259 }));
    assert.is((await old.take('pubrec')).messageId, 259);
    old.send({ cmd: 'pubrel', messageId: 259 });
    assert.is((await old.take('pubcomp')).messageId, 259);
    old.send({ cmd: 'disconnect' });
  }
  await until(() => !world.broker.sessions().some(({ clientId }) => clientId === 'dies'));
  const boss = await world.connect('boss');
  boss.send(publish('marker', 'last'));
  assert.equal(await messagesUntil(operator, 'last'), ['marker last']);
  const late = await world.connect('operator', { clientId: 'late' });
  await subscribed(late, ['$SYS/fake', 'marker']);
  boss.send(publish('marker', 'last'));
  assert.equal(await messagesUntil(late, 'last'), ['marker last']);
});

test('a publish prefix is put in front, then judged', async ({ world }) => {
  const seen = await watched(world);
  const prefixed = await world.connect('prefixed', { version: 5 });
  prefixed.send(publish('state', '0'), publish('a/b', '1', { qos: 1 }));
  assert.is((await prefixed.take('puback')).reasonCode, 0);
  prefixed.send(publish('line/7/a', '2', { qos: 2 }));
  assert.is((await prefixed.take('pubrec')).reasonCode, 0);
  prefixed.send(publish('$SYS/x', '3', { qos: 1 }));
  assert.is((await prefixed.take('puback')).reasonCode, 0);
  assert.equal(await seen(), [
    'line/7/state 0',
    'line/7/a/b 1',
    'line/7/line/7/a 2',
    'line/7/$SYS/x 3',
  ]);
});

test('a publish prefix goes in front of an alias once', async ({ world }) => {
  const seen = await watched(world);
  const prefixed = await world.connect('prefixed', { version: 5 });
  for (const topic of ['state', '', '']) {
    prefixed.send({
      ...publish(topic, 'x', { qos: 1 }),
      properties: { topicAlias: 3 },
    } as IPublishPacket);
    await prefixed.take('puback');
  }
  assert.equal(await seen(), ['line/7/state x', 'line/7/state x', 'line/7/state x']);
});

test('a topic that grows too long by its prefix is denied', async ({ world }) => {
  const prefixed = await world.connect('prefixed', { version: 5 });
  prefixed.send(publish('x'.repeat(4_089), '0', { qos: 1 }));
  assert.is((await prefixed.take('puback')).reasonCode, 0);
  prefixed.send(publish('x'.repeat(4_090), '0', { qos: 1 }));
  assert.is((await prefixed.take('puback')).reasonCode, 0x87);
});

for (const version of [3, 4, 5] as const) {
  test(`version ${version}: a will is prefixed and judged when it is sent`, async ({ world }) => {
    const seen = await watched(world);
    const dies = async (username: string, topic: string, before = async () => {}) => {
      const client = await world.connect(username, {
        version,
        will: { topic, payload: Buffer.from(username), qos: 1, retain: false },
      });
      await before();
      client.end();
      await gone(world, username);
    };
    await dies('press', 'plant/press/state');
    await dies('press', 'plant/other/state');
    await dies('nobody', 'a');
    await dies('prefixed', 'state');
    for (const topic of ['$SYS/x', '#', 'a/+', 'a\u0000b']) await dies('boss', topic);
    await dies('operator', '$SYS/fake');
    // Rights that were taken away since the connect, and rights that were given.
    await dies('press', 'plant/press/state', () => world.change('press', { write: ['new/#'] }));
    await dies('press', 'plant/press/state', () =>
      world.change('press', { write: ['plant/#'], publishPrefix: 'plant/9/' }),
    );
    assert.equal(await seen(), [
      'plant/press/state press',
      'line/7/state prefixed',
      'plant/9/plant/press/state press',
    ]);
  });
}

test('a will that was put off is judged when it is sent', async ({ world }) => {
  const seen = await watched(world);
  const will = {
    topic: 'plant/press/state',
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: false,
    properties: { willDelayInterval: 1, userProperties: { a: '2' } },
  };
  for (const clientId of ['a', 'b']) {
    const client = await world.connect('press', {
      version: 5,
      clientId,
      will,
      properties: { sessionExpiryInterval: 60 },
    });
    client.end();
  }
  await gone(world, 'press');
  // One comes back in time and goes in peace: its will is never sent.
  const back = await world.connect('press', {
    version: 5,
    clientId: 'a',
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  back.send({ cmd: 'disconnect', reasonCode: 0 });
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  assert.equal(await seen(), ['plant/press/state gone']);
});

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

test('texts that grow when decoded do not harm those who read them', async ({ world }) => {
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
  assert.is((await boss.take('publish')).properties, undefined);
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

/** Waits until the broker has seen the end of a user's connections. */
const gone = (world: World, username: string): Promise<void> =>
  until(() => world.broker.sessionCount(username) === 0);

test.run();
