/** The test files there are, and what each of them needs of the machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export interface TestFile {
  /** Relative to where the runner was started. */
  readonly path: string;
  /** It drives a browser, which takes the whole machine for a moment. */
  readonly usesBrowser: boolean;
  /** It cannot be loaded without the KurrentDB client. */
  readonly needsKurrent: boolean;
  /** It starts programs. */
  readonly startsProcesses: boolean;
  readonly lineCount: number;
}

export function testFilesIn(folder: string): readonly TestFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return {
        path: relative('.', join(folder, name)).replaceAll(sep, '/'),
        usesBrowser: /^(?:import|\}) .*support\/browser\.ts';$/m.test(text),
        needsKurrent: /kurrentdb\/(server|world|room|nodes)|@kurrent\/kurrentdb-client'/.test(text),
        startsProcesses:
          /node:child_process|short-runs\.ts'|program\.ts'|process\.ts'|gatebook\.ts'|peer\.ts'/.test(
            text,
          ),
        lineCount: text.split('\n').length,
      };
    });
}
