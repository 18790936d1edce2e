/** What of a KurrentDB is Gatebook's: its own streams, its address, and whether the log lives there. */
import { randomUUID } from 'node:crypto';
import { LogNotLive } from '../../../../src/store/errors.ts';
import {
  beginning,
  noStream,
  positionOf,
  type StoredEvent,
  StoreUnavailable,
} from '../../../../src/store/event-store.ts';
import { openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import { kurrentSuite } from '../../../support/kurrentdb/world.ts';
import { newEvent, newEvents, wholeLog } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import { errorOf } from '../sqlite/world.ts';

const test = kurrentSuite('kurrentdb, what is ours');

const foreign = (contentType: string, text: string) => ({
  id: randomUUID(),
  type: 'Tested',
  contentType,
  data: Buffer.from(text),
  metadata: Buffer.from('{}'),
});

test('what others and the server itself write is not in the log', async ({ server, store }) => {
  const { position } = await store.append('client-a', noStream, newEvents(2));
  for (const stream of ['orders-1', '$system-1', '$$client-a', 'clients-a', 'xclient-a'])
    server.log.append(stream, -1, [foreign('application/json', '{}')]);
  // Somebody deleted a stream by hand: its tombstone is no event of ours.
  server.log.tombstone('client-gone');
  assert.is(await store.head(), position);
  const log = await wholeLog(store);
  assert.is(log.length, 2);
  for (const limit of [1, 2]) assert.equal(await wholeLog(store, limit), log);
  const stop = new AbortController();
  const follow = store.follow(beginning, stop.signal)[Symbol.asyncIterator]();
  const seen: StoredEvent[] = [];
  while (seen.length < 3) {
    seen.push(...((await follow.next()).value ?? []));
    if (seen.length === 2) await store.append('client-b', noStream, newEvents(1));
  }
  assert.equal(seen, await wholeLog(store));
  await follow.return?.();
});

test('an event in our streams that is not ours is never skipped', async ({ server, store }) => {
  for (const [stream, event] of [
    ['client-bytes', foreign('application/octet-stream', '{}')],
    ['client-list', foreign('application/json', '[]')],
    ['client-text', foreign('application/json', 'no JSON')],
  ] as const) {
    server.log.append(stream, -1, [event]);
    assert.match(String(await errorOf(store.read(stream))), stream);
  }
  assert.match(String(await errorOf(store.readAll(beginning, 10))), 'client-bytes');
});

test('a stream that would stand in no order is refused', async ({ store }) => {
  for (const stream of ['orders-1', 'client', '-a', '', '$client-a', 'gatebook-log'])
    assert.instance(await errorOf(store.append(stream, noStream, newEvents(1))), TypeError);
  for (const stream of [
    'activation-a',
    'preauthorization-a',
    'registry-main',
    'role-a',
    'schedule-a',
    'token-a',
  ])
    await store.append(stream, noStream, newEvents(1));
  assert.is((await wholeLog(store)).length, 6);
});

test('an id that the server would change, and a foreign position, are refused', async ({
  store,
}) => {
  for (const eventId of ['1', randomUUID().toUpperCase(), `{${randomUUID()}}`])
    assert.instance(
      await errorOf(store.append('client-a', noStream, [{ ...newEvent(), eventId }])),
      TypeError,
    );
  assert.instance(await errorOf(store.readAll('1', 1)), TypeError);
  assert.equal(await store.readAll(positionOf(2n ** 40n), 1), []);
});

test('an address is never repeated, whatever is wrong with it', async ({ server }) => {
  const said: unknown[] = [];
  const warn = console.warn;
  console.warn = (...words: unknown[]) => said.push(...words);
  try {
    for (const address of [
      'http://user:secret@127.0.0.1:1',
      'kurrentdb://user:secret@',
      'kurrentdb://user:secret@127.0.0.1:port',
      'kurrentdb://user:secret@127.0.0.1:1?tls=perhaps',
      'kurrentdb://user:secret@127.0.0.1:1?unknown=1',
      'kurrentdb://user:secret@127.0.0.1:1?tlsCAFile=/nowhere.pem',
    ]) {
      const error = (await errorOf(openKurrentStore({ connectionString: address }))) as Error;
      assert.not.match(`${error} ${JSON.stringify(error)} ${error.stack}`, 'secret');
      assert.not.instance(error, StoreUnavailable);
    }
    const old = server.connectionString.replace('kurrentdb:', 'esdb:');
    await (await openKurrentStore({ connectionString: old })).close();
  } finally {
    console.warn = warn;
  }
  assert.equal(said, [], 'no warning either');
});

test('a log that was sealed elsewhere takes nothing more, and only a copy opens it', async ({
  server,
  store,
}) => {
  const { connectionString } = server;
  const copying = await openKurrentStore({ connectionString, purpose: 'copy' });
  assert.is(await copying.getState(), 'live');
  await copying.setState('sealed');
  const refused = await errorOf(store.append('client-a', noStream, newEvents(1)));
  assert.instance(refused, StoreUnavailable);
  assert.match(String(refused), 'moved');
  assert.instance(await errorOf(openKurrentStore({ connectionString })), LogNotLive);
  await copying.setState('live');
  await (await openKurrentStore({ connectionString })).close();
  await copying.close();
});

test.run();
