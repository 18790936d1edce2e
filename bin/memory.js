/** Has the service run with memory settings that only a starting process takes (docs/decisions/0025). */

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
 * Of V8: mebibytes in which young objects live, 16 of its own accord, of which there may be three; and they are looked
 * through by the thread that made them: helpers take longer to wake than so few take, and keep others from the processors.
 */
const youngFlags = ['--max-semi-space-size=8', '--no-parallel-scavenge'];

/**
 * Puts the same program with these settings in this process's place, once: number, terminal and signals stay.
 * What the operator sets is left as it is. Elsewhere than on Linux, and below a watcher, nothing happens.
 */
export function withMemorySettings() {
  const isSet = Object.keys(malloc).every((name) => process.env[name] !== undefined);
  const isWatched = process.send !== undefined;
  if (isSet || isWatched || process.platform !== 'linux' || process.execve === undefined) return;
  process.execve(
    process.execPath,
    [process.execPath, ...youngFlags, ...process.execArgv, ...process.argv.slice(1)],
    { ...malloc, ...process.env },
  );
}
