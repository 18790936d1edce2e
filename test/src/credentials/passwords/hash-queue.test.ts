/** Slow hashes are shared between lanes, networks and sources, and nobody waits for long. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import {
  createHashQueue,
  HashingBusy,
  type HashLane,
} from '../../../../src/credentials/passwords/hash-queue.ts';
import { hashWaitMsMax } from '../../../../src/limits/credentials.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('hash queue');

/** A queue whose work ends only when told to, and what became of each job. */
function world(concurrency: number, waitingMax: number, lot = (count: number) => count - 1) {
  let nowMs = 0;
  const queue = createHashQueue({ concurrency, waitingMax, lot, nowMs: () => nowMs });
  const started: string[] = [];
  const ends: (() => void)[] = [];
  return {
    queue,
    started,
    offer: (source: string, lane: HashLane = 'door', gone?: AbortSignal) =>
      queue
        .run(
          source,
          () => {
            started.push(source);
            const end = Promise.withResolvers<void>();
            ends.push(end.resolve);
            return end.promise;
          },
          lane,
          gone && (() => gone),
        )
        .then(
          () => 'done' as const,
          (error: unknown) => {
            assert.instance(error, HashingBusy);
            return 'busy' as const;
          },
        ),
    /** Ends the oldest job at work, and lets everything settle that follows from it. */
    async endOne(tookMs = 0) {
      nowMs += tookMs;
      ends.shift()?.();
      await settled();
    },
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('no more than so many work at once, the others wait', async () => {
  const { queue, started, offer, endOne } = world(2, 10);
  const answers = ['a', 'a', 'a', 'a'].map((source) => offer(source));
  assert.is(started.length, 2);
  assert.is(queue.waiting(), 2);
  await endOne();
  assert.is(started.length, 3);
  assert.is(queue.waiting(), 1);
  for (let left = 3; left > 0; left -= 1) await endOne();
  assert.equal(await Promise.all(answers), ['done', 'done', 'done', 'done']);
  assert.is(queue.waiting(), 0);
});

test('sources take turns', async () => {
  const { started, offer, endOne } = world(1, 10);
  for (const source of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) offer(source);
  for (let left = 6; left > 0; left -= 1) await endOne();
  assert.equal(started, ['a', 'a', 'b', 'c', 'a', 'b', 'a']);
});

test('work that fails gives its place back, and its error to its caller', async () => {
  const { queue, started, offer } = world(1, 10);
  const failing = queue.run('a', async () => {
    throw new Error('broken');
  });
  offer('b');
  await failing.then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'broken'),
  );
  await settled();
  assert.equal(started, ['b']);
});

test('who is gone waits no longer, and takes no turn', async () => {
  const { queue, started, offer, endOne } = world(1, 10);
  const leaving = new AbortController();
  const before = offer('a', 'door', leaving.signal);
  const waiting = ['b', 'c'].map((source) => offer(source, 'door', leaving.signal));
  const stays = offer('d', 'door', new AbortController().signal);
  assert.is(queue.waiting(), 3);
  leaving.abort();
  assert.equal(await Promise.all(waiting), ['busy', 'busy']);
  assert.is(queue.waiting(), 1);
  assert.is(await offer('e', 'door', leaving.signal), 'busy');
  // What has begun goes on.
  await endOne();
  assert.is(await before, 'done');
  await endOne();
  assert.is(await stays, 'done');
  assert.equal(started, ['a', 'd']);
});

test('full: the source that fills it is told so at once', async () => {
  const { queue, offer } = world(1, 3);
  for (const source of ['a', 'a', 'a', 'a']) offer(source);
  assert.is(await offer('a'), 'busy');
  assert.is(queue.waiting(), 3);
});

test('full: a newcomer takes the newest place of the source with the most', async () => {
  const { queue, started, offer, endOne } = world(1, 3);
  const flood = ['a', 'a', 'a', 'a'].map((source) => offer(source));
  const newcomer = offer('b');
  assert.is(await flood[3], 'busy');
  assert.is(queue.waiting(), 3);
  for (let left = 4; left > 0; left -= 1) await endOne();
  assert.is(await newcomer, 'done');
  assert.equal(started, ['a', 'a', 'b', 'a']);
});

test('full of equal shares: who waits already stays', async () => {
  const { offer, endOne } = world(1, 2);
  offer('z');
  const waiting = ['a', 'b'].map((source) => offer(source));
  assert.is(await offer('c'), 'busy');
  for (let left = 3; left > 0; left -= 1) await endOne();
  assert.equal(await Promise.all(waiting), ['done', 'done']);
});

test('no room to wait at all', async () => {
  const { offer } = world(1, 0);
  offer('a');
  assert.is(await offer('b'), 'busy');
});

