/** Rights that are taken and given back, and connections that are cut off, while a SUBSCRIBE or UNSUBSCRIBE is under way: what is granted is delivered, and nobody keeps what is over. */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Client } from 'aedes';
import type { Packet } from 'mqtt-packet';
import { Intake } from '../../../../../src/broker/embedded/fairness/intake.ts';
import {
  type Connect,
  messagesUntil,
  publish,
  type RawMqtt,
  subscribed,
  until,
  type Version,
} from '../../../../support/mqtt-peers.ts';
import { assert } from '../../../../support/suite.ts';
import { embeddedSuite, embeddedWorld, type World } from '../world.ts';

const accounts = () => ({
  press: { password: 's', read: ['#'], write: ['#'] },
  boss: { password: 's', read: ['#'], write: ['#'] },
});
const test = embeddedSuite('embedded broker: rights change while somebody subscribes', accounts);

/** So many levels that taking it away takes some time. */
const filter = ['plant', ...Array.from({ length: 40 }, (_, level) => level)].join('/');
const sessions: Record<string, object> = {
  clean: {},
  kept: { clean: false, properties: { sessionExpiryInterval: 60 } },
};
const connects = (version: Version, kept: string): Connect => ({
  ...{ version, clientId: 'press', username: 'press', ...sessions[kept] },
});
const subscribing: Packet = {
  ...{ cmd: 'subscribe', messageId: 7 },
  subscriptions: [{ topic: filter, qos: 1 }],
};
const unsubscribing: Packet = { cmd: 'unsubscribe', messageId: 8, unsubscriptions: [filter] };

/** Steps of the event loop in which one thing may come behind another: those of one turn, and turns. */
const distances = [0, 1, 2, 3, 4, 6, 8, 12, 'a turn', 'two turns'] as const;
type Distance = (typeof distances)[number];

function after(distance: Distance, act: () => void): void {
  if (distance === 'a turn') setImmediate(act);
  else if (distance === 'two turns') setImmediate(() => setImmediate(act));
  else if (distance === 0) act();
  else queueMicrotask(() => after((distance - 1) as Distance, act));
}

/** Acts when the broker has read a packet of that kind, which it handles so much later or earlier. */
function whenRead(
  cmd: string,
  act: () => void,
  { handled = 0, acts = 0 }: { readonly handled?: Distance; readonly acts?: Distance },
): void {
  const { take } = Intake.prototype;
  Intake.prototype.take = function (packet, handle) {
    if (packet.cmd !== cmd) return take.call(this, packet, handle);
    Intake.prototype.take = take;
    after(acts, act);
    after(handled, () => {
      take.call(this, packet, handle);
      // As after any packet that was read.
      accepted.emit('readable');
    });
  };
}

/** The broker's side of the last connection. */
let accepted: Socket & { readonly client: Client };
subscribe('net.server.socket', (message) => {
  accepted = (message as { socket: typeof accepted }).socket;
});
const endings: Record<string, () => void> = {
  'is cut off': () => accepted.destroy(),
  'the broker closes': () => accepted.client.close(),
};

/** Whether it gets a message of the filter; it reads `last` throughout. */
async function isTold(world: World, press: RawMqtt): Promise<boolean> {
  const boss = await world.connect('boss');
  boss.send(publish(filter, 'news'), publish('last', 'last'));
  const [first] = await messagesUntil(press, 'last');
  boss.end();
  return first !== 'last last';
}

/** Handlers and what is stored, what limits count, and what comes are one. */
async function assertReads(world: World, press: RawMqtt, isReading: boolean): Promise<void> {
  assert.is(await world.broker.isRead(filter), isReading, 'handlers');
  assert.is(world.broker.isAnyReadBelow('plant'), isReading, 'filters');
  assert.is(await isTold(world, press), isReading, 'messages');
}

const taken = { read: ['last'] };
const given = { read: ['#'] };

for (const version of [4, 5] as const)
  for (const kept of ['clean', 'kept']) {
    test(`version ${version}, ${kept}: who subscribes again when the right is given back is told`, async ({
      world,
    }) => {
      for (const handled of distances) {
        const press = await world.connect('press', connects(version, kept));
        await subscribed(press, [filter, 'last']);
        const changes: Promise<void>[] = [];
        const takeAndGive = () =>
          changes.push(world.change('press', taken), world.change('press', given));
        whenRead('subscribe', takeAndGive, { handled });
        press.send(subscribing);
        assert.equal((await press.take('suback')).granted, [1]);
        await Promise.all(changes);
        await assertReads(world, press, true);
        press.send(unsubscribing);
        await press.take('unsuback');
        await assertReads(world, press, false);
        press.end();
        await until(() => world.broker.sessionCount('press') === 0);
      }
    });

    test(`version ${version}, ${kept}: what was subscribed before the right was taken is over`, async ({
      world,
    }) => {
      for (const acts of distances) {
        const press = await world.connect('press', connects(version, kept));
        await subscribed(press, ['last']);
        const changed = Promise.withResolvers<void>();
        whenRead('subscribe', () => changed.resolve(world.change('press', taken)), { acts });
        press.send(subscribing);
        await press.take('suback');
        await changed.promise;
        assert.is(await world.broker.isRead(filter), false, `handlers after ${acts}`);
        assert.is(world.broker.isAnyReadBelow('plant'), false, `filters after ${acts}`);
        await world.change('press', given);
        await assertReads(world, press, false);
        press.end();
        await until(() => world.broker.sessionCount('press') === 0);
      }
    });
  }

for (const version of [4, 5] as const)
  for (const packet of [subscribing, unsubscribing])
    for (const [how, end] of Object.entries(endings))
      test(`version ${version}: a kept session that ${how} in mid-${packet.cmd} is one with what is stored`, async ({
        world,
      }) => {
        for (const acts of distances) {
          const press = await world.connect('press', connects(version, 'kept'));
          await subscribed(press, packet === subscribing ? ['last'] : [filter, 'last']);
          whenRead(packet.cmd as string, end, { acts });
          press.send(packet);
          await until(() => world.broker.sessionCount('press') === 0);
          const isReading = await world.broker.isRead(filter);
          assert.is(world.broker.isAnyReadBelow('plant'), isReading, `cut off after ${acts}`);
          const back = await world.connect('press', connects(version, 'kept'));
          await assertReads(world, back, isReading);
          back.send(unsubscribing);
          await back.take('unsuback');
          await assertReads(world, back, false);
          back.end();
          await until(() => world.broker.sessionCount('press') === 0);
        }
      });

test('who hardly reads the answer to its SUBSCRIBE keeps no change of its rights waiting', async () => {
  const world = await embeddedWorld(accounts(), { limits: { drainTimeoutMs: 100 } });
  try {
    const press = await world.connect('press');
    await subscribed(press, ['last']);
    // As of a socket that takes a byte now and then, and is never done.
    const { write } = accepted;
    Object.defineProperties(accepted, {
      writableNeedDrain: { get: () => true },
      write: { value: (...given: [never]) => Boolean(write.apply(accepted, given) && false) },
      bytesWritten: { get: () => performance.now() },
    });
    const changed = Promise.withResolvers<void>();
    whenRead('subscribe', () => changed.resolve(world.change('press', { read: [] })), {
      acts: 'a turn',
    });
    press.send(subscribing);
    await press.closed;
    await changed.promise;
    assert.is(world.broker.sessionCount('press'), 0);
  } finally {
    await world.close();
  }
});

test.run();
