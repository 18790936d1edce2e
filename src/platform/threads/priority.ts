/**
 * Threads that help the event loop wait for it where both want a processor: one that signs, hashes, compiles or marks
 * garbage would else take its place as soon as it is woken, and with it the turn of everybody who waits for an answer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** Steps of niceness below the event loop: a third of its share of a processor. */
export const helperNiceness = 5;

/** As Node, V8 and libuv name theirs: the pool that signs and hashes, and what compiles and collects garbage. */
const helperNames = new Set(['libuv-worker', 'V8Worker']);

/** Where Linux counts the threads of this process, each of which has a priority of its own. */
const threads = '/proc/self/task';

function lower(thread: number): void {
  // The event loop's is that of the process.
  const niceness = getPriority(process.pid) + helperNiceness;
  setPriority(thread, Math.min(niceness, constants.priority.PRIORITY_LOW));
}

function attempt(work: () => void): void {
  // Elsewhere a priority is the whole process's.
  if (process.platform !== 'linux') return;
  try {
    work();
  } catch {
    // Whoever confines the process may forbid it, and a thread may be gone: they are as the system made them.
  }
}

/** Those of Node itself, as many as there are now. */
export function lowerHelpers(): void {
  attempt(() => {
    for (const thread of readdirSync(threads))
      if (helperNames.has(readFileSync(`${threads}/${thread}/comm`, 'utf8').trim()))
        attempt(() => lower(Number(thread)));
  });
}

/** The thread that calls it, which is a worker's. */
export function lowerThisThread(): void {
  attempt(() => lower(0));
}
