/** Which test file runs when: several at once, the longest first, one browser at a time. */
import { availableParallelism } from 'node:os';
import type { Durations } from './durations.ts';
import type { TestFile } from './test-files.ts';

/** More than there are processors: most of a test's time is waiting. */
export const workersByDefault = Math.max(2, availableParallelism()) + 2;

/** For a file that never ran here: what starts most takes longest. */
function guessMs({ usesBrowser, needsKurrent, startsProcesses, lineCount }: TestFile): number {
  if (usesBrowser || needsKurrent) return 20_000;
  return startsProcesses ? 8_000 : lineCount * 15;
}

/** The longest first. The browser's files count as long as all of them, as they run one after the other. */
export function longestFirst(files: readonly TestFile[], known: Durations): TestFile[] {
  const durationMs = (file: TestFile) => known.get(file.path) ?? guessMs(file);
  const browserMs = files
    .filter(({ usesBrowser }) => usesBrowser)
    .reduce((sum, file) => sum + durationMs(file), 0);
  const weight = (file: TestFile) => durationMs(file) + (file.usesBrowser ? browserMs : 0);
  return files.toSorted((one, other) => weight(other) - weight(one));
}

/** Runs all, in this order as far as the browser is free; resolves when the last has ended. */
export async function runInOrder(
  files: readonly TestFile[],
  workers: number,
  run: (file: TestFile) => Promise<void>,
): Promise<void> {
  const waiting = [...files];
  let isBrowserTaken = false;
  const work = async () => {
    for (;;) {
      const next = waiting.findIndex(({ usesBrowser }) => !(usesBrowser && isBrowserTaken));
      // What is left then is for the worker that has the browser.
      const [file] = next < 0 ? [] : waiting.splice(next, 1);
      if (file === undefined) return;
      if (file.usesBrowser) isBrowserTaken = true;
      await run(file);
      if (file.usesBrowser) isBrowserTaken = false;
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}
