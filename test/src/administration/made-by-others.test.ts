/** Who makes a token or a password for somebody else gains nothing by what that name is given later. */

import { type Door, newName, strong } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import type { World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = doorSuite('administration: made by others');

const may = (resource: string, operation = 'readWrite') => ({
  context: 'http',
  resource,
  operation,
});
const helpdeskRights = {
  permissions: [may('/api/tokens'), may('/api/users'), may('/api/users/#')],
};
const administrator = { roles: ['administrator'], permissions: [] };
const longHours = 100_000;

const promote = (door: Door, username: string, rights: object = administrator) =>
  door.must(200, 'PUT', `/api/users/${username}/authorization`, { body: rights });

/** What a token may do: make users, read the roles. */
const powers = async (world: World, token: string) => {
  const made = await world.call('POST', '/api/users', { token, body: { username: newName() } });
  const read = await world.call('GET', '/api/roles', { token });
  return [made.status, read.status];
};
const tokenFor = async (door: Door, token: string, username?: string) =>
  (
    await door.must(201, 'POST', '/api/tokens', {
      token,
      body: { label: 'for later', username, expireTimeInHours: longHours },
    })
  ).body.token as string;

test('a token that the helpdesk made gains nothing when its user is promoted', async ({
  door,
  world,
}) => {
  const helpdesk = await door.signedIn(newName('helpdesk'), helpdeskRights);
  const { username } = await door.active();
  const planted = await tokenFor(door, helpdesk, username);
  const own = await world.signIn(username, (await door.change(username, 'rotate')).body.password);
  await promote(door, username);
  assert.equal(await powers(world, planted), [403, 403]);
  assert.equal(await powers(world, own), [201, 200], 'its own login has the new rights');
  // Nor by what it makes for itself: tokens, and a password.
  assert.equal(await powers(world, await tokenFor(door, planted)), [403, 403]);
  const taken = await world.call('POST', `/api/users/${username}/rotate`, {
    token: planted,
    body: {},
  });
  assert.is(taken.status, 200);
  const withPassword = await world.signIn(username, taken.body.password);
  assert.equal(await powers(world, withPassword), [403, 403]);
});

test('nor when a role is widened', async ({ door, world }) => {
  const helpdesk = await door.signedIn(newName('helpdesk'), helpdeskRights);
  const role = newName('line');
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [] } });
  const { username } = await door.active({ roles: [role] });
  const planted = await tokenFor(door, helpdesk, username);
  await door.must(200, 'PUT', `/api/roles/${role}`, { body: { permissions: [may('/#')] } });
  assert.equal(await powers(world, planted), [403, 403]);
  const { detail } = (await world.call('GET', '/api/roles', { token: planted })).body;
  assert.match(detail, /somebody else/);
  // What the helpdesk could have given at the time stays good.
  await door.must(200, 'PUT', `/api/roles/${role}`, { body: { permissions: [may('/api/users')] } });
  assert.equal(await powers(world, planted), [201, 403]);
});

test('a password that the helpdesk set gains nothing, nor do those that are set with it', async ({
  door,
  world,
}) => {
  const helpdesk = await door.signedIn(newName('helpdesk'), helpdeskRights);
  for (const how of ['created', 'rotated']) {
    const [username, password] = [newName(how), strong()];
    const options = { token: helpdesk, body: { username, password } };
    if (how === 'created') await door.must(201, 'POST', '/api/users', options);
    else {
      await door.active({}, username);
      const path = `/api/users/${username}/rotate`;
      await door.must(200, 'POST', path, { token: helpdesk, body: { password } });
    }
    const before = await world.signIn(username, password);
    const kept = await tokenFor(door, before);
    await promote(door, username);
    const after = await world.signIn(username, password);
    for (const token of [before, kept, after])
      assert.equal(await powers(world, token), [403, 403], how);
    const own = strong();
    const path = `/api/users/${username}/rotate`;
    await door.must(200, 'POST', path, { token: after, body: { password: own } });
    assert.equal(await powers(world, await world.signIn(username, own)), [403, 403], how);
    assert.equal(await powers(world, kept), [403, 403], how);
    // Whoever could give these rights hands its owner a password that has them.
    const given = (await door.change(username, 'rotate')).body.password;
    assert.equal(await powers(world, await world.signIn(username, given)), [201, 200], how);
  }
});

test('what an administrator made has the rights of its user, also those given later', async ({
  door,
  world,
}) => {
  const [username, password] = [newName('colleague'), strong()];
  await door.command('/api/users', { username, password }, 201);
  const token = await tokenFor(door, world.token, username);
  assert.equal(await powers(world, token), [403, 403]);
  await promote(door, username);
  assert.equal(await powers(world, token), [201, 200]);
  assert.equal(await powers(world, await world.signIn(username, password)), [201, 200]);
});

test('a rotation ends every token where its owner wants it', async ({ door, world }) => {
  const { username, password } = await door.active();
  const planted = await tokenFor(door, world.token, username);
  const login = await world.signIn(username, password);
  const rotate = (token: string, body: object) =>
    door.must(200, 'POST', `/api/users/${username}/rotate`, { token, body });
  const next = strong();
  await rotate(login, { password: next });
  const status = async () => (await world.call('GET', '/api/whoami', { token: planted })).status;
  assert.is(await status(), 200, 'a named token goes on');
  await rotate(await world.signIn(username, next), { endTokens: true });
  assert.is(await status(), 401);
  const { items } = (await door.must(200, 'GET', `/api/tokens?username=${username}`)).body;
  assert.ok(items.every(({ revokedAt }: { revokedAt: unknown }) => revokedAt !== null));
});

test.run();
