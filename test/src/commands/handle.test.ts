import { z } from 'zod';
import { accept, type Decider, event, refuse } from '../../../domain/decider.ts';
import { upcasters } from '../../../domain/upcast.ts';
import { handle, handleDecision, load, newCause } from '../../../src/commands/handle.ts';
import { decideAttemptsMax } from '../../../src/limits/administration.ts';
import {
  Conflict,
  type EventStore,
  noStream,
  StoreUnavailable,
} from '../../../src/store/event-store.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { newEvent } from '../../support/stored-events.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('handle');

// A counter: small enough to see the loop around it.
const Counted = z.discriminatedUnion('type', [event('Counted', { by: z.int() })]);
type Counted = z.infer<typeof Counted>;
interface Count {
  readonly by: number;
  readonly upTo?: number;
}
const counter: Decider<number, Count, Counted, 'too-much'> = {
  category: 'counter',
  Event: Counted,
  initial: 0,
  decide: ({ by, upTo = 100 }, total) => {
    if (by === 0) return accept();
    if (total + by > upTo) return refuse('too-much');
    return accept({ type: 'Counted', data: { by } });
  },
  evolve: (total, { data }) => total + data.by,
};
const stream = 'counter-1';
const count = (
  store: EventStore,
  command: Parameters<typeof handle<number, Count, Counted, 'too-much'>>[3],
) => handle(store, counter, '1', command, newCause());

/** Somebody else writes to the stream just before each of the first `times` appends. */
function contended(store: EventStore, times: number): EventStore {
  let left = times;
  return {
    ...store,
    async append(name, revision, events) {
      if (left-- > 0) {
        const { length } = await store.read(name);
        await store.append(name, length - 1, [newEvent({ by: 1 }, 'Counted')]);
      }
      return await store.append(name, revision, events);
    },
  };
}

test('what is decided is written, with its cause', async () => {
  const store = memoryStore();
  const cause = { correlationId: 'c-1', causationId: 'c-0' };
  const { decision, state, position } = await handle(store, counter, '1', { by: 2 }, cause);
  assert.equal(decision, { accepted: true, events: [{ type: 'Counted', data: { by: 2 } }] });
  assert.is(state, 2);
  const [written, ...more] = await store.read(stream);
  assert.equal(more, []);
  assert.equal(written?.metadata, cause);
  assert.equal([written?.type, written?.data, written?.revision], ['Counted', { by: 2 }, 0]);
  assert.is(written?.position, position);
  assert.match(written?.eventId ?? '', /^[0-9a-f-]{36}$/);
});
test('a cause of its own is a new one each time', () => {
  assert.is.not(newCause().correlationId, newCause().correlationId);
  assert.is(newCause().causationId, null);
});
test('the state is that of all events before', async () => {
  const store = memoryStore();
  await count(store, { by: 2 });
  assert.is((await count(store, { by: 3 })).state, 5);
  const [, newest] = await store.read(stream);
  assert.equal(await load(store, counter, '1'), { state: 5, revision: 1, newest });
  const none = { state: 0, revision: noStream, newest: undefined };
  assert.equal(await load(store, counter, 'none'), none);
});
test('many who want one stream at once all get their turn', async () => {
  const store = memoryStore();
  const many = 10 * decideAttemptsMax;
  const done = await Promise.all(Array.from({ length: many }, () => count(store, { by: 1 })));
  assert.ok(done.every(({ decision }) => decision.accepted));
  assert.is((await load(store, counter, '1')).state, many);
});
test('what is already so writes nothing', async () => {
  const store = memoryStore();
  await count(store, { by: 2 });
  assert.equal(await count(store, { by: 0 }), {
    decision: { accepted: true, events: [] },
    before: 2,
    state: 2,
    position: null,
    decidedOn: (await store.read(stream))[0]?.position,
  });
  assert.is((await store.read(stream)).length, 1);
});
test('what is refused writes nothing', async () => {
  const store = memoryStore();
  assert.equal(await count(store, { by: 101 }), {
    decision: { accepted: false, refusal: 'too-much' },
    before: 0,
    state: 0,
    position: null,
    decidedOn: null,
  });
  assert.equal(await store.read(stream), []);
});

