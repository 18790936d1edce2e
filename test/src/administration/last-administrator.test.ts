/** A removal of an administrator that was cut off after its reservation: nobody is locked out by it. */
import { randomUUID } from 'node:crypto';
import { noStream } from '../../../src/store/event-store.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('administration: the last administrator');

test('nobody relies on whose removal was cut off, until something comes after it', async () => {
  const world = await startRegistry();
  const status = async (method: string, path: string, body?: object) => {
    const answer = await world.call(method, `/api/users${path}`, { body });
    return answer.status === 409 ? answer.body.code : answer.status;
  };
  try {
    const bob = { username: 'bob', roles: ['administrator'] };
    assert.is(await status('POST', '', bob), 201);
    await world.running.stop();
    await world.withStore(async (store) => {
      const revision = (await store.read('client-bob')).length - 1;
      const by = { kind: 'user', name: 'admin' };
      const data = { username: 'bob', revision, at: new Date().toISOString(), by };
      const metadata = { correlationId: randomUUID(), causationId: null };
      const type = 'AdministratorRemovalReserved';
      await store.append('administrators-main', noStream, [
        { eventId: randomUUID(), type, data, metadata },
      ]);
    });
    await world.restart();
    // Bob still is one, but nobody may rely on him.
    assert.is(await status('POST', '/admin/suspend'), 'last-administrator');
    assert.is(await status('POST', '/bob/rotate'), 200);
    // What came after ended the reservation: he counts again.
    assert.is(
      await status('PUT', '/admin/authorization', { roles: ['auditor'], permissions: [] }),
      200,
    );
  } finally {
    await world.stop();
  }
});

test('nobody relies on an administrator whose password has less rights than that', async () => {
  const world = await startRegistry();
  try {
    const may = (resource: string) => ({ context: 'http', resource, operation: 'readWrite' });
    const permissions = [may('/api/users'), may('/api/users/#')];
    await world.call('POST', '/api/users', {
      body: { username: 'helpdesk', password: 'battery horse staple 7', permissions },
    });
    const token = await world.signIn('helpdesk', 'battery horse staple 7');
    const made = { username: 'bob', password: 'battery horse staple 8' };
    assert.is((await world.call('POST', '/api/users', { token, body: made })).status, 201);
    const administrator = { roles: ['administrator'], permissions: [] };
    await world.call('PUT', '/api/users/bob/authorization', { body: administrator });
    const { status, body } = await world.call('POST', '/api/users/admin/suspend');
    assert.equal([status, body.code], [409, 'last-administrator']);
    // With a password that has these rights there are two.
    assert.is((await world.call('POST', '/api/users/bob/rotate')).status, 200);
    assert.is((await world.call('POST', '/api/users/admin/suspend')).status, 200);
  } finally {
    await world.stop();
  }
});

test('a removal goes into the history, with who stays unnamed', async () => {
  const world = await startRegistry();
  try {
    const bob = { username: 'bob', roles: ['administrator'] };
    await world.call('POST', '/api/users', { body: bob });
    await world.call('POST', '/api/users/bob/revoke');
    const { items } = (await world.call('GET', '/api/audit/events?username=bob')).body;
    const types = items.map(({ type }: { type: string }) => type);
    assert.ok(types.indexOf('AccessRevoked') < types.indexOf('AdministratorRemovalReserved'));
  } finally {
    await world.stop();
  }
});

test.run();
