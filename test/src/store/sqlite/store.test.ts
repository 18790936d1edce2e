/** The embedded log keeps the contract of every event store, and shares its commits. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  appendBytesWaitingMax,
  appendsWaitingMax,
  newestCharactersHeldMax,
  newestEventsHeldMax,
  readBatchMax,
} from '../../../../src/limits/store.ts';
import {
  beginning,
  Conflict,
  noStream,
  positionOf,
  StoreUnavailable,
} from '../../../../src/store/event-store.ts';
import { openLogFile } from '../../../../src/store/sqlite/file.ts';
import { eventsIn } from '../../../../src/store/sqlite/orders.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { rowsOf, written } from '../../../../src/store/sqlite/table.ts';
import { logWriterOn } from '../../../../src/store/sqlite/writer.ts';
import { eventStoreContract } from '../../../support/event-store/contract.ts';
import { newEvent, newEvents, wholeLog } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import {
  assertGapFree,
  committers,
  errorOf,
  openedInThread,
  sqliteSuites,
  temporaryFolder,
} from './world.ts';

for (const by of committers) {
  const open = async (file: string) =>
    by === 'thread' ? await openedInThread({ file }) : openSqliteStore({ file });
  eventStoreContract(`sqlite by ${by}`, async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'log.sqlite');
    const first = await open(file);
    let store = first;
    return {
      store: first,
      async reopen() {
        await store.close();
        store = await open(file);
        return store;
      },
      async dispose() {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  });
}

const test = sqliteSuites('sqlite');

test('appends that arrive together share a commit', async ({ store, commits }) => {
  await Promise.all(
    Array.from({ length: 64 }, (_, at) => store.append(`client-${at}`, noStream, newEvents(2))),
  );
  assert.equal(commits, [128]);
});

const secret = (id: string) => ({
  stream: `vault-${id}`,
  event: newEvent({ secret: id }, 'SecretKept'),
});
test('secrets are kept with the event that names them, in one commit', async ({
  store,
  commits,
}) => {
  await store.append('client-a', noStream, [newEvent()], [secret('a'), secret('b')]);
  assert.equal(commits, [3]);
  for (const id of ['a', 'b'])
    assert.equal((await store.read(`vault-${id}`))[0]?.data, { secret: id });
  assert.is((await store.readVault(beginning, 9)).length, 2);
  assert.is((await wholeLog(store)).length, 1);
});
test('where the event is refused, no secret is kept', async ({ store }) => {
  await store.append('client-a', noStream, [newEvent()]);
  const late = store.append('client-a', noStream, [newEvent()], [secret('a')]);
  assert.instance(await errorOf(late), Conflict);
  assert.equal(await store.readVault(beginning, 9), []);
  await store.append('client-b', noStream, [newEvent()], [secret('b')]);
  assertGapFree(await wholeLog(store));
});
test('where a secret cannot be kept, no event names it', async ({ store }) => {
  const taken = secret('a');
  await store.append(taken.stream, noStream, [taken.event]);
  const error = await errorOf(store.append('client-a', noStream, [newEvent()], [secret('a')]));
  assert.match(String(error), /a secret before/);
  assert.equal(await store.read('client-a'), []);
  await store.deleteStream(taken.stream);
  await errorOf(store.append('client-a', noStream, [newEvent()], [secret('a')]));
  assert.equal(await wholeLog(store), []);
  await store.append('client-a', noStream, [newEvent()], [secret('b')]);
  assertGapFree(await wholeLog(store));
});

test('a conflict disturbs nobody else in its commit', async ({ store, commits }) => {
  const known = newEvent();
  await store.append('client-known', noStream, [known]);
  const results = await Promise.allSettled([
    store.append('client-a', noStream, newEvents(1)),
    store.append('client-a', noStream, newEvents(1)),
    store.append('client-a', 0, newEvents(3)),
    // The second event's id is taken: the first one goes with it.
    store.append('client-b', noStream, [newEvent(), known]),
    store.append('client-b', noStream, newEvents(1)),
    store.append('client-c', noStream, [known]),
    store.append('client-c', 5, newEvents(1)),
    store.append('client-d', noStream, newEvents(2)),
  ]);
  assert.equal(
    results.map((result) => (result.status === 'fulfilled' ? result.value.revision : 'refused')),
    [0, 'refused', 3, 'refused', 0, 'refused', 'refused', 1],
  );
  for (const result of results)
    if (result.status === 'rejected') assert.instance(result.reason, Conflict);
  assert.equal(commits, [1, 7]);
  const log = await wholeLog(store);
  assert.is(log.length, 8);
  assertGapFree(log);
});

test('a commit without anything new is not told of', async ({ store, commits }) => {
  const events = newEvents(1);
  await store.append('client-a', noStream, events);
  await store.append('client-a', noStream, events);
  await errorOf(store.append('client-a', noStream, newEvents(1)));
  assert.equal(commits, [1]);
});

test('more appends than may wait are refused at once', async ({ store }) => {
  const waiting = Array.from({ length: appendsWaitingMax }, (_, at) =>
    store.append(`client-${at}`, noStream, [newEvent()]),
  );
  const late = store.append('client-late', noStream, newEvents(1));
  assert.instance(await errorOf(late), StoreUnavailable);
  await Promise.all(waiting);
  assert.equal(await store.read('client-late'), []);
  await store.append('client-late', noStream, newEvents(1));
  assert.is((await wholeLog(store)).length, appendsWaitingMax + 1);
});

test('more bytes than may wait are refused at once', async ({ store }) => {
  const half = newEvent({ text: 'x'.repeat(appendBytesWaitingMax / 2) });
  const first = store.append('client-a', noStream, [half]);
  const second = store.append('client-b', noStream, [{ ...half, eventId: randomUUID() }]);
  assert.instance(await errorOf(second), StoreUnavailable);
  await first;
  await store.append('client-b', noStream, newEvents(1));
  await store.append('client-c', noStream, [{ ...half, eventId: randomUUID() }]);
});

test('other work goes on between the batches of a long history', async ({ store }) => {
  for (let at = 0; at < 5; at++)
    await store.append(`client-${at}`, noStream, newEvents(readBatchMax));
  let turns = 0;
  let batches = 0;
  const count = () => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const stop = new AbortController();
  for await (const batch of store.follow(beginning, stop.signal)) {
    assert.is(batch.length, readBatchMax);
    batches += 1;
    if (batches === 5) stop.abort();
  }
  clearImmediate(timer);
  assert.ok(turns >= 4, `${turns} turns in ${batches} batches`);
});

test('no page is longer than the limit of all pages', async ({ store }) => {
  await store.append('client-a', noStream, newEvents(readBatchMax + 1));
  await store.append('vault-a', noStream, newEvents(readBatchMax + 1));
  assert.is((await store.readAll(beginning, readBatchMax + 1)).length, readBatchMax);
  assert.is((await store.readVault(beginning, readBatchMax + 1)).length, readBatchMax);
});

test('a position of another kind of log is refused', async ({ store }) => {
  for (const position of ['', '1', `${2n ** 60n}`.padStart(20, '0'), 'x'.repeat(20)])
    assert.instance(await errorOf(store.readAll(position, 1)), TypeError);
});

test('what was appended last is followed as it stands in the file, whoever is how far behind', async ({
  file,
  store,
}) => {
  const long = { text: 'x'.repeat(newestCharactersHeldMax) };
  const commits = [3, newestEventsHeldMax - 1, 2, newestEventsHeldMax + 1, 1].map(newEvents);
  const pages: (string | undefined)[][] = [];
  for (const [at, events] of [...commits, [newEvent(long)], newEvents(2)].entries()) {
    await store.append(`client-${at}`, noStream, events);
    const head = Number(await store.head());
    for (const behind of [0, 1, 2, 3, newestEventsHeldMax, newestEventsHeldMax + 2, head])
      if (behind <= head)
        pages.push([
          `${head - behind}`,
          JSON.stringify(await store.readAll(positionOf(head - behind), 5)),
        ]);
  }
  await store.close();
  const again = openSqliteStore({ file });
  for (const [place, page = ''] of pages) {
    const there = await again.readAll(positionOf(Number(place)), 5);
    const then = JSON.parse(page);
    assert.equal(then, there.slice(0, then.length));
    if (then.length < there.length) assert.ok(then.length < 5, 'more came later');
  }
  await again.close();
});

test('a commit whose answer was lost is followed, too', ({ folder }) => {
  const { database, close } = openLogFile(join(folder, 'other.sqlite'));
  const events = eventsIn(database);
  const writer = logWriterOn(database);
  for (const stream of ['told', 'lost', 'told-again', 'lost-again', 'without-news']) {
    const isNew = stream !== 'without-news';
    const isTold = !stream.startsWith('lost');
    const event = written(newEvent());
    const write = ['append', stream, noStream, isNew ? [event] : [], []] as const;
    const { lastEvent } = writer.commit([write]);
    const rows = isNew ? rowsOf(stream, [event], { place: lastEvent, revision: 0 }) : [];
    if (isTold) events.came(rows, lastEvent);
    const places = events.next(0).items.map(({ position }) => Number(position));
    if (isTold) assert.is(places.at(-1), lastEvent);
    if (places.length > 1) assert.is(events.next(places.length - 1).items.length, 1);
  }
  close();
});

test.run();
