/** Over which connection an append goes, and who waits. */
import { storeAppendConnectionsMax, storeAppendsAtOnceMax } from '../../../../src/limits/store.ts';
import { appendQueue } from '../../../../src/store/kurrentdb/append-queue.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('kurrentdb append queue');

test('a connection is used when those before it are full, and whoever waits gets what is free first', async () => {
  const queue = appendQueue();
  const ends: (() => void)[] = [];
  const used: number[] = [];
  const begin = () =>
    queue.whenFree(Number.POSITIVE_INFINITY, async (connection) => {
      used.push(connection);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
  const room = storeAppendConnectionsMax * storeAppendsAtOnceMax;
  const first = Array.from({ length: room }, begin);
  assert.equal(
    used,
    Array.from({ length: room }, (_, at) => Math.floor(at / storeAppendsAtOnceMax)),
  );
  const waiting = begin();
  assert.is(used.length, room);
  ends[storeAppendsAtOnceMax]?.();
  await first[storeAppendsAtOnceMax];
  assert.equal(used.slice(room), [1]);
  for (const end of ends) end();
  await Promise.all([...first, waiting]);
  const again = begin();
  assert.is(used.at(-1), 0);
  ends.at(-1)?.();
  await again;
});

test.run();
