/**
 * The thread whose only work is to sleep until the next beat: when it wakes depends on nothing that is done elsewhere. The
 * event loop's own timers sleep whole milliseconds from when it has nothing to do, so that they show how long that took.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ClockShare } from './clock.ts';
import { monotonicMs } from './monotonic.ts';

const { flags, beatMs } = workerData as ClockShare;

// It runs.
parentPort?.postMessage(null);
for (;;) {
  Atomics.wait(flags, 0, 0);
  // Nobody ever wakes the second one: that is the sleep.
  Atomics.wait(flags, 1, 0, beatMs - (monotonicMs() % beatMs));
  if (Atomics.load(flags, 2) > 0) parentPort?.postMessage(null);
}
