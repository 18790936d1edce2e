/** Sessions that outlive their connection: what they get, how many there are, and when they end. */

import {
  messagesUntil,
  publish,
  subscribed,
  until,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts, stored, will } from './press.ts';
import { embeddedSuite, embeddedWorld } from './world.ts';

const test = embeddedSuite('embedded broker: stored sessions', accounts);

for (const version of versions) {
  test(`version ${version}: a stored session gets what came while it was away`, async ({
    world,
  }) => {
    await stored(world, 'absent', { version });
    const boss = await world.connect('boss');
    boss.send(publish('plant/a', 'lost', { qos: 0 }));
    for (const [count, qos] of [1, 2, 1].entries()) {
      boss.send(publish('plant/a', `kept ${count}`, { qos: qos as 1 | 2, messageId: count + 1 }));
      await boss.take(qos === 1 ? 'puback' : 'pubrec');
    }
    // MQTT 5 says no expiry here: this time the session ends with its connection.
    const back = await world.connect('press', { version, clientId: 'absent', clean: false });
    assert.is(back.connack.sessionPresent, true);
    const got: string[] = [];
    for (let count = 0; count < 3; count++) {
      const packet = await back.take('publish');
      // The subscription's QoS is 1, whatever was published.
      assert.is(packet.qos, 1);
      got.push(packet.payload.toString());
      back.send({ cmd: 'puback', messageId: packet.messageId as number });
    }
    assert.equal(got, ['kept 0', 'kept 1', 'kept 2']);
    back.send({ cmd: 'disconnect' });
    await back.closed;
    const third = await world.connect('press', { version, clientId: 'absent', clean: false });
    assert.is(third.connack.sessionPresent, version !== 5);
    boss.send(publish('marker', 'last'));
    if (version !== 5) assert.equal(await messagesUntil(third, 'last'), ['marker last']);
  });
}

test('a session that may be stored gets no more than the QoS of its subscription', async ({
  world,
}) => {
  const press = await world.connect('press', { clean: false });
  await subscribed(press, ['plant/#']);
  const boss = await world.connect('boss');
  boss.send(publish('plant/a', 'x', { qos: 2 }));
  assert.is((await press.take('publish')).qos, 1);
});

test('a filter that was denied takes no messages for an absent session', async ({ world }) => {
  world.accounts.press = { password: 's', read: ['plant/+', 'marker'], write: [] };
  const press = await world.connect('press', { clean: false });
  assert.equal(await subscribed(press, ['marker', 'plant/#', 'marker']), [1, 0x80]);
  press.end();
  await until(() => world.broker.sessionCount('press') === 0);
  const boss = await world.connect('boss');
  boss.send(publish('plant/a', 'x', { qos: 1 }), publish('marker', 'last', { qos: 1 }));
  const back = await world.connect('press', { clean: false });
  assert.equal(await messagesUntil(back, 'last'), ['marker last']);
});

test('no local holds for what waits, too', async ({ world }) => {
  const properties = { sessionExpiryInterval: 60 };
  const press = await world.connect('press', { version: 5, clean: false, properties, will });
  const subscriptions = [{ topic: 'plant/#', qos: 1 as const, nl: true, rap: false, rh: 0 }];
  press.send({ cmd: 'subscribe', messageId: 1, subscriptions });
  await press.take('suback');
  press.send(publish('plant/a', 'own', { qos: 1 }));
  await press.take('puback');
  press.end();
  await until(() => world.broker.sessionCount('press') === 0);
  const boss = await world.connect('boss');
  boss.send(publish('plant/a', 'last', { qos: 1 }));
  const back = await world.connect('press', { version: 5, clean: false, properties });
  assert.equal(await messagesUntil(back, 'last'), ['plant/a last']);
});

