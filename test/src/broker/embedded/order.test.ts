/** Messages of one publisher come in the order in which it sent them, whatever has to be stored of some [MQTT-4.6.0-6]; so do their acknowledgements [MQTT-4.6.0-2, -3]. */
import { setImmediate as turn } from 'node:timers/promises';
import {
  messagesUntil,
  publish,
  type RawMqtt,
  subscribed,
  until,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts, stored } from './press.ts';
import { embeddedSuite, type World } from './world.ts';

const test = embeddedSuite('embedded broker: order', accounts);

const count = 300;
const inTurn = Array.from({ length: count }, (_, number) => `plant/a ${number}`);

type AcknowledgedQoS = 1 | 2;
const numbers = Array.from({ length: count + 1 }, (_, number) => number + 1);

const acknowledgement = (qos: AcknowledgedQoS) => (qos === 1 ? 'puback' : 'pubrec');

/** The ids of so many acknowledgements, as they came. */
async function acknowledged({ received }: RawMqtt, qos: AcknowledgedQoS, all: number) {
  const ids = () =>
    received.filter(({ cmd }) => cmd === acknowledgement(qos)).map(({ messageId }) => messageId);
  await until(() => ids().length === all);
  return ids();
}

/** What a reader gets of messages that are sent in one piece, and their acknowledgements. */
async function sentAtOnce(
  world: World,
  qos: AcknowledgedQoS,
  retained: (number: number) => boolean,
) {
  const press = await world.connect('press');
  await subscribed(press, ['plant/#', 'marker'], { qos });
  const boss = await world.connect('boss');
  boss.send(
    ...inTurn.map((_, number) =>
      publish('plant/a', `${number}`, { qos, messageId: number + 1, retain: retained(number) }),
    ),
    publish('marker', 'last', { qos, messageId: count + 1 }),
  );
  const got = await messagesUntil(press, 'last');
  return { got: got.slice(0, -1), ids: await acknowledged(boss, qos, count + 1) };
}

for (const qos of [1, 2] as const) {
  test(`QoS ${qos}: to a topic of which it is not known yet who reads it`, async ({ world }) => {
    const { got, ids } = await sentAtOnce(world, qos, () => false);
    assert.equal(got, inTurn);
    assert.equal(ids, numbers);
  });

  test(`QoS ${qos}: where some are retained`, async ({ world }) => {
    const { got, ids } = await sentAtOnce(world, qos, (number) => number % 3 === 0);
    assert.equal(got, inTurn);
    assert.equal(ids, numbers);
  });

  test(`QoS ${qos}: where a stored session begins to read among them`, async ({ world }) => {
    const sending = sentAtOnce(world, qos, () => false);
    await stored(world, 'absent');
    const { got, ids } = await sending;
    assert.equal(got, inTurn);
    assert.equal(ids, numbers);
  });

  for (const version of versions)
    test(`QoS ${qos}, version ${version}: acknowledgements where some may not be published`, async ({
      world,
    }) => {
      const boss = await world.connect('boss', { version });
      boss.send(
        ...numbers.map((messageId) =>
          publish(messageId % 3 === 0 ? '$SYS/fake' : `plant/${messageId}`, 'x', {
            ...{ qos, messageId, retain: messageId % 5 === 0 },
          }),
        ),
      );
      assert.equal(await acknowledged(boss, qos, count + 1), numbers);
    });
}

test('QoS 2: where some are repeated, each is published once', async ({ world }) => {
  const press = await world.connect('press');
  await subscribed(press, ['plant/#', 'marker'], { qos: 2 });
  const boss = await world.connect('boss');
  const sent = numbers.flatMap((number) => (number % 4 === 0 ? [number, number - 1] : [number]));
  boss.send(
    ...sent.map((messageId) => publish('plant/a', `${messageId}`, { qos: 2, messageId })),
    publish('marker', 'last', { qos: 2, messageId: count + 2 }),
  );
  assert.equal(await messagesUntil(press, 'last'), [
    ...numbers.map((number) => `plant/a ${number}`),
    'marker last',
  ]);
  assert.equal(await acknowledged(boss, 2, sent.length + 1), [...sent, count + 2]);
});

test('QoS 1: to many topics of which it is not known yet, one after the other', async ({
  world,
}) => {
  const press = await world.connect('press');
  await subscribed(press, ['plant/#', 'marker']);
  const boss = await world.connect('boss');
  const sent = Array.from({ length: 25 }, (_, topic) =>
    inTurn.map((_, number) => `plant/new-${topic} ${number}`),
  );
  for (const messages of sent) {
    boss.send(
      ...messages.map((message, index) => {
        const [topic = '', payload = ''] = message.split(' ');
        return publish(topic, payload, { qos: 1, messageId: index + 1 });
      }),
      publish('marker', 'last', { qos: 1, messageId: count + 1 }),
    );
    assert.equal((await messagesUntil(press, 'last')).slice(0, -1), messages);
  }
});

/** Messages to a stored session, from before it comes back until it has come back, and what it gets of them. */
async function resumedAmong(world: World, qos: 1 | 2, count: number, before: number) {
  const boss = await world.connect('boss');
  let sent = 0;
  const send = () => {
    sent += 1;
    boss.send(publish('plant/a', `${sent}`, { qos, messageId: sent }));
  };
  while (sent < before) send();
  await until(() => boss.received.filter(({ cmd }) => cmd !== 'connack').length >= before);
  const coming = world.connect('press', { clientId: 'absent', clean: false });
  while (sent < count) {
    send();
    await turn();
  }
  const press = await coming;
  const got: { text: string; dup: boolean; qos: number; hasId: boolean }[] = [];
  const texts = new Set<string>();
  while (texts.size < count) {
    const { messageId, payload, dup, qos } = await press.take('publish');
    got.push({ text: String(payload), dup, qos, hasId: messageId !== undefined });
    texts.add(String(payload));
    if (messageId === undefined) continue;
    press.send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId });
    if (qos < 2) continue;
    await press.take('pubrel');
    press.send({ cmd: 'pubcomp', messageId });
  }
  press.send({ cmd: 'pingreq' });
  await press.take('pingresp');
  press.end();
  boss.end();
  await until(() => world.broker.sessions().length === 0);
  return [...got, ...press.received.filter(({ cmd }) => cmd === 'publish')];
}

for (const qos of [1, 2] as const)
  test(`QoS ${qos}: what comes while a session is resumed comes once, behind what it is owed`, async ({
    world,
  }) => {
    const press = await world.connect('press', { clientId: 'absent', clean: false });
    await subscribed(press, ['plant/#'], { qos });
    press.end();
    await until(() => world.broker.sessions().length === 0);
    for (let round = 0; round < 5; round++)
      assert.equal(
        await resumedAmong(world, qos, 60, 10),
        Array.from({ length: 60 }, (_, number) => ({
          ...{ text: `${number + 1}`, dup: false, qos, hasId: true },
        })),
      );
  });

test.run();
