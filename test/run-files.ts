/**
 * Runs the test files that `test/run.ts` names, one after the other, and reports what came of each. It takes
 * another one as long as all is well: whatever a file leaves behind ends the process with that file.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { FileReport } from './support/runner/file-report.ts';
import { prepareUvu, runUvuFile, textOf } from './support/runner/uvu-file.ts';
import { skippedCount } from './support/skipped.ts';

/** What is still open after so many turns of the event loop, so far apart, stays open; one that stands still takes none. */
const [stillOpenTurns, stillOpenTurnMs] = [20, 100];

const { values } = parseArgs({
  options: { seed: { type: 'string' }, color: { type: 'boolean', default: false } },
});
// Shared with the services that tests start: code is stripped of its types and compiled once.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/gatebook'));
await prepareUvu(values.color);
if (values.seed !== undefined) {
  const { default: fastCheck } = await import('fast-check');
  fastCheck.configureGlobal({ seed: Number(values.seed) });
}

/** 'left': its tests have ended, what they started may not. */
let stage: 'idle' | 'running' | 'left' = 'idle';
let faults: string[] = [];
let counts = { passed: 0, failed: 0 };
let skippedBefore = 0;
let stillOpen: NodeJS.Timeout | undefined;

const report = (isReady = false) =>
  new Promise<void>((resolve) => {
    const skipped = skippedCount() - skippedBefore;
    const told: FileReport = { ...counts, skipped, faults, isReady };
    process.send?.(told, () => resolve());
  });
function fault(text: string): void {
  faults.push(text);
  if (stage === 'left') report();
}
async function end(text: string): Promise<void> {
  fault(text);
  await report();
  process.exit();
}

function watchOpen(turns = stillOpenTurns): void {
  stillOpen = setTimeout(() => {
    if (turns > 1) watchOpen(turns - 1);
    else end(`still open after the last test: ${process.getActiveResourcesInfo().join(', ')}`);
  }, stillOpenTurnMs).unref();
}

process.on('message', async (file: string) => {
  stage = 'running';
  // From here on only what the file does keeps the process alive.
  process.channel?.unref();
  counts = await runUvuFile(file, fault);
  stage = 'left';
  // What a test left there is its own; from here on it tells of a crash.
  process.exitCode = 0;
  report();
  watchOpen();
});

process.on('unhandledRejection', (reason) =>
  fault(`a rejection that nobody handled: ${textOf(reason)}`),
);

// Nothing is open and nothing is under way.
process.on('beforeExit', () => {
  clearTimeout(stillOpen);
  if (stage === 'running') end('it waits for something that cannot come: nothing is under way');
  if (stage !== 'left' || faults.length > 0 || counts.failed > 0) return;
  stage = 'idle';
  process.channel?.ref();
  report(true);
  [counts, faults, skippedBefore] = [{ passed: 0, failed: 0 }, [], skippedCount()];
});

// Whoever waits for the reports is gone: nothing of this group stays behind.
process.on('disconnect', () => {
  if (stage !== 'idle') process.kill(process.platform === 'win32' ? process.pid : 0, 'SIGKILL');
});
