/** Who may ask for a name again, and how another credential for an active one is answered. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Door, strong } from '../../support/door.ts';
import { isOpen, knockAt, session } from '../../support/door-at-mqtt.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { madeBefore } from '../../support/made-before.ts';
import { assert } from '../../support/suite.ts';

const test = doorSuite('challengers', { limits: { maxRequests: 10_000 } });

const taken = '409 username-taken';
const refused = 5;

const challengeOf = async (door: Door, username: string) =>
  (await door.requestsOf(username)).find(({ kind }: { kind: string }) => kind === 'replacement');

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
  assert.is(await knockAt(world, { username, password }), refused);
  await door.change(username, 'reinstate');
  await door.lock();
  assert.is(door.code(await door.ask(username, password)), '423 registry-locked');
  await door.unlock({ maxRequests: 10_000 });
  const asked = await door.pending(username, password);
  assert.is(await knockAt(world, { username, password }), refused);
  await door.grant(asked.requestId);
  assert.is(await knockAt(world, { username, password }), 0);
});

test('a suspended one goes on with the same password when it is resumed', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  await door.change(username, 'suspend');
  assert.is(await knockAt(world, { username, password }), refused);
  assert.is(door.code(await door.ask(username, strong())), taken);
  assert.is(await challengeOf(door, username), undefined, 'nobody challenges a suspended one');
  await door.change(username, 'resume');
  assert.is(await knockAt(world, { username, password }), 0);
});

test('a replacement that is granted ends the old password and its sessions at once', async ({
  door,
  world,
}) => {
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'write' }];
  const { username, password } = await door.active({ permissions });
  const live = await session(world, { username, password });
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
  assert.is(await knockAt(world, { username, password }), refused);
  assert.is(await knockAt(world, { username, password: token }), refused);
  assert.is(await knockAt(world, { username, password: challenger }), 0);
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
    assert.is(
      await knockAt(world, { username: device.username, password: challenger }),
      refused,
      ending,
    );
    assert.is((await door.grant(requestId, {}, 409)).body.code, 'request-already-denied', ending);
    if (ending.endsWith('rights')) {
      await door.lock();
      await door.unlock({ maxRequests: 10_000 });
      assert.is(door.code(await door.ask(device.username, strong())), taken);
      assert.is((await door.requestsOf(device.username)).length, 2, 'and none comes after it');
    }
  }
});

test('a name that is asked for while it is erased keeps what its new client said of itself', async ({
  door,
}) => {
  let asked = 0;
  for (let round = 0; round < 20; round++) {
    const { username } = await door.pending();
    const context = { serial: `second-${round}` };
    const [, next] = await Promise.all([
      door.change(username, 'erase'),
      door.ask(username, strong(), { context }),
    ]);
    if (next.status !== 202) continue;
    asked++;
    const [request] = await door.requestsOf(username);
    assert.equal([request.source, request.context], ['127.0.0.1', context]);
  }
  assert.ok(asked > 0, 'none came with an erasure');
});

test('an expiry ends the challenger too, at its moment', async ({ door }) => {
  const challenger = strong();
  const { made, endsAt } = await madeBefore(500, async (expiresAt) => {
    const device = await door.active({ expiresAt });
    await door.ask(device.username, challenger);
    return device;
  });
  const { username, password } = made;
  await sleep(Math.max(0, Date.parse(endsAt) - Date.now() + 1));
  await door.lock();
  assert.is(door.code(await door.ask(username, password)), '410 access-expired');
  assert.is((await challengeOf(door, username)).status, 'denied');
  assert.is(door.code(await door.ask(username, challenger)), '423 registry-locked');
});

test.run();
