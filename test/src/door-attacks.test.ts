/** The attacks that the rows of SPEC 4 are made for, each as a stranger would try it. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Door, doorOf, newName, strong } from '../support/door.ts';
import { connected, type RawMqtt } from '../support/mqtt-peers.ts';
import { type Answer, adminPassword, startRegistry, type World } from '../support/service.ts';
import { secretsKept, sweepInDays } from '../support/vault-look.ts';

interface Here {
  world: World;
  door: Door;
}
const test = suite<Here>('attacks on the doors');
test.before(async (here) => {
  here.world = await startRegistry({
    GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
  });
  here.door = doorOf(here.world);
});
test.before.each(async ({ door }) => {
  await door.lock();
  await door.unlock({ maxRequests: 10_000 });
});
test.after(({ world }) => world.stop());

const taken = '409 username-taken';
const refused = 5;

/** CONNACK's code; the connection is closed again. */
async function knockAt(world: World, username: string, password: string, clientId = newName()) {
  const client = await connected(world.mqtt.port, { username, password, clientId });
  client.end();
  return client.code;
}

async function session(world: World, username: string, password: string): Promise<RawMqtt> {
  const client = await connected(world.mqtt.port, { username, password, clientId: newName() });
  assert.is(client.code, 0);
  return client;
}

const isOpen = (client: RawMqtt) =>
  Promise.race([client.closed.then(() => false), sleep(20).then(() => true)]);

const challengeOf = async (door: Door, username: string) =>
  (await door.requestsOf(username)).find(({ kind }: { kind: string }) => kind === 'replacement');

test('a stranger who names an active client disturbs nobody', async ({ world, door }) => {
  const device = await door.active();
  const live = await session(world, device.username, device.password);
  const stranger = strong();
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.is(await knockAt(world, device.username, stranger), refused);
    assert.is((await door.ask(device.username, stranger)).status, 409);
  }
  await door.lock();
  assert.is(await knockAt(world, device.username, strong()), refused);
  assert.ok(await isOpen(live));
  assert.is(await knockAt(world, device.username, device.password), 0);
  live.end();
});

test('the name of whoever holds HTTP rights takes no challenger', async ({ door, world }) => {
  await door.signedIn('clerk-of-the-door', { roles: ['registrar'] });
  for (const name of ['admin', 'clerk-of-the-door']) {
    const before = await door.events(name);
    const password = strong();
    for (let attempt = 0; attempt < 2; attempt++)
      assert.is(door.code(await door.ask(name, password)), taken);
    assert.is(await knockAt(world, name, password), refused);
    assert.equal(await door.requestsOf(name), []);
    assert.equal(await door.events(name), before);
  }
});

test('a pending name is contested once a window, and its grant wants to be confirmed', async ({
  door,
  world,
}) => {
  const { username, password, requestId } = await door.pending();
  const strangers = [strong(), strong(), strong()];
  for (const stranger of strangers) assert.is(door.code(await door.ask(username, stranger)), taken);
  assert.equal(await door.types(username), ['RegistrationRequested', 'RegistrationContested']);
  await door.lock();
  await door.unlock({ maxRequests: 10_000 });
  assert.is(door.code(await door.ask(username, strangers[0] as string)), taken);
  const [request] = await door.requestsOf(username);
  assert.equal([request.contested, request.conflictCount], [true, 2]);

  assert.is((await door.grant(requestId, {}, 409)).body.code, 'request-contested');
  await door.grant(requestId, { confirmContested: true });
  assert.is(door.code(await door.ask(username, password)), '201');
  await door.lock();
  for (const stranger of strangers) {
    assert.is(door.code(await door.ask(username, stranger)), '423 registry-locked');
    assert.is(await knockAt(world, username, stranger), refused);
  }
});

