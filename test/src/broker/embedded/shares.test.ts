/** What one user may hold at the embedded broker, so that nothing of the others is lost or kept out. */

import type { EmbeddedLimits } from '../../../../src/broker/embedded/broker.ts';
import { messagesUntil, publish, subscribed, until } from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';
import { accounts, isWell } from './limited.ts';
import { embeddedWorld, type World } from './world.ts';

const test = suite('embedded broker: shares of users');

interface Told {
  readonly world: World;
  readonly reached: string[];
}
async function limited(limits: Partial<EmbeddedLimits>): Promise<Told> {
  const reached: string[] = [];
  const onLimit = (limit: string) => reached.push(limit);
  return { reached, world: await embeddedWorld(accounts(), { limits, onLimit }) };
}

async function absent(world: World, username: string, clientId: string): Promise<void> {
  const client = await world.connect(username, { clientId, clean: false });
  await subscribed(client, ['q/#']);
  client.end();
  await until(() => world.broker.sessionCount(username) === 0);
}

async function sent(world: World, topic: string, payloads: readonly string[], retain = false) {
  const writer = await world.connect('ada', { clientId: 'writer' });
  for (const payload of payloads) {
    writer.send(publish(topic, payload, { qos: 1, retain }));
    await writer.take('puback');
  }
  writer.end();
  await until(() => world.broker.sessionCount('ada') === 0);
}

async function owed(world: World, username: string, clientId: string): Promise<string[]> {
  const reader = await world.connect(username, { clientId, clean: false });
  const writer = await world.connect('ada', { clientId: 'ender' });
  writer.send(publish('q/end', 'last'));
  const messages = await messagesUntil(reader, 'last');
  reader.end();
  writer.end();
  await until(() => world.broker.sessionCount(username) === 0);
  return messages.map((text) => text.slice(4, 5)).slice(0, -1);
}

test("one user's absent sessions fill their own share of the queues, and lose nobody else's", async () => {
  const { world, reached } = await limited({ queuedBytesPerUser: 3_000, queuedBytesTotal: 9_000 });
  for (const clientId of ['a', 'b', 'c', 'd']) await absent(world, 'ben', clientId);
  await absent(world, 'ada', 'own');
  await sent(world, 'q/a', [`1${'x'.repeat(1_000)}`, `2${'x'.repeat(1_000)}`]);
  assert.equal(await owed(world, 'ada', 'own'), ['1', '2']);
  assert.equal(await owed(world, 'ben', 'a'), ['1']);
  assert.equal(new Set(reached), new Set(['queue-per-user']));
  // What was delivered takes no room any more.
  await sent(world, 'q/a', ['3']);
  assert.equal(await owed(world, 'ben', 'a'), ['3']);
  await world.close();
});

test("one user's retained messages fill their own share, by number and by bytes", async () => {
  for (const limits of [{ retainedMessagesPerUser: 2 }, { retainedBytesPerUser: 700 }]) {
    const { world, reached } = await limited(limits);
    for (const at of [1, 2, 3]) await sent(world, `r/${at}`, ['x'], true);
    const other = await world.connect('ben');
    other.send(publish('r/4', 'x', { qos: 1, retain: true }));
    await other.take('puback');
    await subscribed(other, ['r/#', 'q']);
    const kept: string[] = [];
    while (kept.length < 3) kept.push((await other.take('publish')).topic);
    assert.equal(kept.sort(), ['r/1', 'r/2', 'r/4']);
    other.send(publish('q', 'last'));
    assert.equal(await messagesUntil(other, 'last'), ['q last']);
    assert.equal(reached, ['retained-per-user']);
    // What is cleared takes no room any more, whoever clears it.
    other.send(publish('r/1', '', { qos: 1, retain: true }));
    await other.take('puback');
    await sent(world, 'r/3', ['x'], true);
    const late = await world.connect('ben', { clientId: 'late' });
    await subscribed(late, ['r/3']);
    assert.is((await late.take('publish')).topic, 'r/3');
    await world.close();
  }
});

for (const version of [4, 5] as const)
  test(`version ${version}: a user has so many live sessions`, async () => {
    const { world, reached } = await limited({ sessionsPerUser: 2 });
    for (const clientId of ['a', 'b', 'b']) await world.connect('ada', { version, clientId });
    const refused = await world.connect('ada', { version, clientId: 'c' });
    assert.is(refused.code, version === 5 ? 0x88 : 3);
    await refused.closed;
    assert.equal(reached, ['sessions-per-user']);
    assert.is(world.outcomes.at(-1), 'refused');
    assert.is((await world.connect('ben', { version })).code, 0);
    await world.close();
  });