test('a topic that no stored session read is kept for one that reads it since', async ({
  world,
}) => {
  const boss = await world.connect('boss');
  const publishTwice = async (payload: string) => {
    for (const messageId of [1, 2]) {
      boss.send(publish('plant/a', `${payload} ${messageId}`, { qos: 1, messageId }));
      await boss.take('puback');
    }
  };
  await publishTwice('lost');
  await stored(world, 'absent');
  await publishTwice('kept');
  const back = await world.connect('press', { clientId: 'absent', clean: false });
  assert.equal(await messagesUntil(back, 'kept 2'), ['plant/a kept 1', 'plant/a kept 2']);
});

test('what was not acknowledged comes again, marked as a repetition', async ({ world }) => {
  const press = await world.connect('press', { clean: false });
  await subscribed(press, ['plant/#']);
  const boss = await world.connect('boss');
  boss.send(publish('plant/a', 'x', { qos: 1 }));
  assert.not.ok((await press.take('publish')).dup);
  press.end();
  const back = await world.connect('press', { clean: false });
  const again = await back.take('publish');
  assert.is(again.payload.toString(), 'x');
  assert.ok(again.dup);
});

test('QoS 2 to a stored session goes on where it stopped', async ({ world }) => {
  const press = await world.connect('press', { clean: false });
  await subscribed(press, ['plant/#'], { qos: 2 });
  const boss = await world.connect('boss');
  boss.send(publish('plant/a', 'x', { qos: 2 }));
  const { messageId = 0 } = await press.take('publish');
  press.send({ cmd: 'pubrec', messageId });
  assert.is((await press.take('pubrel')).messageId, messageId);
  press.end();
  const back = await world.connect('press', { clean: false });
  assert.is((await back.take('pubrel')).messageId, messageId);
  back.send({ cmd: 'pubcomp', messageId });
  assert.equal(await subscribed(back, ['marker']), [1]);
  back.send({ cmd: 'disconnect' });
  await back.closed;
  const third = await world.connect('press', { clean: false });
  assert.equal(await subscribed(third, ['marker']), [1]);
  assert.equal(third.received, []);
});

test('a QoS 2 message that is repeated is published once', async ({ world }) => {
  const boss = await world.connect('boss');
  await subscribed(boss, ['plant/#', 'marker']);
  const press = await world.connect('press');
  for (let round = 0; round < 3; round++) {
    press.send(publish('plant/a', 'x', { qos: 2, messageId: 5 }));
    assert.is((await press.take('pubrec')).messageId, 5);
  }
  press.send({ cmd: 'pubrel', messageId: 5 });
  await press.take('pubcomp');
  press.send(publish('plant/a', 'last', { qos: 2, messageId: 5 }));
  assert.equal(await messagesUntil(boss, 'last'), ['plant/a x', 'plant/a last']);
});

for (const version of versions)
  test(`version ${version}: a session without subscriptions is present, and goes on with what it sent`, async ({
    world,
  }) => {
    const boss = await world.connect('boss');
    await subscribed(boss, ['plant/#'], { qos: 2 });
    const again = async (clean = false) =>
      await world.connect('press', {
        ...{ version, clientId: 'writer', clean },
        ...(version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
      });
    const gone = async (press: { end(): void }) => {
      press.end();
      await until(() => world.broker.sessionCount('press') === 0);
    };
    const first = await again();
    assert.is(first.connack.sessionPresent, false);
    first.send(publish('plant/a', 'first', { qos: 2, messageId: 5 }));
    await first.take('pubrec');
    await gone(first);
    const second = await again();
    assert.is(second.connack.sessionPresent, true);
    second.send({ cmd: 'pubrel', messageId: 5 });
    await second.take('pubcomp');
    second.send(publish('plant/a', 'second', { qos: 2, messageId: 5 }));
    assert.equal(await messagesUntil(boss, 'second'), ['plant/a first', 'plant/a second']);
    // One that it has no more is none.
    await subscribed(second, ['plant/b']);
    second.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['plant/b'] });
    await second.take('unsuback');
    await gone(second);
    const third = await again();
    assert.is(third.connack.sessionPresent, true);
    await gone(third);
    const fourth = await again(true);
    assert.is(fourth.connack.sessionPresent, false);
    fourth.send(publish('plant/a', 'third', { qos: 2, messageId: 5 }));
    assert.equal(await messagesUntil(boss, 'third'), ['plant/a third']);
  });