test('of two first requests that race, one waits, and the other password never works', async ({
  door,
  world,
}) => {
  const rounds = 12;
  const names: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const username = newName('race');
    names.push(username);
    const passwords = [strong(), strong(), strong()];
    const asked = await Promise.all(
      passwords.map(async (password, at) => {
        if (at === 2) {
          await knockAt(world, username, password);
          return door.ask(username, password);
        }
        return door.ask(username, password);
      }),
    );
    const winners = asked.filter(({ status }) => status === 202);
    assert.is(winners.length, 1, asked.map(door.code).join());
    const winner = passwords[asked.findIndex(({ status }) => status === 202)];
    const losers = passwords.filter((password) => password !== winner);
    assert.equal(await door.types(username), ['RegistrationRequested', 'RegistrationContested']);
    for (const loser of losers) assert.is(door.code(await door.ask(username, loser)), taken);
    const [{ requestId }] = await door.requestsOf(username);
    await door.grant(requestId, { confirmContested: true });
    await door.lock();
    for (const loser of losers) {
      assert.is(door.code(await door.ask(username, loser)), '423 registry-locked');
      assert.is(await knockAt(world, username, loser), refused);
    }
    assert.is(await knockAt(world, username, winner as string), 0);
    await door.unlock({ maxRequests: 10_000 });
  }
  // Nor does anything stay of what an administrator was refused.
  const held = await door.active();
  const again = { username: held.username, password: strong() };
  await door.command('/api/users', again, 409);
  await door.change(held.username, 'suspend');
  await door.change(held.username, 'rotate', { password: strong() }, 409);
  // Nor of a password that is good for nothing any more.
  const rotated = await door.active();
  await door.change(rotated.username, 'rotate', { password: strong() });
  names.push(held.username, rotated.username);
  // Nothing stays of those who lost: one verifier and one key for each name.
  await world.running.stop();
  const kept = await secretsKept(world.dataDir);
  await world.restart();
  for (const name of names) assert.equal(kept.get(name), ['personal-key', 'verifier'], name);
});

test('whose verifier is gone is told what strangers are told', async ({ door, world }) => {
  const [denied, revoked, blocked] = [
    await door.pending(newName(), 'a slow password'),
    await door.active(),
    await door.pending(),
  ];
  await door.deny(denied.requestId, { reason: 'no' });
  await door.deny(blocked.requestId, { blockedUntil: '2999-01-01T00:00:00.000Z' });
  await door.change(revoked.username, 'revoke', { reason: 'sold' });
  const codes = () =>
    Promise.all(
      [denied, revoked, blocked].map(async ({ username, password }) =>
        door.code(await door.ask(username, password)),
      ),
    );
  const denial = '403 registration-denied';
  assert.equal(await codes(), [denial, '410 access-revoked', denial]);
  await world.running.stop();
  assert.is(await sweepInDays(world.dataDir, 29), 0, 'nothing goes before its time');
  assert.is(await sweepInDays(world.dataDir, 31), 3);
  await world.restart();
  await door.lock();
  assert.equal(await codes(), Array(3).fill('423 registry-locked'));
  await door.unlock({ maxRequests: 10_000 });
  assert.equal(await codes(), ['202', '410 access-revoked', denial]);
  const told = await door.ask(revoked.username, revoked.password);
  assert.is(told.body.reason, undefined);
});

test('a denied one: this window, locked again, the next one, and while it is blocked', async ({
  door,
}) => {
  const { username, password, requestId } = await door.pending();
  const again = () => door.ask(username, password);
  await door.deny(requestId, { reason: 'not on the list' });
  assert.is(door.code(await again()), '403 registration-denied');
  // Unlocking while it is unlocked is no other window.
  await door.unlock({ maxRequests: 10_000, note: 'longer' });
  assert.is(door.code(await again()), '403 registration-denied');
  await door.lock();
  const locked = await again();
  assert.equal(
    [door.code(locked), locked.body.reason],
    ['403 registration-denied', 'not on the list'],
  );
  await door.unlock({ maxRequests: 10_000 });
  const next = await again();
  assert.is(door.code(next), '202');
  assert.is.not(next.body.requestId, requestId);
  const blockedUntil = new Date(Date.now() + 600).toISOString();
  await door.deny(next.body.requestId, { blockedUntil });
  await door.lock();
  await door.unlock({ maxRequests: 10_000 });
  assert.is((await again()).body.blockedUntil, blockedUntil);
  await sleep(Math.max(0, Date.parse(blockedUntil) - Date.now() + 1));
  assert.is(door.code(await again()), '202');
});

test('a revoked name asks again only when it is reinstated, and as somebody new', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  await door.change(username, 'revoke');
  await door.lock();
  await door.unlock({ maxRequests: 10_000 });
  assert.is(door.code(await door.ask(username, password)), '410 access-revoked');
  assert.is(await knockAt(world, username, password), refused);
  await door.change(username, 'reinstate');
  await door.lock();
  assert.is(door.code(await door.ask(username, password)), '423 registry-locked');
  await door.unlock({ maxRequests: 10_000 });
  const asked = await door.pending(username, password);
  assert.is(await knockAt(world, username, password), refused);
  await door.grant(asked.requestId);
  assert.is(await knockAt(world, username, password), 0);
});

