/** SUBSCRIBEs, UNSUBSCRIBEs and a DISCONNECT that come in one piece with what follows: each is done before the next, and nothing is handled behind the last. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Packet } from 'mqtt-packet';
import {
  type Connect,
  connectPacket,
  messagesUntil,
  publish,
  type RawMqtt,
  rawMqtt,
  until,
  type Version,
} from '../../../../support/mqtt-peers.ts';
import { assert } from '../../../../support/suite.ts';
import { embeddedSuite, type World } from '../world.ts';

const test = embeddedSuite('embedded broker: subscribing and unsubscribing at once', () => ({
  press: { password: 's', read: ['#'], write: ['#'] },
  boss: { password: 's', read: ['#'], write: ['#'] },
}));

const read = 'plant/a';
type QoS = 0 | 1 | 2;

/** `U` unsubscribes; a digit subscribes with that QoS. */
const changes = (sequence: string, filter = read): Packet[] =>
  [...sequence].map((step, index) =>
    step === 'U'
      ? { cmd: 'unsubscribe', messageId: index + 1, unsubscriptions: [filter] }
      : {
          ...{ cmd: 'subscribe', messageId: index + 1 },
          subscriptions: [{ topic: filter, qos: Number(step) as QoS }],
        },
  );

const sessions: Record<string, object> = {
  clean: {},
  kept: { clean: false, properties: { sessionExpiryInterval: 60 } },
};

const acknowledged = ({ received }: RawMqtt, count: number): Promise<void> =>
  until(() => received.filter(({ cmd }) => cmd.endsWith('suback')).length === count);

async function tell(world: World): Promise<void> {
  const boss = await world.connect('boss');
  boss.send(publish(read, 'news', { qos: 1, messageId: 1 }));
  await boss.take('puback');
}

/** What the press is sent of a message that everybody is sent who reads its topic. */
async function told(world: World, press: RawMqtt): Promise<string[]> {
  await tell(world);
  press.send(publish('last', 'last', { qos: 0 }));
  return messagesUntil(press, 'last');
}

/** The press reads its own last message throughout, on a connection of its own choice. */
const connects = (version: Version, kept: string): Connect => ({
  ...{ version, clientId: 'press', username: 'press', ...sessions[kept] },
});
const readsLast: Packet = {
  ...{ cmd: 'subscribe', messageId: 99 },
  subscriptions: [{ topic: 'last', qos: 0 }],
};

for (const version of [4, 5] as const)
  for (const kept of ['clean', 'kept'])
    for (const sequence of ['1U', '1U1', '1U2', '1U1U', '1U2U', '12U', '1U1U2'])
      for (const isEarly of [false, true])
        test(`version ${version}, ${kept}: ${sequence}${isEarly ? ' with the CONNECT' : ''}`, async ({
          world,
        }) => {
          const connect = connects(version, kept);
          const press = isEarly
            ? await rawMqtt(world.port, version)
            : await world.connect('press', connect);
          const packets = [readsLast, ...changes(sequence)];
          if (isEarly) press.send(connectPacket({ ...connect, password: 's' }), ...packets);
          else press.send(...packets);
          await acknowledged(press, packets.length);
          const isReading = !sequence.endsWith('U');
          assert.is(await world.broker.isRead(read), isReading);
          assert.is(world.broker.isAnyReadBelow('plant'), isReading);
          assert.equal(await told(world, press), [
            ...(isReading ? [`${read} news`] : []),
            'last last',
          ]);
          press.end();
          await until(() => world.broker.sessionCount('press') === 0);
          await turn();
          const isStored = isReading && kept === 'kept';
          assert.is(await world.broker.isRead(read), isStored);
          assert.is(world.broker.isAnyReadBelow('plant'), isStored);
          const back = await world.connect('press', connect);
          assert.is(world.broker.isAnyReadBelow('plant'), isStored);
          back.end();
        });