for (const version of [4, 5] as const)
  test(`version ${version}: a session holds so many messages of QoS 2 that it has not released`, async () => {
    const { world, reached } = await limited({ receivedIds: 3 });
    const client = await world.connect('ada', { version });
    const send = (messageId: number) => client.send(publish('a', 'x', { qos: 2, messageId }));
    for (const messageId of [1, 2, 3, 3]) {
      send(messageId);
      await client.take('pubrec');
    }
    client.send({ cmd: 'pubrel', messageId: 2 });
    await client.take('pubcomp');
    send(4);
    await client.take('pubrec');
    assert.equal(reached, []);
    send(5);
    await client.closed;
    assert.equal(reached, ['received-per-session']);
    await isWell(world);
    await world.close();
  });

test('the sessions of a user have so many subscriptions together', async () => {
  const { world, reached } = await limited({ subscriptionsPerUser: 3 });
  const [one, two] = [
    await world.connect('ada', { version: 5, clientId: 'one', clean: false }),
    await world.connect('ada', { version: 5, clientId: 'two' }),
  ];
  assert.equal(await subscribed(one, ['a', 'b']), [1, 1]);
  assert.equal(await subscribed(two, ['a', 'b', 'a']), [1, 0x87]);
  assert.equal(reached, ['subscriptions-per-user']);
  const other = await world.connect('ben', { version: 5 });
  assert.equal(await subscribed(other, ['a']), [1]);
  one.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a'] });
  await one.take('unsuback');
  assert.equal(await subscribed(two, ['b']), [1]);
  await world.close();
});

test('the subscriptions of a user have so many levels together, of which a long one is several', async () => {
  const { world, reached } = await limited({ filterLevelsPerUser: 8 });
  const one = await world.connect('ada', { version: 5, clientId: 'one' });
  const two = await world.connect('ada', { version: 5, clientId: 'two' });
  assert.equal(await subscribed(one, ['a/b/c', 'x'.repeat(65)]), [1, 1]);
  assert.equal(await subscribed(two, ['a/b/c/d', 'a/b/c', 'a/b/c']), [0x87, 1]);
  assert.equal(await subscribed(two, ['e']), [0x87]);
  assert.equal(new Set(reached), new Set(['filter-levels-per-user']));
  const other = await world.connect('ben', { version: 5 });
  assert.equal(await subscribed(other, ['a/b/c/d']), [1]);
  one.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a/b/c', 'never/there'] });
  await one.take('unsuback');
  assert.equal(await subscribed(two, ['a/b/c/d', 'e/f', 'e']), [0x87, 1, 1]);
  await world.close();
});

test('a client whose CONNACK names a receive maximum is told that of this broker', async () => {
  const { world } = await limited({ receivedIds: 7 });
  const client = await world.connect('ada', { version: 5 });
  assert.is(client.connack.properties?.receiveMaximum, 7);
  await world.close();
});

test("a client id that is another user's name is refused, unless it is pinned", async () => {
  const reached: string[] = [];
  const world = await embeddedWorld(
    {
      ...accounts(),
      eve: { password: 's', read: [], write: [] },
      pin: { password: 's', read: [], write: [], pinnedClientId: 'ben' },
    },
    {
      isUsername: (name) => name === 'ada' || name === 'ben',
      onLimit: (limit) => reached.push(limit),
    },
  );
  for (const version of [4, 5] as const) {
    const squatter = await world.connect('eve', { version, clientId: 'ada' });
    assert.is(squatter.code, version === 5 ? 0x85 : 2);
  }
  assert.equal(reached, ['client-id', 'client-id']);
  assert.is((await world.connect('ada')).code, 0);
  assert.is((await world.connect('eve')).code, 0);
  assert.is((await world.connect('pin', { clientId: 'ben' })).code, 0);
  await world.close();
});

test('who came first with a client id that is a name later makes way for that user', async () => {
  const world = await embeddedWorld(accounts());
  const squatter = await world.connect('ada', {
    version: 5,
    clientId: 'ben',
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  assert.is((await world.connect('ben')).code, 0);
  assert.is((await squatter.take('disconnect')).reasonCode, 0x8e);
  await squatter.closed;
  assert.equal(
    world.broker.sessions().map(({ username, clientId }) => [username, clientId]),
    [['ben', 'ben']],
  );
  assert.is((await world.connect('ada', { clientId: 'ben' })).code, 2);
  await world.close();
});

test.run();
