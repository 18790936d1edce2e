/** What the store does when KurrentDB refuses, hangs, loses answers, dies and comes back. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { appendsWaitingMax, storeAttemptMs } from '../../../../src/limits/store.ts';
import {
  beginning,
  Conflict,
  type EventStore,
  noStream,
  type StoredEvent,
  StoreUnavailable,
  type VaultChange,
} from '../../../../src/store/event-store.ts';
import { openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import { kurrentSuite } from '../../../support/kurrentdb/world.ts';
import { ids, newEvent, newEvents, wholeLog } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import { errorOf } from '../sqlite/world.ts';

const test = kurrentSuite('kurrentdb, when things fail');

/** Follows until so many items came. */
async function taken<Item>(
  count: number,
  start: (signal: AbortSignal) => AsyncIterable<readonly Item[]>,
): Promise<Item[]> {
  const stop = new AbortController();
  const items: Item[] = [];
  for await (const batch of start(stop.signal)) {
    items.push(...batch);
    if (items.length >= count) stop.abort();
  }
  return items;
}

const follows = (store: EventStore, count: number): Promise<StoredEvent[]> =>
  taken(count, (signal) => store.follow(beginning, signal));

test('an append whose request, or whose answer, was lost is written once', async ({
  server,
  store,
}) => {
  for (const fault of ['lose-request', 'lose-answer', 'busy'] as const) {
    const stream = `client-${fault}`;
    const events = newEvents(2);
    await store.append(stream, noStream, newEvents(1));
    server.faults.appends.push(fault);
    const appended = await store.append(stream, 0, events);
    const read = await store.read(stream);
    assert.equal(ids(read.slice(1)), ids(events));
    assert.equal(appended, { revision: 2, position: read[2]?.position });
  }
});

test('an answer that never comes is waited for once, then asked for anew', async ({ server }) => {
  const { connectionString } = server;
  const store = await openKurrentStore({ connectionString });
  const events = newEvents(2);
  server.faults.appends.push('hang', 'hang-after-write');
  const started = performance.now();
  const [one, two] = await Promise.all([
    store.append('client-a', noStream, [newEvent()]),
    store.append('client-b', noStream, events),
  ]);
  assert.ok(performance.now() - started >= storeAttemptMs * 0.9);
  assert.is(one.revision, 0);
  assert.is(two.revision, 1);
  assert.is((await store.read('client-a')).length, 1);
  assert.equal(ids(await store.read('client-b')), ids(events));
  await store.close();
});

test('whoever wrote meanwhile wins over an append that was lost', async ({ server, store }) => {
  await store.append('client-a', noStream, newEvents(1));
  server.faults.appends.push('lose-request');
  const slow = errorOf(store.append('client-a', 0, newEvents(1)));
  server.log.append('client-a', 0, [
    {
      id: randomUUID(),
      type: 'Tested',
      contentType: 'application/json',
      data: Buffer.from('{}'),
      metadata: Buffer.from('{}'),
    },
  ]);
  assert.instance(await slow, Conflict);
  assert.is((await store.read('client-a')).length, 2);
});

test('a server that is away is said to be, and found again when it is back', async ({
  server,
  store,
}) => {
  await store.append('client-a', noStream, newEvents(1));
  await server.stop();
  const { signal } = new AbortController();
  for (const asked of [
    () => store.append('client-a', 0, newEvents(1)),
    () => store.read('client-a'),
    () => store.readAll(beginning, 1),
    () => store.readVault(beginning, 1),
    () => store.head(),
    () => store.deleteStream('vault-a'),
  ])
    assert.instance(await errorOf(asked()), StoreUnavailable);
  const next = store.follow(beginning, signal)[Symbol.asyncIterator]().next();
  await server.start();
  assert.is((await store.append('client-a', 0, newEvents(1))).revision, 1);
  assert.is((await store.read('client-a')).length, 2);
  assert.is((await next).value?.length > 0, true);
});

test('a server that goes away under load loses nothing and writes nothing twice', async ({
  server,
}) => {
  const { connectionString } = server;
  const store = await openKurrentStore({ connectionString });
  const written: string[] = [];
  const seen = follows(store, 400);
  const writers = Array.from({ length: 40 }, async (_, at) => {
    for (let revision = noStream; revision < 9; revision++) {
      const event = newEvent();
      await store.append(`client-${at}`, revision, [event]);
      written.push(event.eventId);
    }
  });
  while (written.length < 100) await delay(1);
  await server.stop();
  await delay(100);
  await server.start();
  await Promise.all(writers);
  const log = await wholeLog(store);
  assert.equal(ids(log).sort(), written.sort());
  assert.equal(await seen, log);
  await store.close();
});

test('a connection that breaks while much is to be sent leaves no fault that nobody handles', async ({
  server,
  store,
}) => {
  let unhandled = 0;
  const count = () => {
    unhandled += 1;
  };
  process.on('unhandledRejection', count);
  const big = 'x'.repeat(200_000);
  // Looked at from the beginning: a server may take longer to come back than an append waits.
  const appended = Promise.allSettled(
    Array.from({ length: 200 }, (_, at) =>
      store.append(`client-${at}`, noStream, [newEvent({ big })]),
    ),
  );
  await delay(20);
  await server.stop();
  await server.start();
  await appended;
  await delay(0);
  process.off('unhandledRejection', count);
  assert.is(unhandled, 0);
});

