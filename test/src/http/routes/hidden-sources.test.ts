/** Addresses and client ids are personal: who may not read personal data learns them nowhere. */

import { eventStream } from '../../../support/event-stream.ts';
import { connected, subscribed } from '../../../support/mqtt-peers.ts';
import { adminPassword } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const test = suite<{ gatebook: Running }>('http: hidden sources');
test.before(async (world) => {
  world.gatebook = await running();
});
test.after(({ gatebook }) => gatebook.stop());

const knock = ({ call }: Running, username: string) =>
  call('POST', '/api/client-registry/register', {
    body: { username, password: strongPassword() },
  });
const read = (resource: string) => ({ context: 'http', resource, operation: 'read' });
const knocks = '/api/client-registry/knocks';
const unprivileged = { permissions: [read('/api/client-registry/#'), read('/api/events')] };

test('a knock shows its address to who may read personal data, alone', async ({ gatebook }) => {
  const token = await gatebook.signedIn('clerk', unprivileged);
  const headers = { Authorization: `Bearer ${token}` };
  const stream = await eventStream(`${gatebook.world.url}/api/events?types=knock`, headers);
  const mqtt = await connected(gatebook.world.mqtt.port, {
    ...{ clientId: 'admin', username: 'admin', password: adminPassword, version: 5 },
  });
  await subscribed(mqtt, ['gatebook/registry/knocks']);
  assert.is((await knock(gatebook, 'stranger')).status, 423);

  assert.is((await gatebook.must(200, 'GET', knocks)).body.items[0].source, '127.0.0.1');
  const seen = await gatebook.call('GET', knocks, { token });
  assert.equal([seen.status, seen.body.items[0].username], [200, 'stranger']);
  assert.is(seen.body.items[0].source, null);
  assert.is((await stream.until('knock')).data.source, null);
  const packet = await mqtt.take('publish');
  assert.is(JSON.parse(String(packet.payload)).data.source, null);
  mqtt.end();
  stream.close();
});

test('a cursor holds nothing that is personal', async ({ gatebook }) => {
  for (const username of ['first', 'second', 'third']) await knock(gatebook, username);
  const hides = (cursor: string, what: string) =>
    assert.not.ok(Buffer.from(cursor, 'base64url').toString('latin1').includes(what));
  const page = (await gatebook.must(200, 'GET', `${knocks}?limit=1`)).body;
  hides(page.nextCursor, '127.0.0.1');
  const next = await gatebook.must(200, 'GET', `${knocks}?limit=1&cursor=${page.nextCursor}`);
  assert.is(next.body.items[0].username, 'second');

  const password = strongPassword();
  await gatebook.must(201, 'POST', '/api/users', { username: 'press', password });
  const sessions = '/api/users/press/sessions';
  const peers = await Promise.all(
    ['hall-7-north', 'hall-7-south'].map((clientId) =>
      connected(gatebook.world.mqtt.port, { clientId, username: 'press', password, version: 5 }),
    ),
  );
  const first = (await gatebook.must(200, 'GET', `${sessions}?limit=1`)).body;
  hides(first.nextCursor, 'hall-7');
  const { body } = await gatebook.must(
    200,
    'GET',
    `${sessions}?limit=1&cursor=${first.nextCursor}`,
  );
  const shown = [first.items[0].clientId, body.items[0].clientId];
  assert.equal(shown.sort(), ['hall-7-north', 'hall-7-south']);
  const guessed = Buffer.from('hall-7-north').toString('base64url');
  assert.is(
    (await gatebook.call('GET', `${sessions}?cursor=${guessed}`, { token: gatebook.admin })).status,
    400,
  );
  for (const peer of peers) peer.end();
});

test('the knocks of a name go when it is erased', async ({ gatebook }) => {
  await gatebook.must(201, 'POST', '/api/users', { username: 'gone', password: strongPassword() });
  await gatebook.must(200, 'POST', '/api/users/gone/revoke');
  await gatebook.must(200, 'POST', '/api/users/gone/reinstate');
  assert.is((await knock(gatebook, 'gone')).status, 423);
  const names = async () =>
    (await gatebook.must(200, 'GET', knocks)).body.items.map(
      ({ username }: { username: string }) => username,
    );
  assert.ok((await names()).includes('gone'));
  await gatebook.must(200, 'POST', '/api/users/gone/erase');
  assert.not.ok((await names()).includes('gone'));
});

test.run();
