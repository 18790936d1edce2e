/** What every event store must do: one suite, run over each adapter. */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readBatchMax } from '../../src/limits.ts';
import {
  beginning,
  Conflict,
  type EventStore,
  type NewEvent,
  noStream,
  type Position,
  type StoredEvent,
  StoreUnavailable,
  type VaultChange,
} from '../../src/store/event-store.ts';

export interface Made {
  readonly store: EventStore;
  /** Closes the store and opens the same log again. */
  readonly reopen: () => Promise<EventStore>;
  readonly dispose: () => Promise<void>;
}

export const newEvent = (data: Record<string, unknown> = {}, type = 'Tested'): NewEvent => ({
  eventId: randomUUID(),
  type,
  data,
  metadata: { correlationId: randomUUID(), causationId: null },
});

export const newEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, number) => newEvent({ number }));

/** A name that no other test of this process or log has used. */
export const streamOf = (category: string): string => `${category}-${randomUUID()}`;

export const ids = (events: readonly { eventId: string }[]): string[] =>
  events.map(({ eventId }) => eventId);

/** Everything outside the vault, page by page. */
export async function wholeLog(store: EventStore, limit = readBatchMax): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let after = beginning; ; ) {
    const page = await store.readAll(after, limit);
    assert.ok(page.length <= limit, 'no page is longer than asked for');
    const last = page.at(-1);
    if (!last) return all;
    all.push(...page);
    after = last.position;
  }
}

/** Takes batches until it has `count` items; an endless wait fails by the runner's time limit. */
async function take<Item>(
  count: number,
  start: (signal: AbortSignal) => AsyncIterable<readonly Item[]>,
  pause?: () => Promise<unknown>,
): Promise<Item[]> {
  const stop = new AbortController();
  const taken: Item[] = [];
  for await (const batch of start(stop.signal)) {
    assert.ok(
      batch.length > 0 && batch.length <= readBatchMax,
      'a batch is neither empty nor huge',
    );
    taken.push(...batch);
    if (taken.length >= count) stop.abort();
    await pause?.();
  }
  return taken;
}

async function rejects(
  promise: Promise<unknown>,
  Expected: abstract new (...values: never[]) => Error,
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, Expected, `${error}`);
}

const sorted = (positions: readonly Position[]) => [...positions].sort();
const unique = (values: readonly string[]) => new Set(values).size === values.length;

function assertInOrder(events: readonly { position: Position }[]): void {
  const positions = events.map(({ position }) => position);
  assert.equal(positions, sorted(positions));
  assert.ok(unique(positions), 'no position comes twice');
  for (const position of positions) assert.is(position.length, beginning.length);
}

type Test = ReturnType<typeof suite<{ made: Made }>>;

export function eventStoreContract(name: string, make: () => Promise<Made>): void {
  const test = suite<{ made: Made }>(`event store contract: ${name}`);
  test.before.each(async (world) => {
    world.made = await make();
  });
  test.after.each(async ({ made }) => {
    await made.dispose();
  });
  streams(test);
  repeats(test);
  order(test);
  follows(test);
  followsAnything(test, make);
  vault(test);
  vaultOrder(test);
  ends(test);
  test.run();
}

