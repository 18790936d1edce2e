import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHashQueue, HashingBusy } from '../../../../src/credentials/passwords/hash-queue.ts';

const test = suite('hash queue');

/** A queue whose work ends only when told to, and what became of each job. */
function world(concurrency: number, waitingMax: number) {
  const queue = createHashQueue({ concurrency, waitingMax });
  const started: string[] = [];
  const ends: (() => void)[] = [];
  return {
    queue,
    started,
    offer: (source: string) =>
      queue
        .run(source, () => {
          started.push(source);
          const end = Promise.withResolvers<void>();
          ends.push(end.resolve);
          return end.promise;
        })
        .then(
          () => 'done' as const,
          (error: unknown) => {
            assert.instance(error, HashingBusy);
            return 'busy' as const;
          },
        ),
    /** Ends the oldest job at work, and lets everything settle that follows from it. */
    async endOne() {
      ends.shift()?.();
      await settled();
    },
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('no more than so many work at once, the others wait', async () => {
  const { queue, started, offer, endOne } = world(2, 10);
  const answers = ['a', 'a', 'a', 'a'].map(offer);
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

test('full: the source that fills it is told so at once', async () => {
  const { queue, offer } = world(1, 3);
  for (const source of ['a', 'a', 'a', 'a']) offer(source);
  assert.is(await offer('a'), 'busy');
  assert.is(queue.waiting(), 3);
});

test('full: a newcomer takes the newest place of the source with the most', async () => {
  const { queue, started, offer, endOne } = world(1, 3);
  const flood = ['a', 'a', 'a', 'a'].map(offer);
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
  const waiting = ['a', 'b'].map(offer);
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
  const others = ['a', 'b', 'c', 'd'].map(offer);
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
      const before = crowd.slice(0, place).map(offer);
      const modest = offer('modest');
      const after = crowd.slice(place).map(offer);
      assert.ok(queue.waiting() <= 10);
      for (let left = 12; left > 0; left -= 1) await endOne();
      assert.is(await modest, 'done');
      await Promise.all([...before, ...after]);
      assert.is(queue.waiting(), 0);
    }),
    { numRuns: 50 },
  );
});

test.run();
