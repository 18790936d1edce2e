/** Mosquitto by dynamic security: real ones, from the request to the revocation. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connected, publish, subscribed, type Version } from '../../../support/mqtt-peers.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { controlUsername, mosquittoIsHere } from './peer.ts';
import { type Beside, besideMosquitto, may } from './world.ts';

const test = suite('mosquitto');
const ownTopics = 'plant/$' + '{username}/#';
const isHere = mosquittoIsHere();
if (!isHere) skipped('no mosquitto here');
let beside: Beside;

test.before(async () => {
  if (!isHere) return;
  beside = await besideMosquitto();
  await beside.unlock();
});
test.after(async () => {
  if (isHere) await beside.clean();
});

const when = (name: string, run: () => Promise<void>) =>
  test(name, async () => {
    if (isHere) await run();
  });

const connect = (username: string, password: string, more: object = {}) =>
  connected(beside.peer.port, { clientId: username, username, password, version: 5, ...more });
const codeOf = async (username: string, password: string, more: object = {}) => {
  const client = await connect(username, password, more);
  client.end();
  return client.code;
};

when('an account is laid ready at the request and lets nobody in before the grant', async () => {
  const requestId = await beside.asked('press-1', 'hunter-22');
  await beside.staged('press-1');
  assert.is(await codeOf('press-1', 'hunter-22'), 0x87);

  const granted = await beside.grant(requestId, may('readWrite', 'plant/press-1/#'));
  const found = granted.body.activations.find(
    (one: { broker: string }) => one.broker !== 'embedded',
  );
  assert.is(found.broker, 'mosquitto');
  assert.is(found.status, 'active');
  assert.is(await codeOf('press-1', 'hunter-22'), 0);
  assert.is(await codeOf('press-1', 'hunter-23'), 0x87);
});

when('activations are recorded by the name of their broker', async () => {
  const { body } = await beside.world.call('GET', '/api/audit/events?username=press-1');
  const activated = body.items
    .filter(({ type }: { type: string }) => type === 'CredentialActivated')
    .map(({ data }: { data: { broker: string } }) => data.broker);
  assert.equal(activated.sort(), ['embedded', 'mosquitto']);
});

when("who may write everything writes to none of the registry's topics", async () => {
  await beside.grant(await beside.asked('press-all', 'hunter-22'), may('readWrite', '#'));
  const client = await connect('press-all', 'hunter-22');
  assert.equal(await subscribed(client, ['gatebook/#']), [1]);
  for (const topic of ['gatebook/registry/window', 'gatebook/registry']) {
    client.send(publish(topic, 'forged', { qos: 1, retain: true }));
    assert.is((await client.take('puback')).reasonCode, 0x87);
  }
  client.send(publish('gatebook/registry2', 'fine', { qos: 1 }));
  assert.is((await client.take('puback')).reasonCode, 0);
  client.end();
});

when('no password is in the file of accounts', async () => {
  await beside.asked('press-2', 'seen-nowhere');
  await beside.staged('press-2');
  const file = join(dirname(beside.peer.socket), 'accounts.json');
  assert.not.match(readFileSync(file, 'utf8'), 'seen-nowhere');
});

when('a denied request leaves no account', async () => {
  const requestId = await beside.asked('press-3', 'hunter-22');
  await beside.staged('press-3');
  await beside.world.call('POST', `/api/client-registry/requests/${requestId}/deny`, { body: {} });
  await beside.gone('press-3');
});

for (const version of [3, 4, 5] as const satisfies Version[])
  when(`revoke closes the live session and removes account and role (${version})`, async () => {
    const name = `press-4-${version}`;
    await beside.grant(await beside.asked(name, 'hunter-22'), may('write', 'a'));
    const client = await connect(name, 'hunter-22', { version });
    assert.is(client.code, 0);
    await beside.act(name, 'revoke');
    await client.closed;
    await beside.gone(name);
    assert.not(beside.peer.accounts().roles.some(({ rolename }) => rolename.endsWith(`:${name}`)));
    assert.is((await beside.activation(name))?.status, 'inactive');
  });

when('suspend closes the session and keeps the password for resume', async () => {
  await beside.grant(await beside.asked('press-5', 'hunter-22'), may('write', 'a'));
  const client = await connect('press-5', 'hunter-22');
  await beside.act('press-5', 'suspend');
  await client.closed;
  assert.is(await codeOf('press-5', 'hunter-22'), 0x87);
  await beside.act('press-5', 'resume');
  assert.is((await beside.activation('press-5'))?.status, 'active');
  assert.is(await codeOf('press-5', 'hunter-22'), 0);
});

when('a rotated password works at once, the old one no more', async () => {
  await beside.grant(await beside.asked('press-6', 'hunter-22'), may('write', 'a'));
  const client = await connect('press-6', 'hunter-22');
  const { body } = await beside.act('press-6', 'rotate');
  await client.closed;
  assert.is(await codeOf('press-6', 'hunter-22'), 0x87);
  assert.is(await codeOf('press-6', body.password), 0);
});

when('a user made without a request works at once', async () => {
  const { body } = await beside.world.call('POST', '/api/users', {
    body: { username: 'line-pc', permissions: [may('read', 'plant/#')] },
  });
  assert.is(
    body.activations.find((one: { broker: string }) => one.broker === 'mosquitto').status,
    'active',
  );
  assert.is(await codeOf('line-pc', body.password), 0);
});

when('a replacement works when its password is next shown; till then nothing does', async () => {
  await beside.grant(await beside.asked('press-7', 'first-one'), may('write', 'a'));
  const old = await connect('press-7', 'first-one');
  assert.is((await beside.ask('press-7', 'second-one')).status, 409);
  const { body } = await beside.world.call(
    'GET',
    '/api/client-registry/requests?q=press-7&status=pending',
  );
  await beside.grant(body.items[0].requestId);
  await old.closed;
  const waiting = await beside.activation('press-7');
  assert.is(waiting?.status, 'waiting');
  assert.match(waiting?.detail ?? '', 'password');
  assert.is(await codeOf('press-7', 'first-one'), 0x87);

  assert.is((await beside.ask('press-7', 'second-one')).status, 201);
  await beside.becomes('press-7', 'active');
  assert.is(await codeOf('press-7', 'second-one'), 0);
  assert.is(await codeOf('press-7', 'first-one'), 0x87);
});

when('a pinned client id holds, and can be lifted', async () => {
  const { grant, asked, world } = beside;
  const requestId = await asked('press-8', 'hunter-22');
  await world.call('POST', `/api/client-registry/requests/${requestId}/grant`, {
    body: { mqttClientId: 'only-this' },
  });
  assert.is(await codeOf('press-8', 'hunter-22'), 0x87);
  assert.is(await codeOf('press-8', 'hunter-22', { clientId: 'only-this' }), 0);
  await world.call('PUT', '/api/users/press-8/authorization', { body: {} });
  assert.is(await codeOf('press-8', 'hunter-22'), 0);
  assert.type(grant, 'function');
});

when(
  'names that others hold at the broker are left alone, and the administrator sees why',
  async () => {
    beside.peer.control('createClient', 'oven-1', '-p', 'by-hand');
    const theirs = await connect('oven-1', 'by-hand');
    const before = JSON.stringify(beside.account('oven-1'));
    for (const name of ['oven-1', controlUsername]) {
      const requestId = await beside.asked(name, 'attacker-1');
      const shown = async () =>
        (await beside.world.call('GET', `/api/client-registry/requests/${requestId}`)).body;
      let seen = await shown();
      for (let looks = 0; looks < 500 && seen.activations.length === 0; looks++)
        seen = await shown();
      assert.is(seen.activations[0].status, 'failed');
      assert.match(
        seen.activations[0].detail,
        `an account "${name}" that this registry did not make`,
      );
      const granted = await beside.grant(requestId, may('write', '#'));
      assert.is(granted.status, 200);
      assert.is((await beside.activation(name))?.status, 'failed');
      await beside.act(name, 'suspend');
      await beside.act(name, 'revoke');
    }
    assert.is(theirs.socket.destroyed, false);
    assert.is(JSON.stringify(beside.account('oven-1')), before);
    assert.is(await codeOf('oven-1', 'attacker-1'), 0x87);
    theirs.send(publish('x', 'still connected', { qos: 1 }));
    await theirs.take('puback');
    theirs.end();
    assert.is(beside.world.running.app.health()['broker:mosquitto'], 'up');
  },
);

when('rights are what was granted: no more, no less, and other ones at once', async () => {
  const requestId = await beside.asked('meter-1', 'hunter-22');
  await beside.grant(
    requestId,
    ...[may('read', 'plant/+/state'), may('read', 'site/#'), may('write', ownTopics)],
    ...[may('readWrite', '$CONTROL/#'), may('write', '$SYS/x')],
  );
  const { peer } = beside;
  const meter = await connect('meter-1', 'hunter-22');
  const asked = [
    ...['plant/+/state', 'plant/a/state', 'site/#', 'site/+/b', 'site'],
    ...['#', '+/#', 'plant/#', 'plant/+/+', 'plant/+', 'plant/a/b', '$SYS/#', '$CONTROL/#'],
    '$share/g/other/#',
  ];
  const granted = await subscribed(meter, asked);
  assert.equal(
    asked.filter((_, at) => (granted[at] ?? 0x80) < 0x80),
    ['plant/+/state', 'plant/a/state', 'site/#', 'site/+/b', 'site'],
  );
  const may5 = async (topic: string) => {
    meter.send(publish(topic, 'x', { qos: 1 }));
    return ((await meter.take('puback')).reasonCode ?? 0) < 0x80;
  };
  assert.is(await may5('plant/meter-1/a/b'), true);
  assert.is(await may5('plant/meter-2/a'), false);
  assert.is(await may5('site/x'), false);
  assert.is(await may5('$CONTROL/dynamic-security/v1'), false);

  peer.control('createRole', 'anything');
  for (const type of ['publishClientSend', 'subscribePattern', 'publishClientReceive'])
    peer.control('addRoleACL', 'anything', type, '#', 'allow', '9');
  peer.control('createClient', 'line-1', '-p', 'by-hand');
  peer.control('addClientRole', 'line-1', 'anything', '1');
  const line = await connect('line-1', 'by-hand');
  await subscribed(line, ['site/#']);
  line.send(publish('site/x', 'granted', { qos: 1 }));
  assert.is(String((await meter.take('publish')).payload), 'granted');
  await line.take('publish');

  await beside.world.call('PUT', '/api/users/meter-1/authorization', {
    body: { permissions: [may('write', 'only/this')] },
  });
  // The session goes on, with other rights: what it had subscribed to is not delivered any more.
  assert.is(await may5('plant/meter-1/a/b'), false);
  assert.is(await may5('only/this'), true);
  assert.equal(await subscribed(meter, ['site/#', 'only/this']), [0x87, 0x87]);
  line.send(publish('site/x', 'for who may read', { qos: 1 }));
  await line.take('publish');
  assert.not(meter.received.some(({ cmd }) => cmd === 'publish'));
  line.end();
  meter.end();
});

when('a changed role changes the rights of all who hold it', async () => {
  const role = (resource: string) =>
    beside.world.call('PUT', '/api/roles/reader', {
      body: { permissions: [may('read', resource)] },
    });
  await role('first/#');
  const requestId = await beside.asked('meter-2', 'hunter-22');
  await beside.world.call('POST', `/api/client-registry/requests/${requestId}/grant`, {
    body: { roles: ['reader'] },
  });
  await role('second/#');
  const meter = await connect('meter-2', 'hunter-22');
  assert.equal(await subscribed(meter, ['first/#', 'second/#']), [0x87, 1]);
  meter.end();
});

when('a start after a kill finds what was left half done and ends it', async () => {
  const { world, peer } = beside;
  const requestId = await beside.asked('press-9', 'hunter-22');
  await beside.staged('press-9');
  await beside.grant(requestId, may('write', 'a'));
  // As if it had died between the broker's acknowledgement and its own record, and before a deletion.
  peer.control('disableClient', 'press-9');
  peer.control('createClient', 'press-10', '-p', 'x');
  await world.restart();
  await beside.becomes('press-9', 'active');
  await (async () => {
    for (let tries = 0; tries < 500; tries++)
      if ((await codeOf('press-9', 'hunter-22')) === 0) return;
    throw new Error('press-9 never comes in again');
  })();
  assert.ok(beside.account('press-10'));
});

test.run();
