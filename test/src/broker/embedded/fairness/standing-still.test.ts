/** Clients that send far more at once than may be under way before they acknowledge or read anything: all of it is handled, and all that they are sent comes. */
import type { Packet } from 'mqtt-packet';
import { mqttReplayBytes } from '../../../../../src/limits/mqtt.ts';
import {
  type Connect,
  publish,
  type RawMqtt,
  subscribed,
  until,
} from '../../../../support/mqtt-peers.ts';
import { assert } from '../../../../support/suite.ts';
import { embeddedSuite, embeddedWorld, type World } from '../world.ts';

const accounts = () => ({
  press: { password: 's', read: ['#'], write: ['#'] },
  boss: { password: 's', read: ['#'], write: ['#'] },
});
const test = embeddedSuite('embedded broker: much at once from who acknowledges late', accounts);

type QoS = 0 | 1 | 2;
/** Several times what may be under way. */
const many = 200;
const retainedCount = 20;

const sessions = {
  clean: { properties: { receiveMaximum: 1 } },
  kept: { clean: false, properties: { receiveMaximum: 1, sessionExpiryInterval: 60 } },
} as const;
type Kept = keyof typeof sessions;

/** Takes one message of QoS 1 or 2 at a time. */
const connects = (kept: Kept): Connect => ({ version: 5, ...sessions[kept] });

const numbered = (count: number, of: (messageId: number) => Packet): Packet[] =>
  Array.from({ length: count }, (_, index) => of(index + 1));

const subscribing = (topic: string, messageId: number, qos: QoS = 1): Packet => ({
  ...{ cmd: 'subscribe', messageId },
  subscriptions: [{ topic, qos, nl: false, rap: false, rh: 0 }],
});

async function retains(world: World): Promise<void> {
  const boss = await world.connect('boss');
  for (let messageId = 1; messageId <= retainedCount; messageId++) {
    boss.send(publish(`kept/${messageId}`, 'x', { qos: 1, messageId, retain: true }));
    await boss.take('puback');
  }
}

/** Acknowledges what it was sent and is sent, until as many messages came; other packets stay with it. */
async function takes(press: RawMqtt, count: number): Promise<number[]> {
  const topics: number[] = [];
  while (topics.length < count) {
    const { messageId = 0, qos, payload } = await press.take('publish');
    topics.push(Number(payload));
    press.send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId });
    if (qos < 2) continue;
    await press.take('pubrel');
    press.send({ cmd: 'pubcomp', messageId });
  }
  return topics;
}

const acknowledged = ({ received }: RawMqtt, cmd: string, count: number): Promise<void> =>
  until(() => received.filter((packet) => packet.cmd === cmd).length === count);

const ascending = Array.from({ length: many }, (_, index) => index + 1);

for (const kept of ['clean', 'kept'] as const) {
  for (const qos of [1, 2] as const) {
    const answer = qos === 1 ? 'puback' : 'pubrec';
    const messages = (topic: string): Packet[] =>
      numbered(many, (messageId) => publish(topic, `${messageId}`, { qos, messageId }));

    test(`${kept}: ${many} messages of QoS ${qos} of who reads nothing until they are sent`, async ({
      world,
    }) => {
      const press = await world.connect('press', connects(kept));
      press.socket.pause();
      press.send(...messages('plant'));
      await until(() => press.socket.writableLength === 0);
      press.socket.resume();
      await acknowledged(press, answer, many);
    });

    test(`${kept}: ${many} messages of QoS ${qos} to a topic that their sender reads, before it acknowledges one`, async ({
      world,
    }) => {
      const press = await world.connect('press', connects(kept));
      await subscribed(press, ['own'], { qos });
      press.send(...messages('own'));
      await press.take(answer);
      assert.equal(await takes(press, many), ascending);
      await acknowledged(press, answer, many - 1);
    });

    test(`${kept}: SUBSCRIBEs for retained messages, and ${many} messages of QoS ${qos} to a topic that it reads, before it acknowledges one`, async ({
      world,
    }) => {
      await retains(world);
      const press = await world.connect('press', connects(kept));
      await subscribed(press, ['own'], { qos });
      press.send(
        subscribing('kept/#', 1001),
        subscribing('kept/+', 1002),
        ...messages('own'),
        subscribing('last', 1003),
      );
      await takes(press, 2 * retainedCount + many);
      await acknowledged(press, answer, many);
      await acknowledged(press, 'suback', 3);
    });
  }

  test(`${kept}: ${many} SUBSCRIBEs for retained messages, before it acknowledges one`, async ({
    world,
  }) => {
    await retains(world);
    const press = await world.connect('press', connects(kept));
    press.send(...numbered(many, (messageId) => subscribing('kept/#', messageId)));
    await takes(press, many * retainedCount);
    await acknowledged(press, 'suback', many);
  });
}

