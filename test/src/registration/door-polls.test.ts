/** What a client is told that asks again: with its password, with a registration token, or waiting. */

import { setTimeout as sleep } from 'node:timers/promises';
import { newName, selfPath, strong } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { madeBefore } from '../../support/made-before.ts';
import { assert } from '../../support/suite.ts';

const test = doorSuite('polls at the door');

test('a registration token tells what a matching POST is told, never that it is locked', async ({
  door,
  world,
}) => {
  const same = async (one: { username: string; password: string; registrationToken: string }) => {
    const byToken = await door.self(one.registrationToken);
    const byPassword = await door.ask(one.username, one.password);
    const { registrationToken: _, ...mine } = byToken.body;
    const { registrationToken: __, ...theirs } = byPassword.body;
    assert.equal([byToken.status, mine], [byPassword.status, theirs]);
    return door.code(byToken);
  };
  const pending = await door.pending();
  const denied = await door.pending();
  await door.deny(denied.requestId, { reason: 'not yours' });
  const [active, suspended, revoked] = [
    await door.active(),
    await door.active(),
    await door.active(),
  ];
  const { made: expired, endsAt } = await madeBefore(700, (expiresAt) =>
    door.active({ reason: 'for a moment', expiresAt }),
  );
  await door.change(suspended.username, 'suspend', { reason: 'audit' });
  await door.change(revoked.username, 'revoke', { reason: 'sold' });
  await sleep(Math.max(0, Date.parse(endsAt) - Date.now() + 1));
  await door.lock();
  assert.is(await same(pending), '202');
  assert.is(await same(active), '201');
  assert.is(await same(suspended), '403 access-suspended');
  assert.is(await same(revoked), '410 access-revoked');
  assert.is(await same(denied), '403 registration-denied');
  assert.is(await same(expired), '410 access-expired');
  // The challenger's token.
  await door.unlock();
  const challenger = { ...active, password: strong() };
  await door.ask(challenger.username, challenger.password);
  const [challenge] = await door.requestsOf(active.username);
  await door.lock();
  const token = await world.running.app.registration.tokenFor(challenge);
  assert.is(await same({ ...challenger, registrationToken: token }), '409 replacement-pending');
  await door.grant(challenge.requestId);
  assert.is(await same({ ...challenger, registrationToken: token }), '201');
  assert.is(door.code(await door.self(active.registrationToken)), '410 access-expired');
});

test('only a registration token opens requests/self, and only that', async ({ door, world }) => {
  const { registrationToken } = await door.pending();
  const code = async (token: string | null) =>
    (await world.call('GET', selfPath, { token })).body.code;
  assert.is(await code(null), 'token-missing');
  assert.is(await code(world.token), 'token-invalid', 'a token of another audience');
  for (const at of [20, 60, registrationToken.length - 3]) {
    const letter = registrationToken[at] === 'A' ? 'B' : 'A';
    const tampered = registrationToken.slice(0, at) + letter + registrationToken.slice(at + 1);
    assert.is(await code(tampered), 'token-invalid');
  }
  const { tokenFor } = world.running.app.registration;
  const twoDaysAgo = new Date(Date.now() - 25 * 60 * 60 * 1_000).toISOString();
  const [request] = (await door.must(200, 'GET', '/api/client-registry/requests?limit=1')).body
    .items;
  assert.is(await code(await tokenFor({ ...request, expiresAt: twoDaysAgo })), 'token-invalid');
  const unknown = { ...request, requestId: '00000000-0000-4000-8000-000000000000' };
  assert.is(await code(await tokenFor(unknown)), 'token-invalid');
  // And it opens nothing else.
  for (const path of ['/api/whoami', '/api/users', '/api/tokens'])
    assert.is(
      (await world.call('GET', path, { token: registrationToken })).body.code,
      'token-invalid',
    );
});

test('who prefers to wait is told the decision at once', async ({ door }) => {
  const one = await door.pending();
  const two = await door.pending();
  const three = await door.pending();
  const startedMs = performance.now();
  const waiting = [
    door.ask(one.username, one.password, { wait: 30 }),
    door.self(one.registrationToken, 30),
    door.ask(two.username, two.password, { wait: 30 }),
    door.self(three.registrationToken, 30),
  ];
  await sleep(150);
  await door.lock();
  // A contest is no decision.
  await door.unlock();
  await door.ask(three.username, strong());
  await door.grant(one.requestId);
  await door.deny(two.requestId, { reason: 'no' });
  await door.grant(three.requestId, { confirmContested: true });
  const codes = (await Promise.all(waiting)).map(door.code);
  assert.equal(codes, ['201', '201', '403 registration-denied', '201']);
  assert.ok(performance.now() - startedMs < 10_000);
});

test('who prefers to wait waits no longer than that, and a decided one not at all', async ({
  door,
}) => {
  const { registrationToken, username, password, requestId } = await door.pending();
  const startedMs = performance.now();
  const [byToken, byPassword] = await Promise.all([
    door.self(registrationToken, 1),
    door.ask(username, password, { wait: 1 }),
  ]);
  assert.equal([byToken, byPassword].map(door.code), ['202', '202']);
  assert.ok(performance.now() - startedMs >= 990);
  await door.grant(requestId);
  const laterMs = performance.now();
  assert.is(door.code(await door.self(registrationToken, 60)), '201');
  assert.is(door.code(await door.ask(newName(), strong(), { wait: 0 })), '202');
  assert.ok(performance.now() - laterMs < 10_000);
});

test('201 stays 201, with what holds now', async ({ door, world }) => {
  const device = await door.active({ mqttPublishPrefix: 'plant/' });
  const first = await door.ask(device.username, device.password);
  await door.lock();
  for (let poll = 0; poll < 3; poll++)
    assert.equal((await door.ask(device.username, device.password)).body, first.body);
  assert.is(first.body.mqttPublishPrefix, 'plant/');
  assert.ok(first.body.brokers[0].urls.includes(world.running.ready.mqtt));
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }];
  await door.must(200, 'PUT', `/api/users/${device.username}/authorization`, {
    body: { permissions },
  });
  const later = await door.ask(device.username, device.password);
  assert.equal([later.status, later.body.permissions], [201, permissions]);
});

test('polls that arrive while a decision is recorded get an answer that fits', async ({ door }) => {
  for (let round = 0; round < 5; round++) {
    const { username, password, requestId, registrationToken } = await door.pending();
    const polls = Array.from({ length: 12 }, (_, at) =>
      at % 3 === 0 ? door.self(registrationToken) : door.ask(username, password),
    );
    await door.grant(requestId);
    for (const poll of await Promise.all(polls)) assert.ok([201, 202].includes(poll.status));
    assert.is(door.code(await door.ask(username, password)), '201');
  }
});

test('asking twice at once is one request, with one pairing ID', async ({ door }) => {
  for (let round = 0; round < 5; round++) {
    const [username, password] = [newName(), strong()];
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => door.ask(username, password)),
    );
    assert.equal([...new Set(answers.map(door.code))], ['202']);
    assert.is(new Set(answers.map(({ body }) => `${body.requestId} ${body.pairingId}`)).size, 1);
    assert.equal(await door.types(username), ['RegistrationRequested']);
  }
});

test.run();
