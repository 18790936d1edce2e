/** The window that is unlocked again, and roles that are held or missing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { newName, strong } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { assert } from '../../support/suite.ts';

const test = doorSuite('administration: the window and roles', { limits: { maxRequests: 10_000 } });

test('a role that is held stays, and none that is missing is given', async ({ door, world }) => {
  const role = newName('held');
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [] } });
  const device = await door.active({ roles: [role] });
  assert.is((await world.call('DELETE', `/api/roles/${role}`)).body.code, 'role-in-use');
  await door.change(device.username, 'suspend');
  assert.is((await world.call('DELETE', `/api/roles/${role}`)).body.code, 'role-in-use');
  await door.change(device.username, 'revoke');
  assert.is((await world.call('DELETE', `/api/roles/${role}`)).status, 204);
  const { requestId } = await door.pending();
  const missing = await world.call('POST', `/api/client-registry/requests/${requestId}/grant`, {
    body: { roles: [role] },
  });
  assert.equal(
    [missing.status, missing.body.code, missing.body.errors[0].pointer],
    [404, 'role-not-found', '#/roles/0'],
  );
});

test('unlocking keeps the window while it is open, and time closes it', async ({ door, world }) => {
  await door.lock();
  const first = await door.unlock({ durationMs: 60_000, maxRequests: 5, note: 'hall 4' });
  const asked = await door.pending();
  const second = await door.unlock({ durationMs: 400 });
  assert.equal(
    [second.windowId, second.unlockedAt, second.requestCount, second.maxRequests, second.note],
    [first.windowId, first.unlockedAt, 1, 100, null],
  );
  await sleep(Math.max(0, Date.parse(second.until) - Date.now() + 1));
  assert.is(door.code(await door.ask(newName(), strong())), '423 registry-locked');
  assert.is(door.code(await door.ask(asked.username, asked.password)), '202');
  const over = (await world.call('GET', '/api/client-registry')).body;
  assert.equal([over.status, over.lockedAt, over.lockedBy], ['locked', second.until, null]);
  const third = await door.unlock();
  assert.is.not(third.windowId, first.windowId);
  assert.is(third.requestCount, 0);
  const locked = await door.lock();
  assert.equal([locked.status, locked.lockedBy], ['locked', 'admin']);
  const before = (await door.events()).length;
  assert.equal(await door.lock(), { ...locked });
  assert.is((await door.events()).length, before, 'locking twice records nothing');
});

test.run();
