/**
 * Runs one test file that uses uvu, and finds what uvu 0.5 lets pass: a file that forgot run(), a hook that
 * throws, a test that throws something that is no Error, a forgotten only() or skip().
 */
import { pathToFileURL } from 'node:url';

type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;
declare global {
  var UVU_DEFER: number | undefined;
  var UVU_INDEX: number | undefined;
  var UVU_QUEUE: Suite[][];
}

/** What uvu is told before `suite.ts` loads it: to collect suites and not to run them, and whether to use colours. */
export async function prepareUvu(color: boolean): Promise<void> {
  globalThis.UVU_DEFER = 1;
  globalThis.UVU_INDEX = 0;
  globalThis.UVU_QUEUE = [[]];
  if (!color) return;
  // For uvu alone: what the tests start finds the environment as it was.
  process.env.FORCE_COLOR = '1';
  await import('../suite.ts');
  delete process.env.FORCE_COLOR;
}

export const textOf = (thrown: unknown): string =>
  String(thrown instanceof Error ? thrown.stack : thrown);

/** Runs the file's suites one after the other; `fault` is called for what is wrong beside failed tests. */
export async function runUvuFile(file: string, fault: (text: string) => void) {
  const counts = { passed: 0, failed: 0 };
  const suites: Suite[] = [];
  globalThis.UVU_QUEUE = [suites];
  try {
    await import(pathToFileURL(file).href);
    if (suites.length === 0) fault('it never called run()');
  } catch (error) {
    fault(`it does not load: ${textOf(error)}`);
  }
  for (const run of suites)
    try {
      const [errors, passed, skipped, total] = await run();
      counts.passed += passed;
      // What only() or skip() left out is not in the total.
      counts.failed += total - passed;
      if (errors !== true) process.stdout.write(`\n${errors}\n`);
      else if (passed !== total) fault(`${passed} of ${total} ran, and nobody said why`);
      if (skipped > 0) fault(`${skipped} skipped by only() or skip()`);
    } catch (error) {
      fault(`an after() threw: ${textOf(error)}`);
    }
  return counts;
}
