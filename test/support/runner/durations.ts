/** How long each test file took the last time it ran here: kept beside the tests, and never committed. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Milliseconds by the file's path, one in a line: `1234 test/readme.test.ts`. */
export type Durations = ReadonlyMap<string, number>;

const placeIn = (folder: string) => join(folder, '.durations');

/** None where they were never kept. */
export function readDurations(folder: string): Durations {
  let text = '';
  try {
    text = readFileSync(placeIn(folder), 'utf8');
  } catch {
    // The first run.
  }
  return new Map(
    [...text.matchAll(/^(\d+) (.+)$/gm)].map(([, ms, path]) => [path as string, Number(ms)]),
  );
}

/** Keeps those of this run beside those of the files that did not run; files that are gone are forgotten. */
export function keepDurations(folder: string, ran: Durations, paths: readonly string[]): void {
  const all = new Map([...readDurations(folder), ...ran]);
  const lines = paths.flatMap((path) => {
    const ms = all.get(path);
    return ms === undefined ? [] : [`${Math.round(ms)} ${path}\n`];
  });
  const unfinished = `${placeIn(folder)}.${process.pid}`;
  writeFileSync(unfinished, lines.join(''));
  renameSync(unfinished, placeIn(folder));
}
