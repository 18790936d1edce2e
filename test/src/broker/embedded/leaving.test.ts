/** What is left of subscriptions when a connection has ended, and who is told of it. */
import { setImmediate as turn } from 'node:timers/promises';
import { publish, type RawMqtt, subscribed, until } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { embeddedSuite } from './world.ts';

const test = embeddedSuite('embedded broker: who has left', () => ({
  press: { password: 's', read: ['plant/#'], write: ['plant/#'] },
  auditor: { password: 's', read: ['$SYS/#', 'plant/#'], write: ['plant/#'] },
}));
const will = { topic: 'plant/gone', payload: Buffer.from('gone'), qos: 0 as const, retain: false };
const subs = [{ topic: 'plant/a', qos: 1 }];

for (const [how, connect] of [
  ['without a will', {}],
  ['with a will', { will }],
] as const)
  test(`who has left ${how} reads nothing any more`, async ({ world }) => {
    const auditor = await world.connect('auditor');
    const press = await world.connect('press', connect);
    await subscribed(press, ['plant/a', 'plant/+/b']);
    press.send({ cmd: 'disconnect' });
    auditor.send(publish('plant/a', 'late', { qos: 1 }));
    await press.closed;
    await auditor.take('puback');
    await until(() => world.broker.sessionCount('press') === 0);
    await turn();
    assert.is(await world.broker.isRead('plant/a'), false);
    assert.is(await world.broker.isRead('plant/x/b'), false);
  });

/** Of the news of subscriptions, those of the press. */
async function newsOfPress(auditor: RawMqtt): Promise<unknown> {
  for (;;) {
    const { topic, payload } = await auditor.take('publish');
    const { clientId, subs } = JSON.parse(String(payload));
    if (clientId === 'press') return [topic.split('/').at(-1), subs];
  }
}

test('who subscribes and unsubscribes is told to those who read of it, as long as they do', async ({
  world,
}) => {
  const auditor = await world.connect('auditor');
  const news = ['$SYS/+/new/subscribes', '$SYS/+/new/unsubscribes'];
  for (const isRead of [false, true, false, true]) {
    if (isRead) await subscribed(auditor, news, { qos: 0 });
    const press = await world.connect('press');
    await subscribed(press, ['plant/a']);
    press.end();
    await until(() => world.broker.sessionCount('press') === 0);
    if (!isRead) continue;
    assert.equal(await newsOfPress(auditor), ['subscribes', subs]);
    assert.equal(await newsOfPress(auditor), ['unsubscribes', ['plant/a']]);
    auditor.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: news });
    await auditor.take('unsuback');
  }
  assert.equal(
    auditor.received.filter(({ cmd }) => cmd === 'publish'),
    [],
  );
});

test.run();
