import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectPacket,
  publish,
  rawMqtt,
  subscribed,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { embeddedSuite, embeddedWorld } from './world.ts';

const accounts = () => ({
  ada: { password: 'secret-1', read: ['plant/#'], write: ['plant/#'] },
});
const test = embeddedSuite('embedded broker: new sessions', accounts);
const login = { clientId: 'ada', username: 'ada', password: 'secret-1' };
const resumable = { clean: false, properties: { sessionExpiryInterval: 60 } };

for (const version of versions) {
  test(`version ${version}: a new session is answered as a resumed one is, but for its presence`, async ({
    world,
  }) => {
    const connect = async () => await world.connect('ada', { version, ...resumable });
    const first = await connect();
    await subscribed(first, ['plant/a']);
    first.send({ cmd: 'disconnect', reasonCode: 0 });
    await first.closed;
    const second = await connect();
    assert.is(first.connack.sessionPresent, false);
    assert.is(second.connack.sessionPresent, true);
    assert.equal(
      { ...second.connack, sessionPresent: false },
      { ...first.connack, sessionPresent: false },
    );
  });

  test(`version ${version}: what comes with the CONNECT is handled after it, in its order`, async ({
    world,
  }) => {
    const raw = await rawMqtt(world.port, version);
    raw.send(
      connectPacket({ version, ...login }),
      {
        ...{ cmd: 'subscribe', messageId: 1 },
        subscriptions: [{ topic: 'plant/b', qos: 0, nl: false, rap: false, rh: 0 }],
      },
      publish('plant/a', 'first', { qos: 1, messageId: 2 }),
      publish('plant/a', 'second', { qos: 1, messageId: 3 }),
      { cmd: 'pingreq' },
    );
    for (const cmd of ['pingresp', 'suback'] as const) await raw.take(cmd);
    assert.is(raw.received[0]?.cmd, 'connack');
    assert.is((await raw.take('puback')).messageId, 2);
    assert.is((await raw.take('puback')).messageId, 3);
    raw.end();
  });
}

test('who promised to be heard of and is not is closed, and its will is published', async ({
  world,
}) => {
  const reader = await world.connect('ada', { clientId: 'reader' });
  await subscribed(reader, ['plant/#'], { qos: 0 });
  const will = {
    topic: 'plant/gone',
    payload: Buffer.from('gone'),
    qos: 0 as const,
    retain: false,
  };
  const silent = await world.connect('ada', { keepalive: 1, will });
  const talking = await world.connect('ada', { clientId: 'talking', keepalive: 1 });
  const pings = setInterval(() => talking.send({ cmd: 'pingreq' }), 300);
  try {
    await silent.closed;
    assert.is((await reader.take('publish')).topic, 'plant/gone');
    await sleep(700);
    talking.send(publish('plant/here', 'still'));
    assert.is((await reader.take('publish')).topic, 'plant/here');
  } finally {
    clearInterval(pings);
  }
});

test('a connection that ends while it is judged is answered nothing, and leaves nothing', async () => {
  const world = await embeddedWorld(accounts());
  const judged = Promise.withResolvers<void>();
  world.gate.pass = () => judged.promise;
  const raw = await rawMqtt(world.port);
  raw.send(connectPacket(login));
  while (world.attempts.length === 0) await sleep(5);
  raw.end();
  await sleep(50);
  judged.resolve();
  await sleep(50);
  assert.equal(world.broker.sessions(), []);
  assert.is(world.broker.connectionCount(), 0);
  await world.close();
});

test.run();
