/** What a reader has not acknowledged: how much it is sent at once, under which ids, and how one ends that never acknowledges. */
import { Unread } from '../../../../../src/broker/embedded/fairness/unread.ts';
import { Window } from '../../../../../src/broker/embedded/fairness/window.ts';
import { mqttInFlightMax } from '../../../../../src/limits/mqtt.ts';
import {
  connected,
  messagesUntil,
  publish,
  type RawMqtt,
  subscribed,
  until,
} from '../../../../support/mqtt-peers.ts';
import { assert } from '../../../../support/suite.ts';
import { limited } from '../limited.ts';
import { accounts } from '../press.ts';
import { embeddedSuite, type World } from '../world.ts';

const test = embeddedSuite('embedded broker: windows of readers', accounts);

const reading = (world: World, receiveMaximum: number, more: object = {}) =>
  world.connect('boss', {
    version: 5,
    clientId: 'reader',
    properties: { receiveMaximum },
    ...more,
  });

/** All that came so far; what is sent by now comes before the answer to a second PINGREQ. */
async function arrived(reader: RawMqtt) {
  for (let asked = 0; asked < 2; asked++) {
    reader.send({ cmd: 'pingreq' });
    await reader.take('pingresp');
  }
  const messages = reader.received.filter((packet) => packet.cmd === 'publish');
  reader.received.length = 0;
  return messages.map(({ messageId = 0, payload, dup, qos }) => ({
    ...{ messageId, dup, qos, text: String(payload) },
  }));
}

async function published(world: World, texts: readonly string[], qos: 1 | 2 = 1): Promise<void> {
  const writer = await world.connect('boss', { clientId: 'writer' });
  for (const [at, text] of texts.entries()) {
    writer.send(publish('plant/a', text, { qos, messageId: at + 1 }));
    const { messageId } = await writer.take(qos === 1 ? 'puback' : 'pubrec');
    if (qos === 2) writer.send({ cmd: 'pubrel', messageId: messageId as number });
  }
  writer.end();
}

for (const sessionExpiryInterval of [0, 600])
  test(`no more is sent than is taken at once, where the session lasts ${sessionExpiryInterval} s longer`, async ({
    world,
  }) => {
    const reader = await reading(world, 2, {
      properties: { receiveMaximum: 2, sessionExpiryInterval },
    });
    await subscribed(reader, ['plant/#']);
    await published(world, ['1', '2', '3', '4', '5']);
    const first = await arrived(reader);
    assert.equal(
      first.map(({ text }) => text),
      ['1', '2'],
    );
    reader.send({ cmd: 'puback', messageId: first[1]?.messageId ?? 0 });
    const next = await arrived(reader);
    assert.equal(
      next.map(({ text }) => text),
      ['3'],
    );
    for (const { messageId } of [...first, ...next])
      reader.send({ cmd: 'puback', messageId }, { cmd: 'puback', messageId });
    assert.equal(
      (await arrived(reader)).map(({ text }) => text),
      ['4', '5'],
    );
  });

test('who leaves without an acknowledgement is not waited for', async ({ world }) => {
  const writer = await world.connect('boss', { clientId: 'writer' });
  for (let messageId = 1; messageId <= 80; messageId++) {
    writer.send(publish(`plant/${messageId}`, 'kept', { qos: 1, messageId, retain: true }));
    await writer.take('puback');
  }
  await subscribed(writer, ['will/#']);
  const will = { topic: 'will/a', payload: Buffer.from('gone'), qos: 0 as const, retain: false };
  const reader = await reading(world, 1, { will });
  // The second waits until the retained messages of the first are sent, which wait for an acknowledgement.
  for (const [at, topic] of ['plant/#', 'other/#'].entries())
    reader.send({ cmd: 'subscribe', messageId: at + 1, subscriptions: [{ topic, qos: 1 }] });
  await reader.take('suback');
  await reader.take('publish');
  reader.socket.end();
  await reader.closed;
  assert.is((await messagesUntil(writer, 'gone')).length, 1);
});

test('a message of QoS 2 is under way until its PUBCOMP, or a PUBREC that refuses it', async ({
  world,
}) => {
  const reader = await reading(world, 1);
  await subscribed(reader, ['plant/#'], { qos: 2 });
  await published(world, ['1', '2', '3'], 2);
  const [first] = await arrived(reader);
  const messageId = first?.messageId ?? 0;
  reader.send({ cmd: 'pubrec', messageId });
  await reader.take('pubrel');
  assert.equal(await arrived(reader), []);
  reader.send({ cmd: 'pubcomp', messageId });
  const [second] = await arrived(reader);
  assert.is(second?.text, '2');
  reader.send({ cmd: 'pubrec', messageId: second?.messageId ?? 0, reasonCode: 0x80 });
  assert.is((await arrived(reader))[0]?.text, '3');
});

test('retained messages of QoS 1 wait, too', async ({ world }) => {
  const writer = await world.connect('boss', { clientId: 'writer' });
  for (const at of [1, 2, 3]) {
    writer.send(publish(`plant/${at}`, String(at), { qos: 1, retain: true }));
    await writer.take('puback');
  }
  const reader = await reading(world, 1);
  await subscribed(reader, ['plant/#']);
  const texts: string[] = [];
  while (texts.length < 3) {
    const { messageId, payload } = await reader.take('publish');
    assert.equal(await arrived(reader), []);
    texts.push(String(payload));
    reader.send({ cmd: 'puback', messageId: messageId as number });
  }
  assert.equal(texts.sort(), ['1', '2', '3']);
});