for (const version of [3, 4, 5] as const)
  for (const kept of version === 3 ? ['clean'] : ['clean', 'kept'])
    for (const sequence of ['U', 'U1', 'U2', '2U', 'U1U', 'U2U', 'U2U1'])
      test(`version ${version}, ${kept}: ${sequence} of who reads it`, async ({ world }) => {
        const press = await world.connect('press', connects(version, kept));
        press.send(readsLast, ...changes('1'));
        await acknowledged(press, 2);
        press.send(...changes(sequence));
        await acknowledged(press, 2 + sequence.length);
        const isReading = !sequence.endsWith('U');
        assert.is(world.broker.isAnyReadBelow('plant'), isReading);
        assert.equal(await told(world, press), [
          ...(isReading ? [`${read} news`] : []),
          'last last',
        ]);
        // No handler is left that is nobody's.
        press.send(...changes('U'));
        await acknowledged(press, 3 + sequence.length);
        assert.is(await world.broker.isRead(read), false);
        assert.is(world.broker.isAnyReadBelow('plant'), false);
      });

for (const version of [4, 5] as const)
  for (const sequence of ['U', 'U1', 'U2', '2U', 'U1U', 'U2U1'])
    test(`version ${version}: ${sequence} with the CONNECT that resumes a session`, async ({
      world,
    }) => {
      const connect = connects(version, 'kept');
      const before = await world.connect('press', connect);
      before.send(readsLast, ...changes('1'));
      await acknowledged(before, 2);
      before.end();
      await until(() => world.broker.sessionCount('press') === 0);
      assert.is(world.broker.isAnyReadBelow('plant'), true);
      await tell(world);
      const press = await rawMqtt(world.port, version);
      press.send(connectPacket({ ...connect, password: 's' }), ...changes(sequence));
      await acknowledged(press, sequence.length);
      const isReading = !sequence.endsWith('U');
      assert.is(world.broker.isAnyReadBelow('plant'), isReading);
      assert.is(await world.broker.isRead(read), isReading);
      assert.equal(await told(world, press), [
        `${read} news`,
        ...(isReading ? [`${read} news`] : []),
        'last last',
      ]);
    });

for (const kept of ['clean', 'kept'])
  for (const sequence of ['11', '1U1'])
    test(`${kept}: ${sequence} where the retained messages wait for acknowledgements`, async ({
      world,
    }) => {
      const boss = await world.connect('boss');
      const count = 60;
      for (let messageId = 1; messageId <= count; messageId++) {
        boss.send(publish(`kept/${messageId}`, 'x', { qos: 1, messageId, retain: true }));
        await boss.take('puback');
      }
      const { properties = {}, ...connect } = connects(5, kept);
      const press = await world.connect('press', {
        ...connect,
        properties: { ...properties, receiveMaximum: 1 },
      });
      press.send(...changes(sequence, 'kept/#'));
      for (let got = 0; got < 2 * count; got++) {
        const { messageId = 0 } = await press.take('publish');
        press.send({ cmd: 'puback', messageId });
      }
      await acknowledged(press, sequence.length);
    });

for (const version of [3, 4, 5] as const) {
  test(`version ${version}: a shared subscription is none, and counts for none`, async ({
    world,
  }) => {
    const press = await world.connect('press', { version });
    press.send({
      ...{ cmd: 'subscribe', messageId: 1 },
      subscriptions: [{ topic: '$share/x/plant/#', qos: 1 }],
    });
    await acknowledged(press, 1);
    assert.is(world.broker.isAnyReadBelow('plant'), false);
  });

  for (const before of [0, 1])
    test(`version ${version}: nothing is published that comes behind a DISCONNECT (${before} before it)`, async ({
      world,
    }) => {
      const press = await world.connect('press');
      press.send(readsLast, {
        ...readsLast,
        messageId: 98,
        subscriptions: [{ topic: 'plant/#', qos: 0 }],
      });
      await acknowledged(press, 2);
      const boss = await world.connect('boss', { version });
      const first = before === 0 ? [] : [publish(read, 'before', { qos: 1, messageId: 1 })];
      boss.send(
        ...first,
        { cmd: 'disconnect' },
        publish(read, 'behind'),
        publish(read, 'behind', { qos: 1, messageId: 2 }),
      );
      await boss.closed;
      press.send(publish('last', 'last'));
      assert.equal(await messagesUntil(press, 'last'), [
        ...first.map(() => `${read} before`),
        'last last',
      ]);
    });
}

test.run();
