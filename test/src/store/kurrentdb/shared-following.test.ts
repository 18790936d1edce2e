/** Who follows one log together: each has every event once and in order, whatever the others do. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { readBatchMax } from '../../../../src/limits/store.ts';
import { createWakeup } from '../../../../src/platform/wakeup.ts';
import { beginning, positionOf, type StoredEvent } from '../../../../src/store/event-store.ts';
import { sharedFollowing } from '../../../../src/store/kurrentdb/shared-following.ts';
import { take } from '../../../support/stored-events.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('kurrentdb, a log followed together');

const eventAt = (place: number): StoredEvent => ({
  ...{ eventId: String(place), type: 'Happened', data: {}, stream: 'client-a', revision: place },
  ...{ metadata: { correlationId: '', causationId: null }, position: positionOf(place) },
});

/** A log whose subscriptions bring so many events at a time. */
function world(batch = 3) {
  const log: StoredEvent[] = [];
  const news = createWakeup();
  const open = new Set<object>();
  let failure: Error | undefined;
  async function* subscribe(after: string, signal: AbortSignal) {
    const one = {};
    open.add(one);
    try {
      for (let place = after; !signal.aborted; ) {
        if (failure) throw failure;
        const events = log.filter(({ position }) => position > place).slice(0, batch);
        place = events.at(-1)?.position ?? place;
        if (events.length > 0) yield events;
        else await news.next(signal);
        await nextTurn();
      }
    } finally {
      open.delete(one);
    }
  }
  return {
    ...{ log, open, follow: sharedFollowing(subscribe) },
    write(count: number) {
      for (let n = 0; n < count; n++) log.push(eventAt(log.length + 1));
      news.wake();
    },
    fail(error: Error | undefined) {
      failure = error;
      news.wake();
    },
  };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await nextTurn();
};

test('whoever comes late joins the subscription of the others when it has come as far', async () => {
  const { follow, write, log, open } = world();
  write(10);
  const early = take(15, (signal) => follow(beginning, signal));
  await turns(20);
  const late = take(15, (signal) => follow(beginning, signal));
  const middle = take(8, (signal) => follow(positionOf(7), signal));
  await turns(1);
  assert.is(open.size, 3);
  await turns(20);
  assert.is(open.size, 1);
  write(5);
  assert.equal(await early, log);
  assert.equal(await late, log);
  assert.equal(await middle, log.slice(7));
  await turns(2);
  assert.is(open.size, 0);
});

test('whoever takes nothing holds up nobody, and misses nothing', async () => {
  const { follow, write, log, open } = world(readBatchMax);
  const count = readBatchMax * 3;
  const stop = new AbortController();
  const slow = follow(beginning, stop.signal)[Symbol.asyncIterator]();
  const first = slow.next();
  const quick = take(count + 1, (signal) => follow(beginning, signal));
  await nextTurn();
  write(1);
  assert.equal((await first).value, log);
  write(count);
  assert.is((await quick).length, count + 1);
  await turns(2);
  assert.is(open.size, 0, 'no more is kept for who takes nothing');
  const rest = [];
  while (rest.length < count) rest.push(...((await slow.next()).value as StoredEvent[]));
  assert.equal(rest, log.slice(1));
  const another = take(1, (signal) => follow(positionOf(count + 1), signal));
  const next = slow.next();
  await turns(5);
  assert.is(open.size, 1);
  write(1);
  assert.equal((await next).value, await another);
  stop.abort();
  assert.is((await slow.next()).done, true);
});

test('what breaks the subscription is told to all who have it, after what came before', async () => {
  const { follow, write, fail, log } = world();
  const { signal } = new AbortController();
  const all = [1, 2].map(() => follow(beginning, signal)[Symbol.asyncIterator]());
  const firsts = Promise.all(all.map((one) => one.next()));
  write(2);
  for (const { value } of await firsts) assert.equal(value, log);
  fail(new Error('broken'));
  for (const one of all)
    assert.is(await one.next().catch(({ message }: Error) => message), 'broken');
  fail(undefined);
  assert.equal(await take(2, (stopped) => follow(beginning, stopped)), log);
});

test('followers come and go at random places and speeds: each has the log from its place', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ from: fc.nat(30), late: fc.nat(40), slow: fc.nat(3), count: fc.nat(30) }),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      fc.array(fc.nat(4), { maxLength: 20 }),
      async (followers, writes) => {
        const { follow, write, log, open } = world();
        write(30);
        const asked = Promise.all(
          followers.map(async ({ from, late, slow, count }) => {
            await turns(late);
            const wanted = Math.min(count, 60 - from);
            if (wanted === 0) return;
            const start = from === 0 ? beginning : positionOf(from);
            const got = await take(
              wanted,
              (signal) => follow(start, signal),
              () => turns(slow),
            );
            assert.ok(got.length >= wanted);
            assert.equal(got, log.slice(from, from + got.length));
          }),
        );
        for (const count of writes) {
          await turns(2);
          write(count);
        }
        write(Math.max(0, 60 - log.length));
        await asked;
        await turns(3);
        assert.is(open.size, 0);
      },
    ),
  ));

test.run();