test(`who resumes a session and sends ${many} SUBSCRIBEs and messages before it acknowledges what it is owed`, async ({
  world,
}) => {
  await retains(world);
  const before = await world.connect('press', connects('kept'));
  await subscribed(before, ['own'], { qos: 1 });
  before.end();
  await until(() => world.broker.sessionCount('press') === 0);
  const boss = await world.connect('boss');
  boss.send(
    ...numbered(many, (messageId) => publish('own', `${messageId}`, { qos: 1, messageId })),
  );
  await acknowledged(boss, 'puback', many);
  const press = await world.connect('press', connects('kept'));
  press.send(
    ...numbered(many, (messageId) => subscribing('kept/#', messageId)),
    ...numbered(many, (messageId) => publish('own', `${messageId}`, { qos: 1, messageId })),
  );
  await takes(press, 2 * many + many * retainedCount);
  await acknowledged(press, 'suback', many);
  await acknowledged(press, 'puback', many);
});

/** For four SUBSCRIBEs, and the message of each that waits. */
const room = 4 * mqttReplayBytes + 2_000;

for (const limit of ['unread-per-session', 'unread-per-user', 'unread'] as const)
  test(`who subscribes on and on and acknowledges nothing is closed: ${limit}`, async () => {
    const reached: string[] = [];
    const unread = { 'unread-per-session': 'unreadBytes', 'unread-per-user': 'unreadBytesPerUser' };
    const limits = {
      [limit === 'unread' ? 'unreadBytesTotal' : unread[limit]]: room,
    };
    const world = await embeddedWorld(accounts(), { limits, onLimit: (one) => reached.push(one) });
    try {
      await retains(world);
      // What they were counted with is free again when they are gone.
      for (let round = 0; round < 3; round++) {
        const press = await world.connect('press', connects('clean'));
        press.send(...numbered(many, (messageId) => subscribing('kept/#', messageId)));
        assert.is((await press.take('disconnect')).reasonCode, 0x97);
        await press.closed;
        assert.ok(press.received.filter(({ cmd }) => cmd === 'suback').length >= 4);
        assert.ok(reached.splice(0).every((one) => one === limit));
      }
      const press = await world.connect('press', connects('clean'));
      press.send(...numbered(3, (messageId) => subscribing('kept/#', messageId)));
      await takes(press, 3 * retainedCount);
    } finally {
      await world.close();
    }
  });

test('whose retained messages wait for one SUBSCRIBE keeps nobody from reading', async () => {
  const reached: string[] = [];
  const limits = { unreadBytesTotal: mqttReplayBytes + 2_000 };
  const world = await embeddedWorld(accounts(), { limits, onLimit: (one) => reached.push(one) });
  try {
    await retains(world);
    const readers: RawMqtt[] = [];
    for (let at = 0; at < 4; at++) {
      const press = await world.connect('press', { ...connects('clean'), clientId: `press-${at}` });
      press.send(subscribing('kept/#', 1), subscribing('kept/+', 2));
      await press.take('suback');
      readers.push(press);
    }
    for (const press of readers) await takes(press, 2 * retainedCount);
    assert.equal(reached, []);
  } finally {
    await world.close();
  }
});

test.run();