test('a subscription that breaks off again and again misses nothing, repeats nothing', async ({
  server,
  store,
}) => {
  server.faults.subscriptionsEndAfter = 4;
  for (let at = 0; at < 5; at++) await store.append(`client-${at}`, noStream, newEvents(5));
  const seen = follows(store, 40);
  await follows(store, 20);
  for (let at = 5; at < 8; at++) await store.append(`client-${at}`, noStream, newEvents(5));
  const log = await wholeLog(store);
  assert.is(log.length, 40);
  assert.equal(await seen, log);
});

test('every subscription is broken off while nothing happens', async ({ server, store }) => {
  const seen = follows(store, 2);
  await store.append('client-a', noStream, newEvents(1));
  while (server.subscriptionCount() === 0) await delay(1);
  server.endSubscriptions();
  await store.append('client-b', noStream, newEvents(1));
  assert.equal(await seen, await wholeLog(store));
  while (server.subscriptionCount() > 0) await delay(1);
});

test('the vault is followed through breaks, with what was deleted meanwhile', async ({
  server,
  store,
}) => {
  await store.append('vault-a', noStream, newEvents(1));
  await store.append('vault-b', noStream, newEvents(1));
  const stop = new AbortController();
  const changes: VaultChange[] = [];
  const following = (async () => {
    for await (const batch of store.followVault(beginning, stop.signal)) {
      changes.push(...batch);
      if (changes.length >= 3) stop.abort();
    }
  })();
  while (changes.length < 2) await delay(1);
  await server.stop();
  server.log.tombstone('vault-a');
  server.log.scavenge();
  await server.start();
  await following;
  assert.equal(
    changes.map(({ kind, stream }) => [kind, stream]),
    [
      ['kept', 'vault-a'],
      ['kept', 'vault-b'],
      ['deleted', 'vault-a'],
    ],
  );
  const after = changes[0]?.position ?? '';
  assert.equal(await store.readVault(after, 10), changes.slice(1));
});

test('a follower whose last place was scavenged misses nothing', async ({ server, store }) => {
  await store.append('client-a', noStream, newEvents(1));
  const places: string[] = [];
  for (const name of ['a', 'b', 'c', 'd'])
    places.push((await store.append(`vault-${name}`, noStream, newEvents(2))).position);
  await store.deleteStream('vault-a');
  await store.deleteStream('vault-c');
  server.log.scavenge();
  for (const [at, place] of places.entries()) {
    const rest = await store.readVault(place, 10);
    assert.is(rest.length, [6, 4, 4, 2][at]);
    assert.equal(await taken(rest.length, (signal) => store.followVault(place, signal)), rest);
  }
});

test('what is kept while the vault is followed is told without asking for each stream', async ({
  server,
  store,
}) => {
  await store.append('vault-old', noStream, newEvents(1));
  const stop = new AbortController();
  const follow = store.followVault(beginning, stop.signal)[Symbol.asyncIterator]();
  const next = async () => {
    const changes: readonly VaultChange[] = (await follow.next()).value ?? [];
    return changes.map(({ kind, stream }) => `${kind} ${stream}`);
  };
  assert.equal(await next(), ['kept vault-old']);
  await store.append('vault-new', noStream, newEvents(1));
  assert.equal(await next(), ['kept vault-new']);
  assert.ok(server.faults.reads.includes('vault-old'), 'it could have been deleted before');
  assert.not(server.faults.reads.includes('vault-new'));
  await store.deleteStream('vault-new');
  assert.equal(await next(), ['deleted vault-new']);
  stop.abort();
  await follow.return?.();
});

test('a deletion whose answer was lost is a success', async ({ server, store }) => {
  await store.append('vault-a', noStream, newEvents(1));
  server.faults.tombstones.push('lose-answer');
  await store.deleteStream('vault-a');
  assert.equal(await store.read('vault-a'), []);
});

test('two who delete the same secret at once both succeed', async ({ store }) => {
  await store.append('vault-a', noStream, newEvents(1));
  await Promise.all([store.deleteStream('vault-a'), store.deleteStream('vault-a')]);
  assert.is((await store.readVault(beginning, 10)).length, 1);
});

test('more appends than may wait are refused at once', async ({ server, store }) => {
  server.faults.hangs = true;
  let ended = 0;
  const waiting = Array.from({ length: appendsWaitingMax }, async (_, at) => {
    const error = await errorOf(store.append(`client-${at}`, noStream, [newEvent()]));
    ended += 1;
    return error;
  });
  assert.instance(
    await errorOf(store.append('client-late', noStream, [newEvent()])),
    StoreUnavailable,
  );
  assert.is(ended, 0, 'it did not wait');
  for (const error of await Promise.all(waiting)) assert.instance(error, StoreUnavailable);
  server.faults.hangs = false;
  await store.append('client-late', noStream, [newEvent()]);
});

test('a store that says nothing is told by its silence', async ({ server, store }) => {
  await store.read('client-a');
  assert.ok(store.silentMs() < storeAttemptMs / 2);
  server.faults.hangs = true;
  assert.instance(await errorOf(store.read('client-a')), StoreUnavailable);
  assert.ok(store.silentMs() >= storeAttemptMs * 0.9, `${store.silentMs()} ms`);
  server.faults.hangs = false;
  assert.equal(await store.read('client-a'), []);
  assert.ok(store.silentMs() < storeAttemptMs);
});

test.run();