function streams(test: Test): void {
  test('what is appended is read back, in order', async ({ made: { store } }) => {
    const stream = streamOf('client');
    const [first, second, third] = newEvents(3) as [NewEvent, NewEvent, NewEvent];
    const one = await store.append(stream, noStream, [first]);
    const two = await store.append(stream, 0, [second, third]);

    assert.is(one.revision, 0);
    assert.is(two.revision, 2);
    const read = await store.read(stream);
    assert.equal(
      read.map(({ position, ...rest }) => rest),
      [first, second, third].map((event, revision) => ({ ...event, stream, revision })),
    );
    assertInOrder(read);
    assert.is(read[0]?.position, one.position);
    assert.is(read[2]?.position, two.position);
  });

  test('a stream that was never written is empty', async ({ made: { store } }) => {
    assert.equal(await store.read(streamOf('client')), []);
  });

  test('a new log is empty and has an identity that stays', async ({ made }) => {
    assert.equal(await wholeLog(made.store), []);
    assert.is(await made.store.head(), beginning);
    assert.ok(made.store.logId.length > 0);
    assert.is((await made.reopen()).logId, made.store.logId);
  });

  test('events and metadata come back as they were', async ({ made }) => {
    const stream = streamOf('client');
    const event: NewEvent = {
      eventId: randomUUID(),
      type: 'Tested',
      data: {
        text: 'Grüße, 日本 🚪 "quoted" \\ \u0000 \u2028 \ud800',
        ключ: [1.5, -0, 1e21, true, null, { nested: [[]] }],
        '': '',
        long: 'ü'.repeat(1000),
      },
      metadata: { correlationId: randomUUID(), causationId: randomUUID() },
    };
    await made.store.append(stream, noStream, [event]);
    const store = await made.reopen();
    const [read] = await store.read(stream);
    const { data, metadata, eventId, type } = read as StoredEvent;
    const expected = JSON.parse(JSON.stringify(event));
    assert.equal({ eventId, type, data, metadata }, expected);
    assert.is(JSON.stringify(data), JSON.stringify(event.data), 'also the order of the keys');
  });

  test('a big event comes back whole', async ({ made: { store } }) => {
    const stream = streamOf('client');
    const text = Array.from({ length: 60 * 1024 }, (_, at) => String.fromCharCode(97 + (at % 26)));
    const big = newEvent({ text: text.join('') });
    await store.append(stream, noStream, [big, newEvent()]);
    assert.equal((await store.read(stream))[0]?.data, big.data);
    assert.equal((await wholeLog(store))[0]?.data, big.data);
  });

  test('what is no JSON object is refused, and nothing is written', async ({ made: { store } }) => {
    const stream = streamOf('client');
    for (const data of [null, [], 'text', 1, new Date(0), { big: 1n }, undefined]) {
      const wrong = { ...newEvent(), data } as unknown as NewEvent;
      await rejects(store.append(stream, noStream, [newEvent(), wrong]), TypeError);
    }
    assert.equal(await store.read(stream), []);
    assert.is(await store.head(), beginning);
  });

  test('what the caller changes after the call is not what is stored', async ({
    made: { store },
  }) => {
    const stream = streamOf('client');
    const data = { text: 'before' };
    const appended = store.append(stream, noStream, [newEvent(data)]);
    data.text = 'after';
    await appended;
    assert.equal((await store.read(stream))[0]?.data, { text: 'before' });
  });

  test('no events: nothing is written, and the stream’s end is the answer', async ({
    made: { store },
  }) => {
    const stream = streamOf('client');
    assert.is((await store.append(stream, noStream, [])).revision, noStream);
    const { position } = await store.append(stream, noStream, newEvents(2));
    assert.equal(await store.append(stream, 1, []), { revision: 1, position });
    assert.is((await wholeLog(store)).length, 2);
  });
}

function repeats(test: Test): void {
  test('an append that expects another revision is a conflict', async ({ made: { store } }) => {
    const stream = streamOf('client');
    await rejects(store.append(stream, 0, [newEvent()]), Conflict);
    await store.append(stream, noStream, newEvents(2));
    for (const expected of [noStream, 0, 2])
      await rejects(store.append(stream, expected, [newEvent()]), Conflict);
    assert.is((await store.read(stream)).length, 2);
    assert.is((await store.append(stream, 1, [newEvent()])).revision, 2);
  });

  test('of all who expect the same revision at once, one wins', async ({ made: { store } }) => {
    const stream = streamOf('client');
    const results = await Promise.allSettled(
      newEvents(16).map((event) => store.append(stream, noStream, [event])),
    );
    const lost = results.filter((result) => result.status === 'rejected');
    assert.is(lost.length, 15);
    for (const { reason } of lost) assert.instance(reason, Conflict);
    assert.is((await store.read(stream)).length, 1);
  });

  test('the same append again is a success that writes nothing', async ({ made }) => {
    const stream = streamOf('client');
    const events = newEvents(3);
    const first = await made.store.append(stream, noStream, events);
    await made.store.append(stream, first.revision, [newEvent()]);
    assert.equal(await made.store.append(stream, noStream, events), first);
    const store = await made.reopen();
    assert.equal(await store.append(stream, noStream, events), first);
    assert.is((await wholeLog(store)).length, 4);
  });

  test('the same append twice at once is written once', async ({ made: { store } }) => {
    const stream = streamOf('client');
    const events = newEvents(2);
    const [one, two] = await Promise.all([
      store.append(stream, noStream, events),
      store.append(stream, noStream, events),
    ]);
    assert.equal(one, two);
    assert.equal(ids(await store.read(stream)), ids(events));
  });

  test('the same ids elsewhere, or with others, are a conflict', async ({ made: { store } }) => {
    const stream = streamOf('client');
    const [first, second] = newEvents(2) as [NewEvent, NewEvent];
    await store.append(stream, noStream, [first, second]);
    await rejects(store.append(stream, noStream, [first, newEvent()]), Conflict);
    await rejects(store.append(stream, noStream, [second, first]), Conflict);
    await rejects(store.append(stream, noStream, [first, second, newEvent()]), Conflict);
    await rejects(store.append(stream, noStream, [second]), Conflict);
    assert.equal(ids(await store.read(stream)), ids([first, second]));
  });
}

