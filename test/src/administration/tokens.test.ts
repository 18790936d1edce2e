/** Tokens: they stop, go on and end with the access they are for, and their keys rotate. */

import { newName } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { assert } from '../../support/suite.ts';
import { missingId } from './sample-rights.ts';

const test = doorSuite('administration: tokens', { limits: { maxRequests: 10_000 } });

test('tokens stop, go on and end with the access they are for', async ({ door, world }) => {
  const username = newName('service');
  const login = await door.signedIn(username, { roles: ['auditor'] });
  const { token: named, tokenId } = (
    await door.must(201, 'POST', '/api/tokens', { token: login, body: { label: 'reports' } })
  ).body;
  const statuses = async () =>
    await Promise.all(
      [login, named].map(
        async (token) => (await world.call('GET', '/api/whoami', { token })).status,
      ),
    );
  assert.equal(await statuses(), [200, 200]);
  await door.change(username, 'suspend');
  assert.equal(await statuses(), [401, 401]);
  await door.change(username, 'resume');
  assert.equal(await statuses(), [200, 200]);
  const { password } = (await door.change(username, 'rotate')).body;
  assert.equal(await statuses(), [401, 200], 'a login ends with its password');
  const list = (await door.must(200, 'GET', `/api/tokens?username=${username}`)).body.items;
  assert.equal(
    list.map((token: { kind: string; revokedAt: unknown }) => [
      token.kind,
      token.revokedAt !== null,
    ]),
    [
      ['named', false],
      ['login', true],
    ],
  );
  const anew = await world.signIn(username, password);
  await door.change(username, 'revoke');
  assert.equal(await statuses(), [401, 401]);
  assert.is((await world.call('GET', '/api/whoami', { token: anew })).status, 401);
  // Not even when the name has access again.
  await door.change(username, 'reinstate');
  await door.command('/api/users', { username, password, roles: ['auditor'] }, 201);
  assert.equal(await statuses(), [401, 401]);
  assert.ok(
    (await door.must(200, 'GET', `/api/tokens?username=${username}`)).body.items[1].revokedAt,
  );
  await door.must(204, 'DELETE', `/api/tokens/${tokenId}`);
  assert.is((await world.call('DELETE', `/api/tokens/${missingId}`)).status, 404);
});

test('keys rotate with overlap', async ({ door, world }) => {
  const before = await door.signedIn(newName());
  const { registrationToken } = await door.pending();
  const { keys } = (await door.command('/api/keys/rotate')).body;
  assert.equal(keys.map(({ use }: { use: string }) => use).slice(0, 2), ['sign', 'verify']);
  assert.ok(keys[1].until > new Date(Date.now() + 24 * 3_600_000).toISOString());
  assert.equal((await world.call('GET', '/.well-known/paseto', { token: null })).body.keys, keys);
  assert.is((await world.call('GET', '/api/whoami', { token: before })).status, 200);
  assert.is((await world.call('GET', '/api/whoami')).status, 200);
  assert.is(door.code(await door.self(registrationToken)), '202');
  const after = await door.signedIn(newName());
  const kidOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[3] ?? '', 'base64url').toString()).kid;
  assert.equal([kidOf(before), kidOf(after)], [keys[1].kid, keys[0].kid]);
  await world.restart();
  for (const token of [before, after])
    assert.is((await world.call('GET', '/api/whoami', { token })).status, 200);
});

test.run();
