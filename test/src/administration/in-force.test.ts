/** What is done holds when the answer arrives: for live sessions, for callers, for who reads with a position. */

import { newName } from '../../support/door.ts';
import { isOpen, knockAt, session } from '../../support/door-at-mqtt.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { madeBefore } from '../../support/made-before.ts';
import { publish, subscribed } from '../../support/mqtt-peers.ts';
import { assert } from '../../support/suite.ts';

const test = doorSuite('administration: what is done holds at once', {
  limits: { maxRequests: 10_000 },
});

test('a read that sends a position back sees what was done', async ({ door, world }) => {
  const { requestId, username } = await door.pending();
  const granted = await door.grant(requestId);
  const position = granted.headers.get('gatebook-position') ?? '';
  const read = (at: string) =>
    world.call('GET', `/api/users/${username}`, { headers: { 'Gatebook-Position': at } });
  assert.is((await read(position)).body.status, 'active');
  const idempotent = (await door.grant(requestId)).headers.get('gatebook-position') ?? '';
  assert.ok(idempotent >= position);
  const startedMs = performance.now();
  const ahead = await read('9'.repeat(14).padStart(20, '0'));
  assert.equal([ahead.status, ahead.body.code], [503, 'position-not-reached']);
  assert.ok(ahead.headers.has('retry-after'));
  assert.ok(performance.now() - startedMs > 1_900);
  assert.is((await read('yesterday')).status, 400);
});

test('a command that sends a position is decided on what was done by then, or not at all', async ({
  door,
  world,
}) => {
  const { requestId, username } = await door.pending();
  const granted = await door.grant(requestId);
  const suspend = (at: string) =>
    world.call('POST', `/api/users/${username}/suspend`, {
      body: {},
      headers: { 'Gatebook-Position': at },
    });
  const ahead = await suspend('9'.repeat(14).padStart(20, '0'));
  assert.equal([ahead.status, ahead.body.code], [503, 'position-not-reached']);
  assert.is((await door.user(username)).status, 'active');
  assert.is((await suspend(granted.headers.get('gatebook-position') ?? '')).status, 200);
});

test('live sessions are closed when the answer arrives, and history tells', async ({
  door,
  world,
}) => {
  const ways: Record<string, [status: string, types: string[]]> = {
    suspend: ['suspended', ['AccessSuspended', 'CredentialDeactivated']],
    revoke: ['revoked', ['AccessRevoked', 'CredentialDeactivated']],
    rotate: ['active', ['CredentialRotated', 'CredentialActivated']],
  };
  for (const [way, [status, types]] of Object.entries(ways)) {
    await door.unlock({ maxRequests: 10_000 });
    const device = await door.active();
    const live = [await session(world, device), await session(world, device)];
    const bystander = await door.active();
    await door.lock();
    const other = await session(world, bystander);
    assert.is((await door.user(device.username)).sessionCount, 2);
    await door.change(device.username, way, { reason: 'because' });
    assert.equal(await Promise.all(live.map(isOpen)), [false, false], way);
    const user = await door.user(device.username);
    assert.equal([user.status, user.sessionCount], [status, 0]);
    assert.ok(await isOpen(other));
    other.end();
    assert.is(await knockAt(world, device), 5, way);
    const events = await door.events(device.username);
    assert.equal(events.map(({ type }: { type: string }) => type).slice(-2), types);
    const [change, acknowledged] = events.slice(-2);
    assert.equal(
      [change.actor, acknowledged.actor.kind, acknowledged.data.broker],
      [{ kind: 'user', name: 'admin' }, 'system', 'embedded'],
    );
    assert.is(acknowledged.causationId, change.eventId);
    assert.is(acknowledged.correlationId, change.correlationId);
    if (way !== 'rotate') assert.is(acknowledged.data.sessionsClosed, 2);
    const [activation] = (await door.user(device.username)).activations;
    assert.is(activation.status, way === 'rotate' ? 'active' : 'inactive');
  }
});

test('access that ends closes sessions by itself', async ({ door, world }) => {
  const { made } = await madeBefore(700, async (expiresAt) => {
    const device = await door.active({ expiresAt });
    return { device, live: await session(world, device) };
  });
  const { device, live } = made;
  await door.lock();
  await live.closed;
  assert.is(await knockAt(world, device), 5);
  const user = await door.user(device.username);
  assert.equal([user.status, user.sessionCount], ['expired', 0]);
});

test('other rights hold for live sessions when the answer arrives', async ({ door, world }) => {
  const role = newName('line');
  const may = (operation: string, resource = 'plant/#') => ({
    context: 'mqtt',
    resource,
    operation,
  });
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [may('read')] } });
  const reader = await session(world, await door.active({ roles: [role] }));
  const writing = await door.active({ permissions: [may('write')] });
  const writer = await session(world, writing);
  let messageId = 0;
  const send = async (payload: string) => {
    messageId += 1;
    writer.send(publish('plant/a', payload, { qos: 1, messageId }));
    return (await writer.take('puback')).reasonCode ?? 0;
  };
  assert.equal(await subscribed(reader, ['plant/+']), [1]);
  assert.is(await send('one'), 0);
  assert.is(String((await reader.take('publish')).payload), 'one');

  // A role that changes.
  await door.must(200, 'PUT', `/api/roles/${role}`, { body: { permissions: [] } });
  assert.is(await send('two'), 0);
  assert.equal(await subscribed(reader, ['plant/+'], { messageId: 2 }), [0x87]);
  await door.must(200, 'PUT', `/api/roles/${role}`, {
    body: { permissions: [may('read', 'plant/a')] },
  });
  assert.equal(await subscribed(reader, ['plant/a'], { messageId: 3 }), [1]);
  assert.is(await send('three'), 0);
  assert.is(String((await reader.take('publish')).payload), 'three', 'and nothing before it');

  // A user whose rights change.
  await door.must(200, 'PUT', `/api/users/${writing.username}/authorization`, { body: {} });
  assert.is(await send('four'), 0x87);
  assert.ok(await isOpen(writer));
  writer.end();
  reader.end();
});

test('rights that change show in what the caller may do at once', async ({ door, world }) => {
  const username = newName('clerk');
  const token = await door.signedIn(username, { roles: ['registrar'] });
  const unlocks = async () =>
    (await world.call('POST', '/api/client-registry/unlock', { token, body: {} })).status;
  assert.is(await unlocks(), 200);
  const authorization = `/api/users/${username}/authorization`;
  await door.must(200, 'PUT', authorization, { body: { roles: ['auditor'] } });
  assert.is(await unlocks(), 403);
  await door.must(200, 'PUT', authorization, { body: { roles: ['registrar'] } });
  assert.is(await unlocks(), 200);
});

test.run();