function order(test: Test): void {
  test('appends at once all have a place of their own, also after opening again', async ({
    made,
  }) => {
    const streamNames = Array.from({ length: 20 }, () => streamOf('client'));
    const acknowledged = (
      await Promise.all(
        streamNames.map(async (stream) => {
          const positions: Position[] = [];
          for (let revision = noStream; revision < 9; revision++)
            positions.push((await made.store.append(stream, revision, [newEvent()])).position);
          return positions;
        }),
      )
    ).flat();
    const store = await made.reopen();
    const log = await wholeLog(store);
    assertInOrder(log);
    assert.equal(
      log.map(({ position }) => position),
      sorted(acknowledged),
    );
    assert.is(await store.head(), log.at(-1)?.position);
    for (const stream of streamNames) {
      const own = log.filter((event) => event.stream === stream);
      assert.equal(
        own.map(({ revision }) => revision),
        Array.from({ length: 10 }, (_, at) => at),
      );
      assert.equal(own, await store.read(stream));
    }
  });

  test('pages of any size are the same log', async ({ made: { store } }) => {
    await store.append(streamOf('client'), noStream, newEvents(7));
    await store.append(streamOf('registry'), noStream, newEvents(4));
    const log = await wholeLog(store);
    assert.is(log.length, 11);
    for (const limit of [1, 2, 3, 10, 11, 12]) assert.equal(await wholeLog(store, limit), log);
    assert.equal(await store.readAll(await store.head(), 10), []);
    assert.equal(await store.readAll(log[4]?.position ?? '', 2), log.slice(5, 7));
  });
}

