/** Sessions that a certificate opened end with it at the embedded broker. */

import { madeBefore } from '../../../support/made-before.ts';
import { until } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { embeddedSuite } from './world.ts';

const shown = (serial: string, notAfter = '2999-01-01T00:00:00.000Z') => ({
  ...{ username: 'ada', serial, notAfter, keyFingerprint: 'f'.repeat(64) },
});
const account = { password: 's', read: ['#'], write: ['#'] };

const test = embeddedSuite('embedded broker: sessions by certificate', () => ({
  ada: { ...account, certificate: shown('old') },
}));

test('another certificate ends them, also stored ones; a password keeps its own', async ({
  world,
}) => {
  const old = await world.connect('ada', { version: 5, clientId: 'old' });
  const properties = { sessionExpiryInterval: 600 };
  const stored = await world.connect('ada', { version: 5, clientId: 'stored', properties });
  stored.end();
  await until(() => world.broker.sessionCount('ada') === 1);
  world.accounts.ada = { ...account, certificate: shown('new') };
  const next = await world.connect('ada', { version: 5, clientId: 'next' });
  world.accounts.ada = account;
  const byPassword = await world.connect('ada', { version: 5, clientId: 'by-password' });
  assert.is(await world.broker.endSessions('ada', { notByCertificate: 'new' }), 1);
  assert.is((await old.take('disconnect')).reasonCode, 0x98);
  await old.closed;
  assert.is(world.broker.sessionCount('ada'), 2);
  const again = await world.connect('ada', { version: 5, clientId: 'stored', clean: false });
  assert.not.ok(again.connack.sessionPresent);
  for (const client of [next, byPassword, again]) client.end();
});

test('its own end closes them', async ({ world }) => {
  const { made: client } = await madeBefore(300, async (ends) => {
    world.accounts.ada = { ...account, certificate: shown('old', ends) };
    const entered = await world.connect('ada', { version: 5 });
    assert.is(entered.code, 0);
    return entered;
  });
  assert.is((await client.take('disconnect')).reasonCode, 0x98);
  await client.closed;
  assert.is(world.broker.sessionCount('ada'), 0);
});

test.run();