test('a resumed session is sent what it is owed as it takes it, before what is new; what it was sent before has DUP set', async ({
  world,
}) => {
  const properties = { receiveMaximum: 2, sessionExpiryInterval: 600 };
  const before = await reading(world, 2, { properties });
  await subscribed(before, ['plant/#']);
  await published(world, ['1', '2', '3']);
  const sent = await arrived(before);
  assert.is(sent.length, 2);
  before.end();
  await until(() => world.broker.sessions().every(({ clientId }) => clientId !== 'reader'));
  const back = await connected(world.port, {
    ...{
      version: 5,
      clientId: 'reader',
      username: 'boss',
      password: world.accounts.boss?.password,
    },
    ...{ clean: false, properties: { ...properties, receiveMaximum: 1 } },
  } as Parameters<typeof connected>[1]);
  await published(world, ['4']);
  const got: { text: string; dup: boolean; messageId: number }[] = [];
  while (got.length < 4) {
    const packet = await back.take('publish');
    got.push({
      ...{ text: String(packet.payload), dup: packet.dup },
      messageId: packet.messageId as number,
    });
    assert.equal(await arrived(back), []);
    back.send({ cmd: 'puback', messageId: packet.messageId as number });
  }
  back.end();
  assert.equal(
    got.map(({ text, dup }) => [text, dup]),
    [
      ['1', true],
      ['2', true],
      ['3', false],
      ['4', false],
    ],
  );
  assert.equal(
    got.slice(0, 2).map(({ messageId }) => messageId),
    sent.map(({ messageId }) => messageId),
  );
});

/** A window that nothing fills, and takes so many at once. */
function plainWindow(receiveMaximum?: number): Window {
  const limits = { unreadMessages: 9, unreadBytes: 9, unreadBytesPerUser: 9, unreadBytesTotal: 9 };
  const unread = new Unread(
    { ...limits, heldBytes: 0, heldMs: 0, drainTimeoutMs: 0 },
    () => undefined,
  );
  return new Window(unread, () => receiveMaximum);
}

test('from its beginning a resumed session takes nothing new until all that is owed is written', async () => {
  const window = plainWindow();
  const stored = new Map([
    [1, { cmd: 'publish', brokerCounter: 1, messageId: 7 }],
    [2, { cmd: 'pubrel', brokerCounter: 2, messageId: 8 }],
  ]);
  let isEnded = false;
  window.resume({
    ids: () => [7, 8],
    packets: () => stored.values(),
    has: (brokerCounter) => stored.has(brokerCounter),
    end: () => {
      isEnded = true;
    },
  });
  assert.is(window.open(), 0);
  assert.is(window.isOwed(1), true);
  const sent: (number | undefined)[] = [];
  for await (const { messageId } of window.owed() ?? []) sent.push(messageId);
  assert.equal(sent, [7, 8]);
  // Acknowledged before it comes by its subscription.
  stored.delete(1);
  window.acknowledged(7);
  assert.is(window.isOwed(1), true);
  assert.is(isEnded, false);
  assert.is(window.isOwed(3), false);
  assert.is(isEnded, true);
  const newer: number[] = [];
  window.wait({ username: 'ben', bytes: 1, write: (id) => newer.push(id) > 0 });
  window.acknowledged(8);
  assert.equal(newer, []);
  window.resumed();
  assert.is(newer.length, 1);
});

test('an acknowledgement of what was not sent yet on this connection makes no room', async () => {
  const window = plainWindow(1);
  window.resume({
    ids: () => [7],
    packets: () => [{ cmd: 'pubrel', brokerCounter: 1, messageId: 7 }],
    has: () => false,
    end: () => undefined,
  });
  for await (const _ of window.owed() ?? []);
  window.resumed();
  assert.ok(window.open() > 0);
  window.acknowledged(7);
  assert.is(window.open(), 0);
});

test('an id that is in use is not given again', () => {
  const window = plainWindow();
  const kept = window.open();
  const given = new Set<number>();
  for (let left = 2 * 65_535; left > 0; left--) {
    const id = window.open();
    assert.is.not(id, kept);
    given.add(id);
    window.acknowledged(id);
  }
  assert.is(given.size, 65_534);
  for (let open = 1; open < mqttInFlightMax; open++) assert.ok(window.open() > 0);
  assert.is(window.open(), 0);
});

test('who never acknowledges is closed when too much waits for it, and others are not', async () => {
  const world = await limited({ unreadMessages: 3 });
  try {
    const reader = await world.connect('ben', {
      ...{ version: 5, clientId: 'never', properties: { receiveMaximum: 1 } },
    });
    const other = await world.connect('ben', { version: 5, clientId: 'other' });
    await subscribed(reader, ['a']);
    await subscribed(other, ['a']);
    const writer = await world.connect('ada');
    for (let at = 1; at <= 6; at++) {
      writer.send(publish('a', String(at), { qos: 1, messageId: at }));
      await writer.take('puback');
    }
    assert.is((await reader.take('disconnect')).reasonCode, 0x97);
    assert.is((await arrived(other)).length, 6);
  } finally {
    await world.close();
  }
});

test.run();
