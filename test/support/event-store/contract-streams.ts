/** The contract of every event store: streams, appends that are repeated, and their order in the log. */
import { randomUUID } from 'node:crypto';
import {
  beginning,
  Conflict,
  type NewEvent,
  noStream,
  type Position,
  type StoredEvent,
} from '../../../src/store/event-store.ts';
import { readTexts } from '../../../src/store/event-text.ts';
import {
  assertInOrder,
  type ContractTest,
  ids,
  newEvent,
  newEvents,
  rejects,
  sorted,
  streamOf,
  wholeLog,
} from '../stored-events.ts';
import { assert } from '../suite.ts';

export function streams(test: ContractTest): void {
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

export function repeats(test: ContractTest): void {
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

export function order(test: ContractTest): void {
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
    const texts = await readTexts(store, log[4]?.position ?? '', 2);
    assert.equal(
      texts.map(([position, eventId, stream, revision, type, data, metadata]) => ({
        ...{ position, eventId, stream, revision, type },
        ...{ data: JSON.parse(data), metadata: JSON.parse(metadata) },
      })),
      log.slice(5, 7),
    );
  });
}