test('a suspended one goes on with the same password when it is resumed', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  await door.change(username, 'suspend');
  assert.is(await knockAt(world, username, password), refused);
  assert.is(door.code(await door.ask(username, strong())), taken);
  assert.is(await challengeOf(door, username), undefined, 'nobody challenges a suspended one');
  await door.change(username, 'resume');
  assert.is(await knockAt(world, username, password), 0);
});

test('a replacement that is granted ends the old password and its sessions at once', async ({
  door,
  world,
}) => {
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'write' }];
  const { username, password } = await door.active({ permissions });
  const live = await session(world, username, password);
  const token = (
    await world.call('POST', '/api/tokens', {
      token: await world.signIn(username, password),
      body: { label: 'of the old one' },
    })
  ).body.token;
  const challenger = strong();
  assert.is(door.code(await door.ask(username, challenger)), taken);
  assert.is(door.code(await door.ask(username, challenger)), '409 replacement-pending');
  assert.is(door.code(await door.ask(username, strong())), taken, 'there is one challenger');
  assert.ok(await isOpen(live));

  const { requestId } = await challengeOf(door, username);
  assert.is((await door.grant(requestId, {}, 409)).body.code, 'request-contested');
  await door.grant(requestId, { confirmContested: true });
  assert.is(await isOpen(live), false);
  assert.is(await knockAt(world, username, password), refused);
  assert.is(await knockAt(world, username, token), refused);
  assert.is(await knockAt(world, username, challenger), 0);
  const told = await door.ask(username, challenger);
  assert.equal([told.status, told.body.permissions], [201, permissions], 'rights as they were');
});

test('a denied challenger waits for another window, and so does everybody else', async ({
  door,
}) => {
  const { username, password } = await door.active();
  const challenger = strong();
  await door.ask(username, challenger);
  await door.deny((await challengeOf(door, username)).requestId, { reason: 'no' });
  assert.is(door.code(await door.ask(username, challenger)), '403 registration-denied');
  assert.is(door.code(await door.ask(username, strong())), taken);
  assert.is((await door.requestsOf(username)).length, 2, 'nobody else became one');
  assert.is(door.code(await door.ask(username, password)), '201');
  await door.lock();
  await door.unlock({ maxRequests: 10_000 });
  assert.is(door.code(await door.ask(username, challenger)), taken);
  assert.is(door.code(await door.ask(username, challenger)), '409 replacement-pending');
});

test('whatever ends what a challenger asked to replace ends the challenger', async ({
  door,
  world,
}) => {
  await door.must(201, 'PUT', '/api/roles/operators', { body: { permissions: [] } });
  const http = [{ context: 'http', resource: '/api/roles/#', operation: 'read' }];
  const endings: Record<string, (username: string) => Promise<unknown>> = {
    suspend: (username) => door.change(username, 'suspend'),
    revoke: (username) => door.change(username, 'revoke'),
    rotate: (username) => door.change(username, 'rotate'),
    'HTTP rights': (username) =>
      door.must(200, 'PUT', `/api/users/${username}/authorization`, {
        body: { permissions: http },
      }),
    'a role that comes to hold HTTP rights': () =>
      door.must(200, 'PUT', '/api/roles/operators', { body: { permissions: http } }),
  };
  for (const [ending, end] of Object.entries(endings)) {
    const device = await door.active({ roles: ['operators'] });
    const challenger = strong();
    await door.ask(device.username, challenger);
    const { requestId } = await challengeOf(door, device.username);
    await end(device.username);
    assert.is((await challengeOf(door, device.username)).status, 'denied', ending);
    assert.is(door.code(await door.ask(device.username, challenger)).slice(0, 3) === '201', false);
    assert.is(await knockAt(world, device.username, challenger), refused, ending);
    assert.is((await door.grant(requestId, {}, 409)).body.code, 'request-already-denied', ending);
    if (ending.endsWith('rights')) {
      await door.lock();
      await door.unlock({ maxRequests: 10_000 });
      assert.is(door.code(await door.ask(device.username, strong())), taken);
      assert.is((await door.requestsOf(device.username)).length, 2, 'and none comes after it');
    }
  }
});

