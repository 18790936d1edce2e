/** Messages of QoS 2 that a client sends: each is published once, whatever is repeated of it [MQTT-4.3.3-8 to 13]. */
import {
  messagesUntil,
  publish,
  type RawMqtt,
  subscribed,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts } from './press.ts';
import { embeddedSuite } from './world.ts';

const test = embeddedSuite('embedded broker: messages of QoS 2', accounts);

const message = (payload: string) => publish('plant/a', payload, { qos: 2, messageId: 5 });
const release = { cmd: 'pubrel', messageId: 5 } as const;

/** The reason code of the next PUBREC, which MQTT 3 has not. */
async function received(client: RawMqtt): Promise<number> {
  const { messageId, reasonCode = 0 } = await client.take('pubrec');
  assert.is(messageId, 5);
  return reasonCode;
}

for (const version of versions) {
  test(`version ${version}: a repetition is answered as one, also where the message may not be published any more`, async ({
    world,
  }) => {
    const boss = await world.connect('boss');
    await subscribed(boss, ['plant/#']);
    const press = await world.connect('press', { version });
    press.send(message('first'));
    assert.is(await received(press), 0);
    await world.change('press', { write: [] });
    press.send(message('first'));
    assert.is(await received(press), 0);
    press.send(release);
    await press.take('pubcomp');
    await world.change('press', { write: ['plant/#'] });
    press.send(message('last'));
    assert.is(await received(press), 0);
    assert.equal(await messagesUntil(boss, 'last'), ['plant/a first', 'plant/a last']);
  });

  test(`version ${version}: what comes right behind a release is a message of its own`, async ({
    world,
  }) => {
    const boss = await world.connect('boss');
    await subscribed(boss, ['plant/#']);
    const press = await world.connect('press', { version });
    press.send(message('first'), release, message('second'), message('second'), release);
    press.send(release, message('third'), release, message('last'));
    assert.equal(
      await messagesUntil(boss, 'last'),
      ['first', 'second', 'third', 'last'].map((text) => `plant/a ${text}`),
    );
    for (let answer = 0; answer < 5; answer++) assert.is(await received(press), 0);
    for (let answer = 0; answer < 4; answer++)
      assert.is((await press.take('pubcomp')).messageId, 5);
  });
}

test('MQTT 5: the id of a message that was refused is free', async ({ world }) => {
  const boss = await world.connect('boss');
  await subscribed(boss, ['plant/#']);
  const press = await world.connect('press', { version: 5 });
  await world.change('press', { write: [] });
  press.send(message('refused'));
  assert.is(await received(press), 0x87);
  await world.change('press', { write: ['plant/#'] });
  press.send(message('last'));
  assert.is(await received(press), 0);
  assert.equal(await messagesUntil(boss, 'last'), ['plant/a last']);
});

for (const version of versions)
  test(`version ${version}: a message that ends before its id closes the connection`, async ({
    world,
  }) => {
    const press = await world.connect('press', { version });
    press.send(Buffer.from([0x34, 4, 0, 2, 0x61, 0x62]));
    await press.closed;
    assert.equal(press.received, []);
  });

test.run();
