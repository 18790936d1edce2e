/** An erasure over KurrentDB is pending until a scavenge has run on every node; over SQLite it is done at once. */

import { erasuresLookApartMs } from '../../../src/limits/jobs.ts';
import { type KurrentCluster, startKurrentCluster } from '../../support/kurrentdb/cluster.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  cluster: KurrentCluster;
  world: World;
}
const test = suite<Here>('pending erasures');
test.before.each(async (here) => {
  here.cluster = await startKurrentCluster();
  here.world = await startRegistry({ GATEBOOK_STORE: here.cluster.connectionString });
});
test.after.each(async ({ world, cluster }) => {
  await world?.stop();
  await cluster?.stop();
});

async function erase(world: World, username: string): Promise<void> {
  for (const [path, body] of [
    ['/api/users', { username, password: 'its-own-secret' }],
    [`/api/users/${username}/erase`, {}],
  ] as const) {
    const { status, body: answer } = await world.call('POST', path, { body });
    assert.ok(status < 300, JSON.stringify(answer));
  }
}

async function listed(world: World, query = ''): Promise<Record<string, unknown>[]> {
  // The next look is let through.
  await new Promise((resolve) => setTimeout(resolve, erasuresLookApartMs));
  const { status, body } = await world.call('GET', `/api/audit/erasures${query}`);
  assert.is(status, 200, JSON.stringify(body));
  return body.items;
}

const nameOf = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`;

const stateOf = (items: readonly Record<string, unknown>[]) =>
  items.map(({ username, status, pendingOn }) => [username, status, pendingOn]);

const pendingIn = async (world: World): Promise<string> => {
  const { body } = await world.call('GET', '/metrics');
  return /^gatebook_erasures_pending (\d+)$/m.exec(body)?.[1] ?? 'none';
};

test('it names the nodes that a scavenge has not run on, and is done when there are none', async ({
  cluster,
  world,
}) => {
  // In the order of the list.
  const [one, other] = cluster.nodes.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  assert.ok(one && other);
  const names = [nameOf(one), nameOf(other)];
  await erase(world, 'ada');
  assert.is(await pendingIn(world), '1');
  assert.equal(stateOf(await listed(world)), [['ada', 'pending', names]]);

  one.scavenge();
  assert.equal(stateOf(await listed(world)), [['ada', 'pending', names.slice(1)]]);

  // What is erased after a scavenge needs another one.
  await erase(world, 'bob');
  other.scavenge();
  assert.equal(stateOf(await listed(world)), [
    ['bob', 'pending', names.slice(0, 1)],
    ['ada', 'done', []],
  ]);
  assert.equal(
    stateOf(await listed(world, '?status=pending')).map(([name]) => name),
    ['bob'],
  );
  assert.is(await pendingIn(world), '1');

  one.scavenge();
  assert.equal(stateOf(await listed(world, '?status=pending')), []);
  assert.is(await pendingIn(world), '0');
});

test('who comes back under the name keeps no erasure pending, and a restart knows as much', async ({
  cluster,
  world,
}) => {
  await erase(world, 'ada');
  await world.call('POST', '/api/users', { body: { username: 'ada', password: 'another-secret' } });
  for (const node of cluster.nodes) node.scavenge();
  assert.equal(stateOf(await listed(world)), [['ada', 'done', []]]);
  await world.restart({ GATEBOOK_STORE: cluster.connectionString });
  assert.equal(stateOf(await listed(world)), [['ada', 'done', []]]);
});

test('a node that does not answer keeps it pending', async ({ cluster, world }) => {
  const [one, other] = cluster.nodes;
  await erase(world, 'ada');
  one.scavenge();
  other.scavenge();
  await other.stop();
  assert.equal(stateOf(await listed(world))[0]?.slice(0, 2), ['ada', 'pending']);
  await other.start();
});

test('over SQLite it is done at once', async () => {
  const embedded = await startRegistry();
  try {
    await erase(embedded, 'ada');
    assert.equal(stateOf(await listed(embedded)), [['ada', 'done', []]]);
    assert.is(await pendingIn(embedded), '0');
    assert.is((await embedded.call('GET', '/api/audit/erasures', { token: null })).status, 401);
    assert.is((await embedded.call('GET', '/api/audit/erasures?status=gone')).status, 400);
  } finally {
    await embedded.stop();
  }
});

test.run();
