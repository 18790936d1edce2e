/** The attacks that the rows of SPEC 4 are made for, each as a stranger would try it. */
import { once } from 'node:events';
import { loginFailuresPerMinute } from '../../../src/limits/doors.ts';
import { doorOf, newName, strong } from '../../support/door.ts';
import { isOpen, knockAt, session } from '../../support/door-at-mqtt.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { type Answer, adminPassword, startRegistry } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';
import { secretsKept, sweepInDays } from '../../support/vault-look.ts';

const test = doorSuite('attacks on the doors', { limits: { maxRequests: 10_000 } });

const taken = '409 username-taken';
const refused = 5;

test('a stranger who names an active client disturbs nobody', async ({ world, door }) => {
  const device = await door.active();
  const live = await session(world, device);
  const stranger = strong();
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.is(await knockAt(world, { username: device.username, password: stranger }), refused);
    assert.is((await door.ask(device.username, stranger)).status, 409);
  }
  await door.lock();
  assert.is(await knockAt(world, { username: device.username, password: strong() }), refused);
  assert.ok(await isOpen(live));
  assert.is(await knockAt(world, device), 0);
  live.end();
});

test('the name of whoever holds HTTP rights takes no challenger', async ({ door, world }) => {
  await door.signedIn('clerk-of-the-door', { roles: ['registrar'] });
  for (const name of ['admin', 'clerk-of-the-door']) {
    const before = await door.events(name);
    const password = strong();
    for (let attempt = 0; attempt < 2; attempt++)
      assert.is(door.code(await door.ask(name, password)), taken);
    assert.is(await knockAt(world, { username: name, password }), refused);
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
    assert.is(await knockAt(world, { username, password: stranger }), refused);
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
          await knockAt(world, { username, password });
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
      assert.is(await knockAt(world, { username, password: loser }), refused);
    }
    assert.is(await knockAt(world, { username, password: winner as string }), 0);
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
  const kept = await secretsKept(world);
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
  assert.is(await sweepInDays(world, 29), 0, 'nothing goes before its time');
  assert.is(await sweepInDays(world, 31), 3);
  await world.restart();
  await door.lock();
  assert.equal(await codes(), Array(3).fill('423 registry-locked'));
  await door.unlock({ maxRequests: 10_000 });
  assert.equal(await codes(), ['202', '410 access-revoked', denial]);
  const told = await door.ask(revoked.username, revoked.password);
  assert.is(told.body.reason, undefined);
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
  assert.is(await knockAt(world, two, clientId), idRejected);
  assert.is(await knockAt(world, { username: newName(), password: strong() }, clientId), refused);
  assert.ok(await isOpen(held));
  held.end();
  await once(held.socket, 'close');
  assert.is(await knockAt(world, one, clientId), 0);
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

  /** Few at once: on a busy machine more would not be hashed in time, and what is not hashed does not count. */
  const guess = async (username: string, password: () => string, from: string) => {
    for (let round = 0; round < 10; round++) {
      const given = Array.from({ length: 3 }, () => login(username, password(), from));
      for (const { status } of await Promise.all(given)) assert.ok([401, 429].includes(status));
    }
  };
  const source = '203.0.113.2';
  await guess('admin', strong, source);
  const slowed = await login('admin', adminPassword, source);
  assert.equal([slowed.status, slowed.body.code], [429, 'login-throttled']);
  assert.ok(Number(slowed.headers.get('retry-after')) > 0);
  // Only this name from this source.
  assert.is((await login('admin', adminPassword)).status, 200);

  // Behind the same address a password that cannot be guessed gets in; one that can be is not guessed on.
  const shared = '203.0.113.3';
  assert.is((await login('admin', adminPassword, shared)).status, 200);
  // One by one: on a slow machine no more wait for a slow hash than it serves in time.
  for (let times = 0; times < loginFailuresPerMinute; times++)
    assert.is((await login('admin', 'a weak guess', shared)).status, 401);
  assert.is((await login('admin', adminPassword, shared)).status, 429);
  const owner = await door.active();
  await guess(owner.username, strong, shared);
  assert.is((await login(owner.username, strong(), shared)).status, 429);
  assert.is((await login(owner.username, owner.password, shared)).status, 200, 'not to be guessed');
});

test('devices that hammer keep nobody of their address from signing in who did so before', async ({
  door,
  world,
}) => {
  const [source, attemptsMax] = ['203.0.113.4', 5];
  await world.restart({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: String(attemptsMax) });
  await door.lock();
  const login = (password: string) =>
    world.call('POST', '/api/login', {
      body: { username: 'admin', password },
      headers: { 'X-Forwarded-For': source },
    });
  assert.is((await login(adminPassword)).status, 200);
  for (let attempt = 0; attempt < attemptsMax; attempt++)
    await door.ask(newName(), strong(), { source });
  assert.is(door.code(await door.ask(newName(), strong(), { source })), '429 source-throttled');
  assert.is((await login(adminPassword)).status, 200);
  for (let attempt = 0; attempt < loginFailuresPerMinute; attempt++)
    assert.is((await login(`a guess ${attempt}`)).status, 429);
  assert.is((await login(adminPassword)).status, 429, 'until they guess at this very name');
  await world.restart();
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
      assert.is(await busy(() => knockAt(world, { username: name, password: 'a guess' })), 3);
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
        assert.is(await knockAt(world, { username: strongOne.username, password }), 0);
      assert.is(await knockAt(world, { username: remembered.username, password: slowPassword }), 0);
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
