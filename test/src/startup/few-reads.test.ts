/** Over a store elsewhere a read takes 45 ms: commands decide on what this node knows, and the log has the last word. */

import { ask, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('few reads');

test('a request, its polls, its grant and its revocation read no client stream', async (nodes) => {
  const { server, first } = nodes;
  await first.call('POST', '/api/client-registry/unlock');
  server.faults.reads.length = 0;
  const { requestId } = (await ask(first, 'press-1', 'its-own-secret')).body;
  for (let poll = 0; poll < 3; poll += 1)
    assert.is((await ask(first, 'press-1', 'its-own-secret')).status, 202);
  const grant = `/api/client-registry/requests/${requestId}/grant`;
  assert.is((await first.call('POST', grant, { body: {} })).status, 200);
  assert.is((await ask(first, 'press-1', 'its-own-secret')).status, 201);
  assert.is((await first.call('POST', '/api/users/press-1/revoke')).status, 200);
  assert.equal(
    server.faults.reads.filter((name) => name === 'client-press-1'),
    [],
  );
});

test('a locked gate turns away known and unknown names without the log; who is to stop is told so by the log alone', async ({
  server,
  first,
}) => {
  await first.call('POST', '/api/client-registry/unlock');
  const { requestId } = (await ask(first, 'press-7', 'its-own-secret')).body;
  await first.call('POST', `/api/client-registry/requests/${requestId}/grant`, { body: {} });
  await first.call('POST', '/api/client-registry/lock');
  const readsOf = async (name: string, secret: string, status: number) => {
    server.faults.reads.length = 0;
    assert.is((await ask(first, name, secret)).status, status);
    return server.faults.reads.filter((stream) => stream.startsWith('client-'));
  };
  assert.equal(await readsOf('press-7', 'a-wrong-secret', 423), []);
  assert.equal(await readsOf('nobody-7', 'a-wrong-secret', 423), []);
  await first.call('POST', '/api/users/press-7/revoke');
  assert.equal(await readsOf('press-7', 'its-own-secret', 410), ['client-press-7']);
  await first.call('POST', '/api/client-registry/unlock');
});

test('the window, roles and tokens are decided on without reading their streams', async (nodes) => {
  const { server, first } = nodes;
  const unlock = (note: string) =>
    first.call('POST', '/api/client-registry/unlock', { body: { note } });
  const define = (resource: string) =>
    first.call('PUT', '/api/roles/press', {
      body: { permissions: [{ context: 'mqtt', resource, operation: 'read' }] },
    });
  // However long the streams are: what is decided on is at hand.
  for (const note of ['one', 'two', 'three']) assert.is((await unlock(note)).status, 200);
  server.faults.reads.length = 0;
  assert.is((await unlock('four')).status, 200);
  assert.is((await first.call('POST', '/api/client-registry/lock')).status, 200);
  assert.is((await unlock('five')).status, 200);
  assert.is((await define('plant/a')).status, 201);
  assert.is((await define('plant/b')).status, 200);
  assert.is((await first.call('DELETE', '/api/roles/press')).status, 204);
  const made = await first.call('POST', '/api/tokens', { body: { label: 'a service' } });
  assert.is(made.status, 201);
  const path = `/api/tokens/${made.body.tokenId}`;
  assert.is((await first.call('DELETE', path)).status, 204);
  assert.equal(
    server.faults.reads.filter((name) => /^(registry|role|token)-/.test(name)),
    [],
  );
});

test('a window, a role and a token that another node changed are decided on anew', async (nodes) => {
  const { first, second } = nodes;
  const unlock = (node: typeof first, note: string) =>
    node.call('POST', '/api/client-registry/unlock', { body: { note } });
  const unlocked = await Promise.all([unlock(first, 'one'), unlock(second, 'two')]);
  assert.equal(
    unlocked.map(({ status }) => status),
    [200, 200],
  );
  const define = (node: typeof first, resource: string) =>
    node.call('PUT', '/api/roles/drill', {
      body: { permissions: [{ context: 'mqtt', resource, operation: 'read' }] },
    });
  const defined = await Promise.all([define(first, 'plant/a'), define(second, 'plant/b')]);
  for (const { status } of defined) assert.ok(status === 200 || status === 201, `${status}`);
  const made = await first.call('POST', '/api/tokens', { body: { label: 'a service' } });
  const headers = { 'Gatebook-Position': made.headers.get('gatebook-position') ?? '' };
  await second.call('GET', '/api/whoami', { headers });
  const path = `/api/tokens/${made.body.tokenId}`;
  const ended = await Promise.all([
    first.call('DELETE', path),
    second.call('DELETE', path, { headers }),
  ]);
  for (const { status } of ended) assert.is(status, 204);
  // A role that is gone leaves no row: what is defined anew begins at the end of its stream all the same.
  assert.is((await first.call('DELETE', '/api/roles/drill')).status, 204);
  assert.is((await define(first, 'plant/c')).status, 201);
});

test('what another node decided counts, however little this one has heard of it', async (nodes) => {
  const { first, second } = nodes;
  const [one, other] = await Promise.all([
    ask(first, 'press-3', 'one-secret-of-it'),
    ask(second, 'press-3', 'another-secret'),
  ]);
  assert.equal([one.status, other.status].sort(), [202, 409], 'one name, one owner');
  const made = await first.call('POST', '/api/users', { body: { username: 'ada' } });
  assert.is(made.status, 201);
  await Promise.all([
    first.call('POST', '/api/users/ada/suspend'),
    second.call('POST', '/api/users/ada/revoke'),
  ]);
  const revoked = await first.call('POST', '/api/users/ada/revoke');
  assert.is(revoked.status, 200);
  const position = revoked.headers.get('gatebook-position') ?? '';
  const again = await second.call('POST', '/api/users/ada/resume', {
    headers: { 'Gatebook-Position': position },
  });
  assert.is(again.body.code, 'user-not-suspended', 'revoked is revoked');
});

test.run();
