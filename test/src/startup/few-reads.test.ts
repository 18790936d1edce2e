/** Over a store elsewhere a read takes 45 ms: commands decide on what this node knows, and the log has the last word. */
import * as assert from 'uvu/assert';
import { ask, nodesSuite } from '../../support/kurrentdb/nodes.ts';

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
