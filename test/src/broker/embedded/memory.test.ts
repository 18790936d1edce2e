import { boundedMemory } from '../../../../src/broker/embedded/memory.ts';
import type { Packet } from '../../../../src/broker/embedded/queues.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('embedded broker: memory');

const limits = {
  queuedMessages: 10,
  queuedBytes: 100_000,
  queuedBytesPerUser: 100_000,
  queuedBytesTotal: 100_000,
  receivedIds: 10,
  retainedMessages: 10,
  retainedBytes: 100_000,
  retainedMessagesPerUser: 10,
  retainedBytesPerUser: 100_000,
};
const memoryFor = (...clientIds: string[]) =>
  boundedMemory(limits, {
    ownerOf: (id) => (clientIds.includes(id) ? 'ada' : undefined),
    subscribed: () => true,
    unsubscribed: () => undefined,
    reached: () => undefined,
  });

let counter = 0;
const packet = (more: Partial<Packet> = {}): Packet => ({
  cmd: 'publish',
  topic: 'a',
  payload: Buffer.from('x'),
  brokerCounter: ++counter,
  retain: false,
  qos: 1,
  dup: false,
  ...more,
});
const reader = (clientId: string) => ({ clientId, topic: 'a', qos: 1 });
const queued = async (memory: ReturnType<typeof memoryFor>, id: string): Promise<Packet[]> =>
  memory.outgoingStream({ id }).toArray();

test('a session that is gone takes no message any more', async () => {
  const memory = memoryFor('here');
  await memory.outgoingEnqueueCombi([reader('here'), reader('gone')], packet());
  await memory.outgoingEnqueue({ clientId: 'gone' }, packet());
  assert.is(memory.counts().queuedMessages, 1);
  assert.is((await queued(memory, 'gone')).length, 0);
});

test('a message of QoS 2 that comes after the end of its session leaves nothing behind', async () => {
  const memory = memoryFor('here');
  const late = memory.incomingStorePacket({ id: 'gone' }, packet({ messageId: 1 }));
  assert.match(await late.then(() => 'kept', String), /session is over/);
  await memory.incomingStorePacket({ id: 'here' }, packet({ messageId: 1 }));
  await memory.incomingGetPacket({ id: 'here' }, packet({ cmd: 'pubrel', messageId: 1 }));
  assert.is(memory.counts().queues, 0);
});

test('nothing is left of a session that is forgotten', async () => {
  const memory = memoryFor('a');
  await memory.addSubscriptions({ id: 'a' }, [{ topic: 'a', qos: 1 }]);
  await memory.outgoingEnqueueCombi([reader('a')], packet());
  await memory.incomingStorePacket({ id: 'a' }, packet({ messageId: 1 }));
  memory.forget('a');
  assert.equal(memory.counts(), {
    queues: 0,
    queuedMessages: 0,
    queuedBytes: 0,
    retainedMessages: 0,
    retainedBytes: 0,
  });
  assert.equal(await memory.filtersOf('a'), []);
  assert.equal(await memory.subscriptionsByTopic('a'), []);
});

test('an acknowledgement removes its own message only', async () => {
  const memory = memoryFor('a');
  const [first, second] = [packet(), packet()];
  for (const one of [first, second]) await memory.outgoingEnqueueCombi([reader('a')], one);
  await memory.outgoingUpdate({ id: 'a' }, { ...first, messageId: 7 });
  await memory.outgoingUpdate({ id: 'a' }, { ...second, messageId: 8 });
  await memory.outgoingClearMessageId({ id: 'a' }, packet({ messageId: 9 }));
  assert.is((await queued(memory, 'a')).length, 2);
  await memory.outgoingClearMessageId({ id: 'a' }, packet({ messageId: 8 }));
  assert.equal(
    (await queued(memory, 'a')).map(({ messageId }) => messageId),
    [7],
  );
  // One that was never sent has no id yet: it goes by itself, and no other in its place.
  await memory.outgoingClearMessageId({ id: 'a' }, packet());
  assert.is((await queued(memory, 'a')).length, 1);
  await memory.outgoingClearMessageId({ id: 'a' }, packet({ messageId: 7 }));
  assert.equal(memory.counts().queuedBytes, 0);
});

test('what is stored while a session is resumed is owed, too, until it has all of it', async () => {
  const memory = memoryFor('a');
  const stored = async () => {
    const one = packet();
    await memory.outgoingEnqueueCombi([reader('a')], one);
    return one.brokerCounter;
  };
  const first = await stored();
  const owed = memory.owed('a');
  const taken = owed.packets()[Symbol.iterator]();
  const next = () => taken.next().value?.brokerCounter;
  assert.is(next(), first);
  const second = await stored();
  // The queue is empty between them.
  await memory.outgoingClearMessageId({ id: 'a' }, packet({ brokerCounter: first }));
  await memory.outgoingClearMessageId({ id: 'a' }, packet({ brokerCounter: second }));
  const third = await stored();
  assert.equal([owed.has(first), owed.has(third)], [false, true]);
  assert.is(next(), third);
  const fourth = await stored();
  owed.end();
  const fifth = await stored();
  assert.equal([owed.has(fourth), owed.has(fifth)], [true, false]);
  assert.equal([next(), next()], [fourth, undefined]);
});

test('a message that was received while it waited to be sent again is not sent', async () => {
  const memory = memoryFor('a');
  const properties = { contentType: 'text/plain' };
  const message = packet({ qos: 2, properties });
  await memory.outgoingEnqueueCombi([{ ...reader('a'), qos: 2 }], message);
  await memory.outgoingUpdate({ id: 'a' }, { ...message, messageId: 7 });
  const [again] = [...memory.owed('a').packets()];
  assert.equal([again?.cmd, again?.dup, again?.messageId], ['publish', true, 7]);
  await memory.outgoingUpdate({ id: 'a' }, packet({ cmd: 'pubrel', messageId: 7 }));
  await memory.outgoingUpdate({ id: 'a' }, again as Packet);
  assert.equal([again?.cmd, again?.dup, again?.properties], ['pubrel', false, undefined]);
});

test('a stored payload does not hold on to what it was cut from', async () => {
  const memory = memoryFor('a');
  const read = Buffer.allocUnsafeSlow(65_536);
  const one = packet({
    payload: read.subarray(0, 1),
    properties: { correlationData: read.subarray(1, 3) },
  });
  await memory.outgoingEnqueueCombi([reader('a')], one);
  await memory.storeRetained({ ...one, retain: true });
  const kept = [
    ...(await queued(memory, 'a')),
    ...((await memory.createRetainedStream('a').toArray()) as Packet[]),
  ];
  assert.is(kept.length, 2);
  for (const { payload, properties } of kept) {
    assert.is((payload as Buffer).buffer.byteLength, 1);
    assert.is((properties as { correlationData: Buffer }).correlationData.buffer.byteLength, 2);
  }
});

test.run();
