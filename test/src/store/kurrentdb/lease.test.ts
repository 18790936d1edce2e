import { setTimeout as delay } from 'node:timers/promises';
import { noStream } from '../../../../src/store/event-store.ts';
import { type KurrentLease, kurrentLease } from '../../../../src/store/kurrentdb/lease.ts';
import { openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import { type KurrentServer, startKurrentServer } from '../../../support/kurrentdb/server.ts';
import { until } from '../../../support/mqtt-peers.ts';
import { lineTo } from '../../../support/silent-line.ts';
import { newEvent } from '../../../support/stored-events.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ server: KurrentServer; leases: KurrentLease[] }>('kurrentdb lease', {
  server: undefined as unknown as KurrentServer,
  leases: [],
});

test.before.each(async (world) => {
  world.server = await startKurrentServer();
  world.leases = [];
});
test.after.each(async ({ server, leases }) => {
  await Promise.all(leases.map((lease) => lease.close()));
  await server.stop();
});

const compete = (world: { server: KurrentServer; leases: KurrentLease[] }): KurrentLease => {
  const lease = kurrentLease(world.server.connectionString, 'process-manager');
  world.leases.push(lease);
  return lease;
};

test('one node holds it, the others wait, and one of them goes on when it lets go', async (world) => {
  const first = compete(world);
  assert.ok(await first.gained(5_000));
  const second = compete(world);
  assert.not.ok(await second.gained(400));
  assert.ok(first.held());
  await first.close();
  assert.ok(await second.gained(5_000));
});

test('a holder that the store drops holds it no more, and its work is told to stop', async (world) => {
  const first = compete(world);
  assert.ok(await first.gained(5_000));
  const told: string[] = [];
  const ending = new AbortController();
  const working = first.whileHeld(ending.signal, async (held) => {
    told.push('began');
    await new Promise((resolve) => held.addEventListener('abort', resolve, { once: true }));
    told.push('stopped');
  });
  await until(() => told.length === 1);
  world.server.endLeases();
  await until(() => told.length >= 2);
  assert.equal(told.slice(0, 2), ['began', 'stopped']);
  // Nobody else wants it: it is gained again.
  await until(() => told.length >= 3);
  ending.abort();
  await working;
});

test('it survives a store that goes away and comes back', async (world) => {
  const lease = compete(world);
  assert.ok(await lease.gained(5_000));
  await world.server.stop();
  await until(() => !lease.held());
  await world.server.start();
  assert.ok(await lease.gained(8_000));
});

test('a process that was away longer than the lease does not act on it', async (world) => {
  const lease = compete(world);
  assert.ok(await lease.gained(5_000));
  // The event loop stands still, as it does in a paused process; what runs first afterwards must know.
  const began = performance.now();
  while (performance.now() - began < 5_200);
  assert.not.ok(lease.held());
  await delay(600);
  assert.ok(await lease.gained(5_000), 'it asks again');
});

test('a holder whose line falls silent holds it no more, and takes another line', async (world) => {
  const { server, leases } = world;
  const line = await lineTo(server.port);
  const connectionString = `kurrentdb://127.0.0.1:${line.port}?tls=false`;
  const lease = kurrentLease(connectionString, 'process-manager');
  leases.push(lease);
  // Of one process with the lease: to gRPC both could be one connection.
  const store = await openKurrentStore({ connectionString });
  try {
    assert.ok(await lease.gained(5_000));
    await store.append('client-a', noStream, [newEvent()]);
    line.fallSilent();
    // Its first try is swallowed; what comes after does not wait until gRPC finds out.
    assert.is((await store.append('client-a', 0, [newEvent()])).revision, 1);
    await until(() => !lease.held());
    assert.is(server.leaseCount(), 1, 'the server has not noticed yet');
    server.endLeases();
    assert.ok(await lease.gained(5_000));
  } finally {
    await store.close();
    await line.close();
  }
});

test.run();