function follows(test: Test): void {
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
function followsAnything(test: Test, make: () => Promise<Made>): void {
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

function vault(test: Test): void {
  test('the vault stands apart from the log', async ({ made: { store } }) => {
    const secret = streamOf('vault');
    const seen = take(2, (signal) => store.follow(beginning, signal));
    await store.append(streamOf('client'), noStream, newEvents(1));
    const head = await store.head();
    const kept = newEvent({ verifier: 'of-a-password' });
    assert.is((await store.append(secret, noStream, [kept])).revision, 0);

    assert.is(await store.head(), head);
    await store.append(streamOf('client'), noStream, newEvents(1));
    const log = await wholeLog(store);
    assert.is(log.length, 2);
    assert.equal(await seen, log);
    const [read] = await store.read(secret);
    assert.equal(read?.data, kept.data);
    assert.equal(read?.metadata, kept.metadata);
    assert.is(read?.stream, secret);
  });

  test('vault streams keep the rules of all streams', async ({ made: { store } }) => {
    const secret = streamOf('vault');
    const events = newEvents(2);
    const first = await store.append(secret, noStream, events);
    assert.equal(await store.append(secret, noStream, events), first);
    await rejects(store.append(secret, noStream, [newEvent()]), Conflict);
    assert.is((await store.append(secret, 1, [newEvent()])).revision, 2);
    assert.is((await store.read(secret)).length, 3);
  });

  test('a deleted stream is empty, and stays deleted', async ({ made }) => {
    const [gone, stays] = [streamOf('vault'), streamOf('vault')];
    const events = newEvents(2);
    await made.store.append(gone, noStream, events);
    await made.store.append(stays, noStream, newEvents(1));
    await made.store.deleteStream(gone);
    assert.equal(await made.store.read(gone), []);
    await made.store.deleteStream(gone);

    const store = await made.reopen();
    assert.equal(await store.read(gone), []);
    assert.is((await store.read(stays)).length, 1);
    await rejects(store.append(gone, noStream, [newEvent()]), Conflict);
    await rejects(store.append(gone, noStream, events), Conflict);
    assert.equal(await store.read(gone), []);
  });

  test('deleting what is not there is a success', async ({ made: { store } }) => {
    await store.deleteStream(streamOf('vault'));
  });

  test('only the vault can be deleted from', async ({ made: { store } }) => {
    const stream = streamOf('client');
    await store.append(stream, noStream, newEvents(1));
    await rejects(store.deleteStream(stream), Error);
    assert.is((await store.read(stream)).length, 1);
  });
}

const outline = (changes: readonly VaultChange[]) =>
  changes.map((change) => [
    change.kind,
    change.stream,
    change.kind === 'kept' ? change.event.data : undefined,
  ]);

function vaultOrder(test: Test): void {
  test('followVault tells what is kept and what is deleted', async ({ made: { store } }) => {
    const [one, two] = [streamOf('vault'), streamOf('vault')];
    const live = take(3, (signal) => store.followVault(beginning, signal));
    await nextTurn();
    await store.append(one, noStream, [newEvent({ secret: 1 })]);
    await store.append(two, noStream, [newEvent({ secret: 2 })]);
    // Let the follower see both before one goes.
    await take(2, (signal) => store.followVault(beginning, signal));
    await nextTurn();
    await store.deleteStream(one);
    const changes = await live;
    assertInOrder(changes);
    assert.equal(outline(changes), [
      ['kept', one, { secret: 1 }],
      ['kept', two, { secret: 2 }],
      ['deleted', one, undefined],
    ]);
    const kept = changes[0];
    if (kept?.kind === 'kept') assert.is(kept.event.revision, 0);
  });

  test('what was deleted never appears again, its deletion does', async ({ made }) => {
    const [one, two, three] = [streamOf('vault'), streamOf('vault'), streamOf('vault')];
    for (const stream of [one, two, three])
      await made.store.append(stream, noStream, [newEvent({ stream })]);
    const all = await take(3, (signal) => made.store.followVault(beginning, signal));
    await made.store.deleteStream(two);
    await made.store.deleteStream(one);

    const store = await made.reopen();
    const expected = [
      ['kept', three, { stream: three }],
      ['deleted', two, undefined],
      ['deleted', one, undefined],
    ];
    const again = await take(3, (signal) => store.followVault(beginning, signal));
    assert.equal(outline(again), expected);
    const resumed = await take(2, (signal) => store.followVault(all[2]?.position ?? '', signal));
    assert.equal(outline(resumed), expected.slice(1));
  });

  test('readVault pages through the vault’s order', async ({ made: { store } }) => {
    const names = Array.from({ length: 5 }, () => streamOf('vault'));
    for (const stream of names) await store.append(stream, noStream, [newEvent({ stream })]);
    await store.deleteStream(names[1] as string);
    const all = await take(5, (signal) => store.followVault(beginning, signal));
    for (const limit of [1, 2, 5, 6]) {
      const paged: VaultChange[] = [];
      for (let after = beginning; ; ) {
        const page = await store.readVault(after, limit);
        assert.ok(page.length <= limit);
        paged.push(...page);
        const last = page.at(-1);
        if (!last) break;
        after = last.position;
      }
      assert.equal(paged, all);
    }
  });

  test('abort ends followVault', async ({ made: { store } }) => {
    const stop = new AbortController();
    const next = store.followVault(beginning, stop.signal)[Symbol.asyncIterator]().next();
    await nextTurn();
    stop.abort();
    assert.is((await next).done, true);
  });
}

function ends(test: Test): void {
  test('close finishes what was begun and ends every follow', async ({ made }) => {
    const stream = streamOf('client');
    const { signal } = new AbortController();
    const follow = made.store.follow(beginning, signal)[Symbol.asyncIterator]().next();
    const vaultFollow = made.store.followVault(beginning, signal)[Symbol.asyncIterator]().next();
    await nextTurn();
    const begun = made.store.append(stream, noStream, [newEvent()]);
    const store = await made.reopen();
    assert.is((await begun).revision, 0);
    assert.is((await store.read(stream)).length, 1);
    // Perhaps it still saw the event: then the next one ends it.
    await follow;
    assert.is((await vaultFollow).done, true);
  });

  test('a closed store answers that it is unavailable', async ({ made: { store } }) => {
    await store.close();
    await store.close();
    const { signal } = new AbortController();
    await rejects(store.append('client-a', noStream, [newEvent()]), StoreUnavailable);
    await rejects(store.read('client-a'), StoreUnavailable);
    await rejects(store.readAll(beginning, 1), StoreUnavailable);
    await rejects(store.readVault(beginning, 1), StoreUnavailable);
    await rejects(store.head(), StoreUnavailable);
    await rejects(store.deleteStream('vault-a'), StoreUnavailable);
    const begin = async (start: () => AsyncIterable<unknown>) => {
      for await (const _ of start()) assert.unreachable('a closed log has nothing to tell');
    };
    await rejects(
      begin(() => store.follow(beginning, signal)),
      StoreUnavailable,
    );
    await rejects(
      begin(() => store.followVault(beginning, signal)),
      StoreUnavailable,
    );
  });
}