test('10,000 attempts of one source keep no other from its answer', async () => {
  const { queue, started, offer, endOne } = world(2, 64);
  const flood = Array.from({ length: 10_000 }, () => offer('flood'));
  const others = ['a', 'b', 'c', 'd'].map((source) => offer(source));
  assert.is(queue.waiting(), 64);
  // Two at work, then everybody in turn, however many of the flood wait.
  for (let turn = 0; turn < 7; turn += 1) await endOne();
  assert.equal(
    ['a', 'b', 'c', 'd'].filter((source) => started.includes(source)),
    ['a', 'b', 'c', 'd'],
  );
  for (let left = 70; left > 0; left -= 1) await endOne();
  assert.equal(await Promise.all(others), ['done', 'done', 'done', 'done']);
  const answers = await Promise.all(flood);
  assert.is(answers.filter((answer) => answer === 'done').length, 2 + 64 - 4);
});

test('a source that asks for no more than its share is never refused', async () => {
  const sources = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(sources, fc.integer({ min: 0, max: 200 }), async (crowd, place) => {
      // Room for 10; with the five sources there are, one waiting each is within anybody's share.
      const { queue, offer, endOne } = world(1, 10);
      const before = crowd.slice(0, place).map((source) => offer(source));
      const modest = offer('modest');
      const after = crowd.slice(place).map((source) => offer(source));
      assert.ok(queue.waiting() <= 10);
      for (let left = 12; left > 0; left -= 1) await endOne();
      assert.is(await modest, 'done');
      await Promise.all([...before, ...after]);
      assert.is(queue.waiting(), 0);
    }),
    { numRuns: 50 },
  );
});

const nearby = (host: number) => `2001:db8:7:${host.toString(16)}::/64`;

test('600 /64s of one /48 are one neighbour to those of elsewhere', async () => {
  const { started, offer, endOne } = world(1, 32, randomInt);
  const flood = Array.from({ length: 600 }, (_, host) => offer(nearby(host), 'sign-in'));
  const people = Array.from({ length: 15 }, (_, host) => offer(`192.0.2.${host}`, 'sign-in'));
  flood.push(...Array.from({ length: 600 }, (_, host) => offer(nearby(600 + host), 'sign-in')));
  for (let turn = 0; turn < 2 * 15 + 1; turn++) await endOne();
  assert.is(started.filter((source) => source.startsWith('192.')).length, 15);
  for (let left = 40; left > 0; left--) await endOne();
  assert.equal([...new Set(await Promise.all(people))], ['done']);
  await Promise.all(flood);
});

test('within a /48 its /64s take turns', async () => {
  const { started, offer, endOne } = world(1, 10);
  for (const host of [1, 1, 1, 2, 3]) offer(nearby(host));
  for (let left = 4; left > 0; left--) await endOne();
  assert.equal(started, [1, 1, 2, 3, 1].map(nearby));
});

test('people who sign in have every other turn, and places that no door takes', async () => {
  const { started, offer, endOne } = world(1, 4);
  for (let device = 0; device < 20; device++) void offer(`device-${device}`);
  const people = ['a', 'b', 'c'].map((person) => offer(person, 'sign-in'));
  for (let left = 8; left > 0; left--) await endOne();
  assert.equal(await Promise.all(people), ['done', 'done', 'done']);
  assert.equal(
    started.slice(1, 6).filter((one) => !one.startsWith('device')),
    ['a', 'b', 'c'],
  );
});

test('full of equal shares: the lot decides, and every place can go', async () => {
  for (const [place, gone] of [0, 1, 2].entries()) {
    const { offer, endOne } = world(1, 2, (count) => Math.min(place, count - 1));
    offer('z');
    const answers = ['a', 'b', 'c'].map((source) => offer(source));
    for (let left = 3; left > 0; left--) await endOne();
    const busy = (await Promise.all(answers)).map((answer) => answer === 'busy');
    assert.is(busy.indexOf(true), gone);
  }
});

test('no more wait than can be served in time, at the pace of this machine', async () => {
  const { queue, offer, endOne } = world(1, 512);
  offer('a');
  for (let hashes = 0; hashes < 40; hashes++) {
    offer('a');
    await endOne(100);
  }
  for (let more = 0; more < 100; more++) void offer(`source-${more}`);
  assert.is(queue.waiting(), hashWaitMsMax / 100);
  // Half of that is theirs who sign in, also where the doors hold it all.
  for (let more = 0; more < 100; more++) void offer(`person-${more}`, 'sign-in');
  assert.is(queue.waiting(), (hashWaitMsMax / 100) * 1.5);
  for (let left = 40; left > 0; left--) await endOne();
});

test('whoever did not begin in time is told so', async () => {
  const { offer, endOne } = world(1, 10);
  offer('a');
  const begunMs = performance.now();
  // What waits holds nothing open that would keep a process alive.
  const alive = setInterval(() => undefined, 1_000);
  assert.is(await offer('b'), 'busy');
  clearInterval(alive);
  assert.ok(performance.now() - begunMs >= hashWaitMsMax - 50);
  await endOne();
});

test.run();
