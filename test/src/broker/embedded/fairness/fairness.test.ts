/** Between clients of a broker that runs: by a clock that counts how often it is asked, so that no machine is too slow for it. */
import { setImmediate as turn } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import type { EmbeddedLimits } from '../../../../../src/broker/embedded/broker.ts';
import { messagesUntil, publish, subscribed, until } from '../../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../../support/suite.ts';
import { accounts } from '../limited.ts';
import { embeddedWorld } from '../world.ts';

const test = suite('embedded broker: fairness');

async function slowed(limits: Partial<EmbeddedLimits> = {}) {
  const reached: string[] = [];
  let asked = 0;
  const world = await embeddedWorld(accounts(), {
    limits: { turnMs: 20, ...limits },
    onLimit: (limit) => reached.push(limit),
    clockMs: () => ++asked,
  });
  return { world, reached };
}

const many = (count: number, topic: string, options = {}) =>
  Buffer.concat(
    Array.from({ length: count }, (_, at) => generate(publish(topic, `${at}`, options))),
  );

test('between the messages of who floods come those of somebody else', async () => {
  const { world } = await slowed();
  const reader = await world.connect('ben', { clientId: 'reader' });
  await subscribed(reader, ['#'], { qos: 0 });
  const quiet = await world.connect('ben', { clientId: 'quiet' });
  const noisy = await world.connect('ada', { clientId: 'noisy' });
  noisy.send(many(4_000, 'noise'));
  await reader.take('publish');
  quiet.send(publish('word', 'said'));
  const before = (await messagesUntil(reader, 'said')).length;
  assert.ok(before < 1_000, `${before} came first`);
  noisy.send(publish('noise', 'last'));
  assert.is(before + (await messagesUntil(reader, 'last')).length, 4_001);
  await world.close();
});

test('nothing of who is slowed is lost: neither what it sent before it left, nor its order', async () => {
  for (const version of [4, 5] as const) {
    const { world } = await slowed({ turnMs: 3 });
    const reader = await world.connect('ben', { clientId: 'reader' });
    await subscribed(reader, ['noise', 'will']);
    const noisy = await world.connect('ada', { clientId: 'noisy', version });
    noisy.socket.end(
      Buffer.concat(
        Array.from({ length: 1_000 }, (_, at) =>
          generate(publish('noise', `${at}`), { protocolVersion: version }),
        ),
      ),
    );
    await until(() => world.broker.sessionCount('ada') === 0);
    const last = await world.connect('ada', { clientId: 'last' });
    last.send(publish('noise', 'last'));
    assert.equal(
      await messagesUntil(reader, 'last'),
      [...Array.from({ length: 1_000 }, (_, at) => `${at}`), 'last'].map((text) => `noise ${text}`),
    );
    await world.close();
  }
});

test('one user with many overlapping subscriptions does not keep a message from others', async () => {
  const { world } = await slowed();
  const filters = Array.from({ length: 20 }, (_, at) => `${'+/'.repeat(at)}#`);
  for (let at = 0; at < 40; at++) {
    const greedy = await world.connect('ada', { clientId: `greedy-${at}` });
    await subscribed(greedy, filters, { qos: 0 });
  }
  const reader = await world.connect('ben', { clientId: 'reader' });
  await subscribed(reader, ['plant/press'], { qos: 0 });
  const writer = await world.connect('ben', { clientId: 'writer' });
  for (let at = 0; at < 200; at++) writer.send(publish('plant/press', `${at}`));
  writer.send(publish('plant/press', 'last'));
  assert.is((await messagesUntil(reader, 'last')).length, 201);
  const last = await world.connect('ada', { clientId: 'last' });
  await subscribed(last, ['end']);
  last.send(publish('end', 'last'));
  await messagesUntil(last, 'last');
  await world.close();
});

test('of overlapping subscriptions a message comes once, by that with most QoS', async () => {
  const { world } = await slowed();
  for (const version of [4, 5] as const) {
    const reader = await world.connect('ben', { clientId: 'reader', version });
    for (const [filter, qos] of [
      ['a/#', 0],
      ['a/+', 2],
      ['a/b', 1],
    ] as const)
      await subscribed(reader, [filter], { qos });
    const writer = await world.connect('ada', { clientId: 'writer' });
    writer.send(publish('a/b', 'x', { qos: 1 }));
    const first = await reader.take('publish');
    assert.equal([String(first.payload), first.qos], ['x', 1]);
    writer.send(publish('a/b', 'last'));
    assert.equal(await messagesUntil(reader, 'last'), ['a/b last']);
    reader.end();
    writer.end();
    await until(() => world.broker.sessions().length === 0);
  }
  await world.close();
});

