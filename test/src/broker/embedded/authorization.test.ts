/** What a client may publish and subscribe to at the embedded broker, its will too. */
import type { IPublishPacket } from 'mqtt-packet';
import { compiled } from '../../../../domain/matching.ts';
import { authorization } from '../../../../src/broker/embedded/authorization.ts';
import { messagesUntil, publish, subscribed, until } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts, watched } from './watched.ts';
import { embeddedSuite, embeddedWorld, type World } from './world.ts';

const test = embeddedSuite('embedded broker: authorization', accounts);

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

test('acknowledgements come in the order of what they acknowledge, refused or not', async () => {
  // Nobody's time is ever over: all of it is handled in one turn.
  const world = await embeddedWorld(accounts(), { clockMs: () => 0 });
  try {
    const press = await world.connect('press', { version: 5 });
    const topics = ['plant/press/state', 'plant/other/state', '$x', 'plant/press/state', 'x'];
    press.send(...topics.map((topic, at) => publish(topic, 'x', { qos: 1, messageId: at + 1 })));
    const told: unknown[] = [];
    for (const _ of topics) {
      const { messageId, reasonCode } = await press.take('puback');
      told.push([messageId, reasonCode]);
    }
    const [fine, denied] = [0, 0x87];
    assert.equal(told, [
      [1, fine],
      [2, denied],
      [3, denied],
      [4, fine],
      [5, denied],
    ]);
  } finally {
    await world.close();
  }
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

test("who may write everything writes to none of the registry's topics", async ({ world }) => {
  const topic = 'gatebook/registry/window';
  await world.broker.publish(topic, 'the registry', { retain: true });
  const seen = await watched(world);
  const writer = await world.connect('boss', { version: 5, clientId: 'writer' });
  writer.send(publish(topic, 'forged', { qos: 0, retain: true }));
  for (const [qos, ack] of [
    [1, 'puback'],
    [2, 'pubrec'],
  ] as const)
    for (const payload of ['forged', '']) {
      writer.send(publish(topic, payload, { qos, retain: true }));
      assert.is((await writer.take(ack)).reasonCode, 0x87);
    }
  for (const [alias, said] of [
    ['gatebook/registry/checkpoint', 0x87],
    ['', 0x87],
  ] as const) {
    const properties = { topicAlias: 1 };
    writer.send({ ...publish(alias, 'forged', { qos: 1 }), properties } as IPublishPacket);
    assert.is((await writer.take('puback')).reasonCode, said);
  }
  const will = { topic, payload: Buffer.from('forged'), qos: 1, retain: true } as const;
  const dies = await world.connect('boss', { clientId: 'dies', will });
  dies.end();
  await until(() => !world.broker.sessions().some(({ clientId }) => clientId === 'dies'));
  await world.change('boss', { publishPrefix: 'gatebook/reg' });
  writer.send(publish('istry/window', 'forged', { qos: 1, retain: true }));
  assert.is((await writer.take('puback')).reasonCode, 0x87);
  for (const version of [3, 4] as const) {
    const old = await world.connect('watcher', { version, clientId: 'old' });
    old.send(publish(topic, 'forged', { qos: 1, retain: true }));
    await old.closed;
  }
  assert.equal(await seen(), [`${topic} the registry`]);
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

/** Waits until the broker has seen the end of a user's connections. */
const gone = (world: World, username: string): Promise<void> =>
  until(() => world.broker.sessionCount(username) === 0);

test('what was allowed last allows nothing else, and nothing to anybody else', () => {
  const rights = (topic: string) => ({
    permissions: compiled([{ context: 'mqtt', resource: topic, operation: 'readWrite' }]),
    publishPrefix: null,
  });
  const session = {
    ...{ ended: false, clientId: 'x', identifiers: new Map() },
    user: { rights: rights('a') },
  };
  const connection = { session, client: { version: 4 }, outgoing: { flush: () => undefined } };
  const { authorizeForward, authorizePublish } = authorization({
    connectionOf: () => connection as never,
    publish: (_connection, _packet, done) => done(),
    isRepeated: () => false,
    ...{ limits: { subscriptionsPerUser: 1, filterLevelsPerUser: 9 }, reached: () => undefined },
  });
  const allowed = (topic: string): [boolean, boolean] => {
    let isPublished = false;
    authorizePublish({ version: 4 } as never, { cmd: 'publish', topic } as never, (error) => {
      isPublished = !error;
    });
    return [isPublished, authorizeForward({} as never, { topic } as never) !== null];
  };
  for (const topic of ['a', 'a', 'b', 'a'])
    assert.equal(allowed(topic), [topic === 'a', topic === 'a']);
  session.user.rights = rights('b');
  for (const topic of ['a', 'b', 'a', 'b'])
    assert.equal(allowed(topic), [topic === 'b', topic === 'b']);
});

test.run();
