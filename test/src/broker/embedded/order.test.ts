/** Messages of one publisher come in the order in which it sent them, whatever has to be stored of some [MQTT-4.6.0-6]. */
import { messagesUntil, publish, subscribed, until } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts, stored } from './press.ts';
import { embeddedSuite, type World } from './world.ts';

const test = embeddedSuite('embedded broker: order', accounts);

const count = 300;
const inTurn = Array.from({ length: count }, (_, number) => `plant/a ${number}`);

/** What a reader gets of messages that are sent in one piece, and their acknowledgements. */
async function sentAtOnce(world: World, retained: (number: number) => boolean) {
  const press = await world.connect('press');
  await subscribed(press, ['plant/#', 'marker']);
  const boss = await world.connect('boss');
  boss.send(
    ...inTurn.map((_, number) =>
      publish('plant/a', `${number}`, {
        ...{ qos: 1 as const, messageId: number + 1, retain: retained(number) },
      }),
    ),
    publish('marker', 'last', { qos: 1, messageId: count + 1 }),
  );
  const got = await messagesUntil(press, 'last');
  await until(() => boss.received.filter(({ cmd }) => cmd === 'puback').length === count + 1);
  const acknowledged = boss.received
    .filter(({ cmd }) => cmd === 'puback')
    .map(({ messageId }) => messageId);
  return { got: got.slice(0, -1), acknowledged };
}

test('to a topic of which it is not known yet who reads it', async ({ world }) => {
  const { got, acknowledged } = await sentAtOnce(world, () => false);
  assert.equal(got, inTurn);
  assert.equal(
    acknowledged,
    Array.from({ length: count + 1 }, (_, number) => number + 1),
  );
});

test('to many such topics, one after the other', async ({ world }) => {
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

test('where some are retained', async ({ world }) => {
  const { got } = await sentAtOnce(world, (number) => number % 3 === 0);
  assert.equal(got, inTurn);
});

test('where a stored session begins to read among them', async ({ world }) => {
  const sending = sentAtOnce(world, () => false);
  await stored(world, 'absent');
  assert.equal((await sending).got, inTurn);
});

test.run();
