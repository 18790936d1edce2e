import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { readBatchMax } from '../../../src/limits/store.ts';
import { beginning, noStream } from '../../../src/store/event-store.ts';
import {
  assertInOrder,
  type ContractTest,
  ids,
  type Made,
  newEvents,
  streamOf,
  take,
  wholeLog,
} from '../stored-events.ts';
import { assert } from '../suite.ts';

export function follows(test: ContractTest): void {
  test('follow begins anywhere and goes on with what comes', async ({ made: { store } }) => {
    await store.append(streamOf('client'), noStream, newEvents(5));
    const before = await wholeLog(store);
    const fromBeginning = take(8, (signal) => store.follow(beginning, signal));
    const fromMiddle = take(5, (signal) => store.follow(before[2]?.position ?? '', signal));
    const fromHead = take(3, (signal) => store.follow(before[4]?.position ?? '', signal));
    await nextTurn();
    await store.append(streamOf('client'), noStream, newEvents(2));
    await store.append(streamOf('client'), noStream, newEvents(1));
    const log = await wholeLog(store);
    assert.equal(await fromBeginning, log);
    assert.equal(await fromMiddle, log.slice(3));
    assert.equal(await fromHead, log.slice(5));
  });

  test('a history of several batches comes whole', async ({ made: { store } }) => {
    const count = readBatchMax * 2 + 1;
    for (const [at, size] of [readBatchMax, readBatchMax, 1].entries())
      await store.append(`client-${at}`, noStream, newEvents(size));
    assert.equal(
      ids(await take(count, (signal) => store.follow(beginning, signal))),
      ids(await wholeLog(store)),
    );
  });

  test('follow goes on exactly where it was after the log was opened again', async ({ made }) => {
    await made.store.append(streamOf('client'), noStream, newEvents(3));
    const first = await take(3, (signal) => made.store.follow(beginning, signal));
    await made.store.append(streamOf('client'), noStream, newEvents(2));
    const store = await made.reopen();
    const second = take(3, (signal) => store.follow(first.at(-1)?.position ?? '', signal));
    await store.append(streamOf('client'), noStream, newEvents(1));
    assert.equal([...first, ...(await second)], await wholeLog(store));
  });

  test('abort ends a follow that waits, one that reads, and one that has not begun', async ({
    made: { store },
  }) => {
    const stop = new AbortController();
    const waits = store.follow(beginning, stop.signal)[Symbol.asyncIterator]();
    const next = waits.next();
    await nextTurn();
    stop.abort();
    assert.is((await next).done, true);

    await store.append(streamOf('client'), noStream, newEvents(1));
    const reading = new AbortController();
    const reads = store.follow(beginning, reading.signal)[Symbol.asyncIterator]();
    assert.is((await reads.next()).done, false);
    reading.abort();
    assert.is((await reads.next()).done, true);
    for await (const _ of store.follow(beginning, AbortSignal.abort()))
      assert.unreachable('aborted before it began');
  });

  test('a slow follower misses nothing and holds up nobody', async ({ made: { store } }) => {
    const slow = take(60, (signal) => store.follow(beginning, signal), nextTurn);
    const quick = take(60, (signal) => store.follow(beginning, signal));
    for (let revision = noStream; revision < 59; revision++)
      await store.append('client-slow', revision, newEvents(1));
    const log = await wholeLog(store);
    assert.equal(await quick, log);
    assert.equal(await slow, log);
  });
}

/** Streams are written at random while followers come and go: each sees exactly what `readAll` has. */
export function followsAnything(test: ContractTest, make: () => Promise<Made>): void {
  const sizes = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 3 })), {
    minLength: 1,
    maxLength: 25,
  });
  test('whatever is written meanwhile, a follower sees the log, once and in order', () =>
    fc.assert(
      fc.asyncProperty(sizes, fc.nat(20), fc.boolean(), async (appends, startAt, hurried) => {
        const { store, dispose } = await make();
        try {
          const total = appends.reduce((sum, [, size]) => sum + size, 0);
          const early = take(total, (signal) => store.follow(beginning, signal));
          const pending: Promise<unknown>[] = [];
          const revisions = new Map<number, number>();
          for (const [stream, size] of appends) {
            const revision = revisions.get(stream) ?? noStream;
            revisions.set(stream, revision + size);
            pending.push(store.append(`client-${stream}`, revision, newEvents(size)));
            if (!hurried) await pending.at(-1);
          }
          const late = take(total, (signal) => store.follow(beginning, signal), nextTurn);
          await Promise.all(pending);
          const log = await wholeLog(store);
          assert.is(log.length, total);
          assertInOrder(log);
          assert.equal(await early, log);
          assert.equal(await late, log);
          const from = log[Math.min(startAt, total - 1)]?.position ?? '';
          const rest = log.filter(({ position }) => position > from);
          if (rest.length > 0)
            assert.equal(await take(rest.length, (signal) => store.follow(from, signal)), rest);
        } finally {
          await dispose();
        }
      }),
      { numRuns: 15 },
    ));
}
