/** A cluster whose leader dies: reads and writes find the next one, and nobody is told that the store is away. */
import { setTimeout as delay } from 'node:timers/promises';
import { noStream } from '../../../../src/store/event-store.ts';
import { type KurrentStore, openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import { type KurrentCluster, startKurrentCluster } from '../../../support/kurrentdb/cluster.ts';
import { newEvents } from '../../../support/stored-events.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ cluster: KurrentCluster; store: KurrentStore }>('kurrentdb, a cluster');
test.before.each(async (world) => {
  world.cluster = await startKurrentCluster();
  const { connectionString } = world.cluster;
  world.store = await openKurrentStore({ connectionString });
});
test.after.each(async ({ cluster, store }) => {
  await store.close();
  await cluster.stop();
});

test('the leader is killed: no read and no append fails', async ({ cluster, store }) => {
  await store.append('client-a', noStream, newEvents(1));
  assert.is((await store.read('client-a')).length, 1);
  await cluster.killLeader();
  const reads = Array.from({ length: 20 }, async (_, at) => {
    await delay(at * 50);
    return (await store.read('client-a')).length;
  });
  const appended = store.append('client-b', noStream, newEvents(1));
  assert.ok((await Promise.all(reads)).every((count) => count === 1));
  assert.is((await appended).revision, 0);
});

test('a read that is not answered at first is asked again, on another connection', async ({
  cluster,
  store,
}) => {
  await store.append('client-a', noStream, newEvents(1));
  for (const { faults } of cluster.nodes) faults.hangs = true;
  const read = store.read('client-a');
  await delay(100);
  for (const { faults } of cluster.nodes) faults.hangs = false;
  assert.is((await read).length, 1);
});

test.run();