test('after a conflict it decides again, on what is there now', async () => {
  const store = memoryStore();
  const states: number[] = [];
  const { state } = await count(contended(store, 2), (now) => {
    states.push(now);
    return { by: 10 };
  });
  assert.equal(states, [0, 1, 2]);
  assert.is(state, 12);
  assert.is((await store.read(stream)).length, 3);
});
test('after a conflict the answer may be another', async () => {
  const { decision } = await count(contended(memoryStore(), 1), { by: 1, upTo: 1 });
  assert.equal(decision, { accepted: false, refusal: 'too-much' });
});
test('a stream that stays contended is given up', async () => {
  const store = memoryStore();
  let asked = 0;
  const error = await count(contended(store, Number.POSITIVE_INFINITY), () => {
    asked++;
    return { by: 1 };
  }).catch((reason: unknown) => reason);
  assert.instance(error, Conflict);
  assert.is(asked, decideAttemptsMax);
});
test('one conflict fewer than that is borne', async () => {
  const { decision } = await count(contended(memoryStore(), decideAttemptsMax - 1), { by: 1 });
  assert.ok(decision.accepted);
});
test('all who come at once get in, one after the other', async () => {
  const store = memoryStore();
  await Promise.all(Array.from({ length: 6 }, () => count(store, { by: 1 })));
  assert.is((await load(store, counter, '1')).state, 6);
});
test('a store that cannot be written is told at once', async () => {
  let appends = 0;
  const store: EventStore = {
    ...memoryStore(),
    append: () => {
      appends++;
      return Promise.reject(new StoreUnavailable('the disk is full'));
    },
  };
  const error = await count(store, { by: 1 }).catch((reason: unknown) => reason);
  assert.instance(error, StoreUnavailable);
  assert.is(appends, 1);
});
test('a decision that cannot be made writes nothing', async () => {
  const store = memoryStore();
  const unprepared = () => Promise.reject(new Error('no key'));
  const error = await handleDecision(store, counter, '1', unprepared, newCause()).catch(String);
  assert.is(error, 'Error: no key');
  assert.equal(await store.read(stream), []);
});

/** Decides on what is at hand, and counts how often the stream is read. */
function atHand(inner: EventStore, basis: { state: number; revision: number } | undefined) {
  const reads: string[] = [];
  const store: EventStore = {
    ...inner,
    read: (name) => {
      reads.push(name);
      return inner.read(name);
    },
  };
  const known = basis && { ...basis, position: null };
  const ask = (command: Count, suffices = false) =>
    handleDecision<number, Counted, 'too-much', { decision: ReturnType<typeof counter.decide> }>(
      store,
      counter,
      '1',
      (state) => ({ decision: counter.decide(command, state) }),
      newCause(),
      { basis: () => known, suffices: ({ decision }) => suffices && decision.accepted },
    );
  return { reads, ask };
}

test('what is at hand decides without a read, and the revision guards it', async () => {
  const store = memoryStore();
  const { reads, ask } = atHand(store, { state: 0, revision: noStream });
  assert.is((await ask({ by: 2 })).state, 2);
  assert.equal(reads, []);
  const stale = await ask({ by: 3 });
  assert.equal([stale.state, stale.before], [5, 2], 'somebody else was first: decided again');
  assert.equal(reads, [stream]);
  assert.is((await store.read(stream)).length, 2);
});
test('a refusal, and what records nothing, never rest on what may be old', async () => {
  const store = memoryStore();
  await count(store, { by: 60 });
  for (const [command, accepted] of [
    [{ by: 50 }, false],
    [{ by: 0 }, true],
  ] as const) {
    const old = atHand(store, { state: 100, revision: 7 });
    const { decision, before } = await old.ask(command);
    assert.equal([decision.accepted, before, old.reads], [accepted, 60, [stream]]);
  }
  const refused = atHand(store, { state: 100, revision: 7 });
  assert.ok(
    (await refused.ask({ by: 40 }, true)).decision.accepted,
    'refused on the old state only',
  );
});
test('where the caller says that it suffices, what records nothing reads nothing', async () => {
  const { reads, ask } = atHand(memoryStore(), { state: 60, revision: 3 });
  assert.is((await ask({ by: 0 }, true)).before, 60);
  assert.equal(reads, []);
});
test('where nothing is at hand the stream is read', async () => {
  const { reads, ask } = atHand(memoryStore(), undefined);
  assert.is((await ask({ by: 2 }, true)).state, 2);
  assert.equal(reads, [stream]);
});

for (const [why, broken] of [
  ['of another type', newEvent({ by: 1 }, 'Forgotten')],
  ['without its data', newEvent({}, 'Counted')],
] as const)
  test(`a stored event ${why} stops the request and is never passed over`, async () => {
    const store = memoryStore();
    await store.append(stream, noStream, [newEvent({ by: 1 }, 'Counted'), broken]);
    const error = await count(store, { by: 1 }).catch((reason: unknown) => reason);
    assert.instance(error, Error);
    assert.not.instance(error, Conflict);
    assert.is((await store.read(stream)).length, 2);
  });
test('an older event is read in today’s shape, and stays as it is', async () => {
  const open = upcasters as Record<string, (typeof upcasters)[string]>;
  open.Counted = ({ by, amount }) => ({ by: by ?? amount });
  try {
    const store = memoryStore();
    await store.append(stream, noStream, [newEvent({ amount: 5 }, 'Counted')]);
    assert.is((await count(store, { by: 1 })).state, 6);
    assert.equal(
      (await store.read(stream)).map(({ data }) => data),
      [{ amount: 5 }, { by: 1 }],
    );
  } finally {
    delete open.Counted;
  }
});

test.run();