test('MQTT 5: a session expires when its time is over, and its client id is free', async ({
  world,
}) => {
  const client = await world.connect('press', {
    version: 5,
    clientId: 'press-7',
    properties: { sessionExpiryInterval: 1 },
  });
  await subscribed(client, ['plant/#']);
  client.end();
  await until(() => world.broker.sessionCount('press') === 0);
  assert.is((await world.connect('boss', { clientId: 'press-7' })).code, 2);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert.is((await world.connect('boss', { clientId: 'press-7' })).code, 0);
});

test('a session for ever ends after the time that is kept, also of MQTT 3', async () => {
  const world = await embeddedWorld(accounts(), { limits: { storedSessionSeconds: 1 } });
  await stored(world, 'old');
  const client = await world.connect('press', {
    version: 5,
    properties: { sessionExpiryInterval: 0xffffffff },
  });
  assert.is(client.connack.properties?.sessionExpiryInterval, 1);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert.is((await world.connect('boss', { clientId: 'old' })).code, 0);
  await world.close();
});

test('of a user only so many sessions are stored: the oldest ends, with its will', async () => {
  const world = await embeddedWorld(accounts(), { limits: { storedPerUser: 2 } });
  const boss = await world.connect('boss', { clientId: 'reader' });
  await subscribed(boss, ['plant/will']);
  await stored(world, 'a', {
    version: 5,
    will: { ...will, properties: { willDelayInterval: 500 } },
    properties: { sessionExpiryInterval: 600 },
  });
  await stored(world, 'b');
  await stored(world, 'c');
  assert.is((await boss.take('publish')).payload.toString(), 'gone');
  assert.is((await world.connect('boss', { clientId: 'a' })).code, 0);
  assert.is((await world.connect('boss', { clientId: 'b' })).code, 2);
  assert.is((await world.connect('boss', { clientId: 'c' })).code, 2);
  await world.close();
});

test('in all only so many sessions are stored: the newest is not', async () => {
  const world = await embeddedWorld(accounts(), { limits: { stored: 2 } });
  for (const clientId of ['a', 'b', 'c']) await stored(world, clientId);
  assert.is((await world.connect('boss', { clientId: 'a' })).code, 2);
  assert.is((await world.connect('boss', { clientId: 'c' })).code, 0);
  // One that comes back makes room.
  await world.connect('press', { clientId: 'a', clean: false });
  await stored(world, 'd');
  assert.is((await world.connect('boss', { clientId: 'd' })).code, 2);
  await world.close();
});

test('a clean start forgets what was stored', async ({ world }) => {
  for (const version of versions) {
    await stored(world, 'absent', { version });
    const boss = await world.connect('boss');
    boss.send(publish('plant/a', 'queued', { qos: 1 }));
    await boss.take('puback');
    const fresh = await world.connect('press', { version, clientId: 'absent' });
    assert.not.ok(fresh.connack.sessionPresent);
    await subscribed(fresh, ['marker']);
    boss.send(publish('plant/a', 'live', { qos: 1 }), publish('marker', 'last'));
    assert.equal(await messagesUntil(fresh, 'last'), ['marker last']);
    fresh.end();
    await until(() => world.broker.sessionCount('press') === 0);
  }
});

test('close ends everything and may be called twice', async () => {
  const world = await embeddedWorld(accounts());
  const client = await world.connect('press', { version: 5 });
  await stored(world, 'absent');
  await Promise.all([world.broker.close(), world.broker.close()]);
  assert.is((await client.take('disconnect')).reasonCode, 0x8b);
  await client.closed;
  assert.equal(world.broker.sessions(), []);
  await assertRejects(() => world.connect('press'));
});

async function assertRejects(attempt: () => Promise<unknown>): Promise<void> {
  await attempt().then(
    () => assert.unreachable('it should have been refused'),
    () => {},
  );
}

test.run();
