/** After a restart everything is as it was, without a replay; and what time brought about meanwhile is so. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Door, doorOf, newName, strong } from '../../support/door.ts';
import { madeBefore } from '../../support/made-before.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
}
const test = suite<Here>('restart');
test.before(async (here) => {
  here.world = await startRegistry();
  here.door = doorOf(here.world);
});
test.before.each(async ({ door }) => {
  await door.unlock({ maxRequests: 10_000 });
});
test.after(({ world }) => world.stop());

async function connects(world: World, { username, password }: Record<string, string>) {
  const client = await connected(world.mqtt.port, {
    username: username as string,
    password: password as string,
    clientId: newName(),
  });
  client.end();
  return client.code;
}

test('everything is as it was', async ({ door, world }) => {
  const pending = await door.pending();
  const active = await door.active({ mqttPublishPrefix: 'a/' }, newName(), 'a slow password');
  const denied = await door.pending();
  await door.deny(denied.requestId, { reason: 'no' });
  const revoked = await door.active();
  await door.change(revoked.username, 'revoke', { reason: 'sold' });
  const contested = await door.pending();
  await door.ask(contested.username, strong());
  const role = newName('role');
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [] } });
  const all = [pending, active, denied, revoked, contested];
  const look = async () => ({
    window: (await door.must(200, 'GET', '/api/client-registry')).body,
    requests: (await door.must(200, 'GET', '/api/client-registry/requests')).body,
    users: await Promise.all(all.map(({ username }) => door.user(username))),
    roles: (await door.must(200, 'GET', '/api/roles')).body,
    events: await door.events(),
    keys: (await world.call('GET', '/.well-known/paseto', { token: null })).body,
    readModels: (await door.must(200, 'GET', '/api/read-models')).body.stateHash,
    doors: await Promise.all(
      all.map(async ({ registrationToken }) => {
        const { status, body } = await door.self(registrationToken);
        // A registration token is signed anew each time, and brokers listen where it is free.
        return [status, { ...body, registrationToken: undefined, brokers: undefined }];
      }),
    ),
  });
  const before = await look();
  await world.restart();
  assert.equal(await look(), before);
  assert.is(await connects(world, active as never), 0);
  assert.equal(
    await Promise.all(
      all.map(async ({ username, password }) => door.code(await door.ask(username, password))),
    ),
    ['202', '201', '403 registration-denied', '410 access-revoked', '202'],
  );
  assert.equal((await look()).events, before.events, 'asking again recorded nothing');
});

test('the rows are not folded again', async ({ door, world }) => {
  await door.active();
  await world.running.stop();
  const head = await world.withStore((store) => store.head());
  const rows = new DatabaseSync(join(world.dataDir, 'read-models.sqlite'), { readOnly: true });
  const models = rows.prepare('SELECT name, position FROM models').all();
  assert.ok(models.length > 5);
  for (const { name, position } of models)
    assert.is(position, head, `${name} is as far as the log before anything is read`);
  rows.close();
  await world.restart();
});

test('a window, a request and a grant that ended meanwhile have ended', async ({ door, world }) => {
  const waitingMs = 1_200;
  await world.restart({ GATEBOOK_PENDING_TTL: `${waitingMs}ms` });
  const { made, endsAt } = await madeBefore(1_200, async (expiresAt) => {
    const window = await door.unlock({ durationMs: Date.parse(expiresAt) - Date.now() });
    const [pending, active] = [await door.pending(), await door.pending()];
    await door.grant(active.requestId, { expiresAt });
    return { window, pending, active };
  });
  const { window, pending, active } = made;
  await world.running.stop();
  await sleep(Math.max(0, Date.parse(endsAt) + waitingMs - Date.now() + 1));
  await world.restart();
  assert.is(await connects(world, active as never), 5);
  assert.equal(
    [
      door.code(await door.ask(active.username, active.password)),
      door.code(await door.ask(pending.username, pending.password)),
      door.code(await door.self(pending.registrationToken)),
    ],
    ['410 access-expired', '423 registry-locked', '410 access-expired'],
  );
  const now = (await door.must(200, 'GET', '/api/client-registry')).body;
  assert.equal(
    [now.status, now.windowId, now.lockedAt, now.lockedBy],
    ['locked', window.windowId, window.until, null],
  );
  for (let tries = 0; (await door.types(active.username)).at(-1) !== 'CredentialDeactivated'; ) {
    assert.ok(tries++ < 100, 'the deactivation is recorded');
    await sleep(20);
  }
  assert.is((await door.user(active.username)).status, 'expired');
});

test('an activation that was not recorded before the end is caught up with', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  await world.running.stop();
  // As if the process had died between the two: the log has the revocation, nobody acted on it.
  await world.withStore(async (store) => {
    const [last] = (await store.read(`client-${username}`)).slice(-1);
    assert.ok(last);
    const at = new Date().toISOString();
    const by = { kind: 'user' as const, name: 'admin' };
    await store.append(`client-${username}`, last.revision, [
      {
        eventId: crypto.randomUUID(),
        type: 'AccessRevoked',
        data: { username, reason: null, at, by },
        metadata: { correlationId: crypto.randomUUID(), causationId: null },
      },
    ]);
  });
  await world.restart();
  assert.is(await connects(world, { username, password }), 5);
  for (let tries = 0; (await door.types(username)).at(-1) !== 'CredentialDeactivated'; ) {
    assert.ok(tries++ < 100, 'the deactivation is recorded');
    await sleep(20);
  }
});

test('a folder without its rows makes them again, the same', async ({ door, world }) => {
  const hash = async () => (await door.must(200, 'GET', '/api/read-models')).body.stateHash;
  const before = await hash();
  await world.running.stop();
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(world.dataDir, `read-models.sqlite${suffix}`), { force: true });
  await world.restart();
  assert.is(await hash(), before);
  assert.is((await world.call('GET', '/api/whoami')).status, 200, 'no second administrator');
});

test('what a window turned away is told only by who counted from its beginning', async ({
  door,
  world,
}) => {
  const lockedAfter = async (work: () => Promise<unknown>) => {
    await door.must(200, 'POST', '/api/client-registry/lock');
    await door.unlock({ usernamePattern: 'none-*' });
    assert.is((await door.ask(newName(), strong())).status, 423);
    await work();
    await door.must(200, 'POST', '/api/client-registry/lock');
    const { body } = await door.must(200, 'GET', '/api/audit/events?type=RegistryLocked&limit=1');
    return body.items[0].data.turnedAwayCount;
  };
  assert.is(await lockedAfter(async () => undefined), 1);
  assert.is(await lockedAfter(() => world.restart()), undefined);
});

test.run();