test('an expiry ends the challenger too, at its moment', async ({ door }) => {
  const expiresAt = new Date(Date.now() + 500).toISOString();
  const { username, password } = await door.active({ expiresAt });
  const challenger = strong();
  await door.ask(username, challenger);
  await sleep(Math.max(0, Date.parse(expiresAt) - Date.now() + 1));
  await door.lock();
  assert.is(door.code(await door.ask(username, password)), '410 access-expired');
  assert.is((await challengeOf(door, username)).status, 'denied');
  assert.is(door.code(await door.ask(username, challenger)), '423 registry-locked');
});

test('nobody takes the session of another by its client id', async ({ door, world }) => {
  const [one, two] = [await door.active(), await door.active()];
  const clientId = newName();
  const held = await connected(world.mqtt.port, {
    username: one.username,
    password: one.password,
    clientId,
  });
  assert.is(held.code, 0);
  const idRejected = 2;
  assert.is(await knockAt(world, two.username, two.password, clientId), idRejected);
  assert.is(await knockAt(world, newName(), strong(), clientId), refused);
  assert.ok(await isOpen(held));
  held.end();
  await once(held.socket, 'close');
  assert.is(await knockAt(world, one.username, one.password, clientId), 0);
});

test('a sign-in is refused alike whatever is wrong, and slowed down', async ({ door, world }) => {
  const suspended = await door.active();
  await door.change(suspended.username, 'suspend');
  const pending = await door.pending();
  const login = (username: string, password: string, source = '203.0.113.1') =>
    world.call('POST', '/api/login', {
      token: null,
      body: { username, password },
      headers: { 'X-Forwarded-For': source },
    });
  const bodies = await Promise.all([
    login('admin', strong()),
    login(newName(), strong()),
    login(suspended.username, suspended.password),
    login(pending.username, pending.password),
  ]);
  assert.equal([...new Set(bodies.map(({ status }) => status))], [401]);
  assert.is(new Set(bodies.map(({ body }) => JSON.stringify(body))).size, 1);

  const source = '203.0.113.2';
  await Promise.all(Array.from({ length: 30 }, () => login('admin', strong(), source)));
  const slowed = await login('admin', adminPassword, source);
  assert.equal([slowed.status, slowed.body.code], [429, 'login-throttled']);
  assert.ok(Number(slowed.headers.get('retry-after')) > 0);
  // Only this name from this source.
  assert.is((await login('admin', adminPassword)).status, 200);
});

test('while all slow hashes are taken, what needs none gets in, and every name is told the same', async () => {
  const world = await startRegistry({}, { concurrency: 1, waitingMax: 0 });
  const door = doorOf(world);
  const slowPassword = 'remembered all the time';
  await door.unlock();
  const strongOne = await door.active();
  const remembered = await door.active({}, newName(), slowPassword);
  const owner = await world.signIn(strongOne.username, strongOne.password);
  await door.lock();

  let over = false;
  const flooding = Array.from({ length: 6 }, async () => {
    while (!over) await door.ask(newName('flood'), 'a guess');
  });
  /** One of many tries may find a slot free for a moment. */
  const busy = async (attempt: () => Promise<Answer | number>) => {
    for (let tries = 0; tries < 50; tries++) {
      const answer = await attempt();
      if (typeof answer === 'number' ? answer !== refused : answer.status !== 423) return answer;
    }
    throw new Error('the slots are never all taken');
  };
  try {
    for (const name of [newName(), 'admin', strongOne.username, remembered.username]) {
      const answer = (await busy(() => door.ask(name, `a guess at ${name}`))) as Answer;
      assert.equal([answer.status, answer.body.code], [503, 'hashing-busy'], name);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      assert.is(await busy(() => knockAt(world, name, 'a guess')), 3);
    }
    const busyInVersion5 = await busy(async () => {
      const attempt = { version: 5, username: newName(), password: 'a guess' } as const;
      const client = await connected(world.mqtt.port, attempt);
      client.end();
      return client.code === 0x87 ? refused : client.code;
    });
    assert.is(busyInVersion5, 0x88);
    for (let round = 0; round < 5; round++) {
      for (const password of [strongOne.password, owner])
        assert.is(await knockAt(world, strongOne.username, password), 0);
      assert.is(await knockAt(world, remembered.username, slowPassword), 0);
      assert.is(door.code(await door.ask(strongOne.username, strongOne.password)), '201');
      assert.is(door.code(await door.ask(remembered.username, slowPassword)), '201');
      assert.is((await world.call('GET', '/api/whoami', { token: owner })).status, 200);
      assert.is(door.code(await door.ask(newName(), strong())), '423 registry-locked');
    }
  } finally {
    over = true;
    await Promise.all(flooding);
    await world.stop();
  }
});

test.run();
