/** Has the service run with memory settings, most of which only a starting process takes (docs/decisions/0025). */
import { executionAsyncResource } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';

/**
 * Of glibc's malloc: blocks from 128 KiB on go back to the system when they are freed, and so does what is free at
 * an arena's end; two arenas, where each thread would have its own. It names them in the environment alone.
 */
const malloc = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/**
 * Of V8. Young objects live in up to three times 16 MiB: most are garbage before they are looked through, so that few
 * grow old and whole collections are rare. One thread helps with those, where four would keep the service from the
 * processors; none with the young objects: helpers take longer to wake than so few take. Old objects may become 1.4
 * times as many until the next whole collection, where V8 would let them be two to three times as many while it is busy.
 */
const flagsOfStart = ['--max-semi-space-size=16', '--v8-pool-size=1'];
/** V8 looks at these at each collection. NODE_OPTIONS does not take them. */
const flagsOfCollections = ['--no-parallel-scavenge', '--heap-growing-percent=40'];

/**
 * Puts the same program with these settings in this process's place, once: number, terminal and signals stay.
 * What the operator sets is left as it is. Where that cannot be or was done by others (elsewhere than on Linux, below
 * a watcher, where the environment has the settings of malloc), V8 is told here what it still takes.
 */
export function withMemorySettings() {
  const isSet = Object.keys(malloc).every((name) => process.env[name] !== undefined);
  const isWatched = process.send !== undefined;
  if (isSet || isWatched || process.platform !== 'linux' || process.execve === undefined) {
    for (const flag of flagsOfCollections.filter((one) => !isGiven(one))) setFlagsFromString(flag);
    return;
  }
  takePlace([...flagsOfStart, ...flagsOfCollections], malloc);
}

/**
 * Of V8 while a long log is folded: nearly all of it is garbage soon, and the more room there is, the less is looked
 * through; two threads fold, so that none should look beside them. No whole collection before there is something to find.
 */
const flagsOfRebuild = [
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
  '--initial-old-space-size=400',
  '--v8-pool-size=1',
  '--no-parallel-scavenge',
];

/**
 * The same for a rebuild; where that cannot be it is as Node starts. Its second thread looks in the environment alone
 * for the folder of compiled code.
 */
export function withRebuildSettings(compiled) {
  const isStarted = flagsOfRebuild.every((flag) => process.execArgv.includes(flag));
  const isWatched = process.send !== undefined;
  if (isStarted || isWatched || process.platform !== 'linux' || process.execve === undefined)
    return;
  takePlace(flagsOfRebuild, { NODE_COMPILE_CACHE: compiled });
}

function takePlace(flags, environment) {
  process.execve(
    process.execPath,
    [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)],
    { ...environment, ...process.env },
  );
}

/** Whether the process was started with this flag, whatever its value. */
function isGiven(flag) {
  const nameOf = (word) => word.replace(/^--(?:no-)?/, '').replace(/=.*$/, '').replaceAll('_', '-');
  return process.execArgv.some((given) => nameOf(given) === nameOf(flag));
}

/** Held as long as the process lives. */
const kept = [];

/**
 * Keeps one of the objects that Node makes for each `process.nextTick`, five of them for a request. V8 makes them fast as long as it knows their
 * shape, which a whole collection forgets where it finds none of them: an idle service had forgotten it for good
 * (docs/decisions/0075).
 */
export function keepTickShape() {
  process.nextTick(() => kept.push(executionAsyncResource()));
  return kept;
}
