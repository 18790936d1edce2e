/** The thread that beats for those who wait to be refused. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ClockShare } from '../../../../src/platform/pace/clock.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('clock thread');

test('a beat that nobody waits for wakes nobody', async () => {
  const flags = new Int32Array(new SharedArrayBuffer(12));
  const workerData: ClockShare = { flags, beatMs: 1 };
  const file = new URL('../../../../src/platform/pace/clock-thread.ts', import.meta.url);
  const worker = new Worker(file, { workerData });
  let beats = 0;
  try {
    await once(worker, 'message');
    worker.on('message', () => {
      beats += 1;
    });
    Atomics.store(flags, 0, 1);
    Atomics.notify(flags, 0);
    await sleep(20);
    assert.is(beats, 0);
    Atomics.store(flags, 2, 1);
    await once(worker, 'message');
    await once(worker, 'message');
    assert.ok(beats >= 2, 'it beats on while somebody waits');
  } finally {
    await worker.terminate();
  }
});

test.run();
