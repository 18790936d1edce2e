/** What the embedded broker keeps for those who are away or slow is bounded. */

import { messagesUntil, publish, subscribed, until } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts, isWell, limited } from './limited.ts';
import { embeddedSuite, type World } from './world.ts';

const test = embeddedSuite('embedded broker: queues', accounts);

async function absent(world: World, clientId: string): Promise<void> {
  const client = await world.connect('ben', { clientId, clean: false });
  await subscribed(client, ['q/#']);
  client.end();
  await until(() => world.broker.sessionCount('ben') === 0);
}

async function queue(world: World, payloads: readonly string[]): Promise<void> {
  const writer = await world.connect('ada');
  for (const payload of payloads) {
    writer.send(publish('q/a', payload, { qos: 1 }));
    await writer.take('puback');
  }
  writer.end();
}

async function owed(world: World, clientId: string): Promise<string[]> {
  const reader = await world.connect('ben', { clientId, clean: false });
  const writer = await world.connect('ada');
  writer.send(publish('q/end', 'last'));
  const messages = await messagesUntil(reader, 'last');
  reader.end();
  await until(() => world.broker.sessionCount('ben') === 0);
  return messages.map((text) => text.slice(4, 5)).slice(0, -1);
}

test('a queue takes so many messages, the newest are dropped', async () => {
  const world = await limited({ queuedMessages: 3 });
  await absent(world, 'a');
  await queue(world, ['1', '2', '3', '4', '5']);
  assert.equal(await owed(world, 'a'), ['1', '2', '3']);
  await world.close();
});

test('a queue takes so many bytes, and all queues together', async () => {
  const world = await limited({ queuedBytes: 2_000, queuedBytesTotal: 3_000 });
  await absent(world, 'a');
  await queue(world, [`1${'x'.repeat(1_000)}`, `2${'x'.repeat(1_000)}`, '3']);
  await absent(world, 'b');
  await queue(world, [`4${'x'.repeat(1_000)}`]);
  assert.equal(await owed(world, 'a'), ['1', '3']);
  assert.equal(await owed(world, 'b'), ['4']);
  // What was delivered, and what belonged to a session that ended, takes no room any more.
  await queue(world, [`5${'x'.repeat(1_000)}`]);
  await world.broker.endSessions('ben');
  await absent(world, 'c');
  await queue(world, [`6${'x'.repeat(1_000)}`]);
  assert.equal(await owed(world, 'c'), ['6']);
  await world.close();
});

test('a live session whose queue is full still gets its messages', async () => {
  const world = await limited({ queuedMessages: 2 });
  const reader = await world.connect('ben', { clean: false });
  await subscribed(reader, ['q/#']);
  await queue(world, ['1', '2', '3', '4']);
  for (const payload of ['1', '2', '3', '4'])
    assert.is((await reader.take('publish')).payload.toString(), payload);
  await world.close();
});

test('so many retained messages are kept', async () => {
  const world = await limited({ retainedMessages: 2 });
  const writer = await world.connect('ada', { version: 5 });
  for (const topic of ['r/1', 'r/2', 'r/3']) {
    writer.send(publish(topic, 'x', { qos: 1, retain: true }));
    assert.is((await writer.take('puback')).reasonCode, 0);
  }
  const reader = await world.connect('ben');
  await subscribed(reader, ['r/#', 'q']);
  const kept = [await reader.take('publish'), await reader.take('publish')];
  assert.equal(kept.map(({ topic }) => topic).sort(), ['r/1', 'r/2']);
  writer.send(publish('q', 'last'));
  assert.equal(await messagesUntil(reader, 'last'), ['q last']);
  await world.close();
});

test('a reader that does not read is closed, and holds nobody else up', async () => {
  const world = await limited({ drainTimeoutMs: 100 });
  const slow = await world.connect('ben', { clientId: 'slow' });
  await subscribed(slow, ['big']);
  slow.socket.pause();
  const writer = await world.connect('ada', { clientId: 'writer' });
  const payload = 'x'.repeat(500_000);
  const isThere = () => world.broker.sessions().some(({ clientId }) => clientId === 'slow');
  let sent = 0;
  while (isThere() && sent < 200) {
    writer.send(publish('big', payload, { qos: 1, messageId: ++sent }));
    await writer.take('puback');
    if (sent === 20) await isWell(world);
  }
  assert.ok(sent < 200, 'it was never closed');
  await isWell(world);
  slow.end();
  await world.close();
});

test.run();