test('a SUBSCRIBE waits until what is retained was sent for the one before', async () => {
  const { world } = await slowed();
  const writer = await world.connect('ada', { clientId: 'writer' });
  writer.send(
    Buffer.concat(
      Array.from({ length: 100 }, (_, at) =>
        generate(publish(`kept/${at}`, 'x', { retain: true })),
      ),
    ),
    publish('kept/end', 'x', { qos: 1, retain: true }),
  );
  await writer.take('puback');
  const reader = await world.connect('ben', { clientId: 'reader' });
  const asks = (messageId: number) =>
    generate({ cmd: 'subscribe', messageId, subscriptions: [{ topic: 'kept/#', qos: 0 }] });
  reader.send(Buffer.concat([1, 2, 3, 4].map(asks)));
  await until(() => reader.received.length === 4 * 102);
  const subacks = reader.received.flatMap(({ cmd }, at) => (cmd === 'suback' ? [at] : []));
  // A few are on their way when the last was asked for.
  for (const [index, at] of subacks.entries()) assert.ok(at >= index * 60, String(subacks));
  await world.close();
});

const big = 'x'.repeat(100_000);

/** A reader of everything that reads nothing. */
async function silent(world: Awaited<ReturnType<typeof slowed>>['world'], qos: 0 | 1) {
  const reader = await world.connect('ben', { clientId: 'silent' });
  await subscribed(reader, ['big'], { qos });
  reader.socket.pause();
  return reader;
}

test('who does not read is left out, and holds up nobody', async () => {
  const { world, reached } = await slowed({
    ...{ unreadBytes: 1_000_000, heldMs: 1, drainTimeoutMs: 600_000 },
  });
  const reader = await silent(world, 0);
  const writer = await world.connect('ada', { clientId: 'writer' });
  for (let at = 0; !reached.includes('unread-per-session'); at++) {
    writer.send(
      publish('big', big),
      publish('other', 'x', { qos: 1, messageId: 1 + (at % 1_000) }),
    );
    await writer.take('puback');
  }
  reader.socket.resume();
  const others = await world.connect('ada', { clientId: 'others' });
  // Until it has caught up messages are left out; then it gets them again.
  const again = setInterval(() => others.send(publish('big', 'last')), 5);
  const got = await messagesUntil(reader, 'last');
  clearInterval(again);
  assert.ok(got.length > 10);
  assert.is(world.broker.sessionCount('ben'), 1);
  await world.close();
});

test('who does not read messages of QoS 1 is closed when no more may wait for it', async () => {
  for (const limit of ['unread-per-session', 'unread-per-user', 'unread']) {
    const room = 1_000_000;
    const { world, reached } = await slowed({
      ...{ heldMs: 1, drainTimeoutMs: 600_000 },
      ...(limit === 'unread-per-session' ? { unreadBytes: room } : {}),
      ...(limit === 'unread-per-user' ? { unreadBytesPerUser: room } : {}),
      ...(limit === 'unread' ? { unreadBytesTotal: room } : {}),
    });
    await silent(world, 1);
    const writer = await world.connect('ada', { clientId: 'writer' });
    while (world.broker.sessionCount('ben') > 0) {
      writer.send(publish('big', big, { qos: 1 }));
      await writer.take('puback');
      await turn();
    }
    assert.equal(reached, [limit]);
    await world.close();
  }
});

test('who takes nothing for too long is closed', async () => {
  const { world, reached } = await slowed({ heldMs: 1, drainTimeoutMs: 50 });
  await silent(world, 0);
  const writer = await world.connect('ada', { clientId: 'writer' });
  while (world.broker.sessionCount('ben') > 0) {
    writer.send(publish('big', big, { qos: 1 }));
    await writer.take('puback');
  }
  assert.ok(reached.includes('slow-reader'));
  await world.close();
});

test.run();
