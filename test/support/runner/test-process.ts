/** The processes that run test files: started, watched, ended with everything that they started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileReport, type FileResult, failedCount } from './file-report.ts';

export interface TestProcessOptions {
  /** A file that takes longer hangs. */
  readonly fileMaxMs: number;
  /** For what chance decides in the tests. */
  readonly seed: string | undefined;
  readonly color: boolean;
}

interface TestProcess {
  readonly child: ChildProcess;
  /** What it and its children write, in the order of writing. */
  readonly output: number;
}

const program = fileURLToPath(new URL('../../run-files.ts', import.meta.url));
/** What is told to end has this long to do so. */
const endingMaxMs = 5_000;
/** Of what a file prints the end is shown, which says what went wrong. */
const outputMaxBytes = 2 ** 20;

/** A file without a name: it is gone with the last who holds it. */
function openOutput(): number {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-test-output-'));
  try {
    return openSync(join(folder, 'output'), 'a+');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readOutput(output: number, from: number): string {
  const { size } = fstatSync(output);
  const shown = Buffer.alloc(Math.min(size - from, outputMaxBytes));
  readSync(output, shown, 0, shown.length, size - shown.length);
  const hidden = size - from - shown.length;
  return `${hidden > 0 ? `(${hidden} bytes before this)\n` : ''}${shown}`;
}

/** Signals a process and what it started. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // Nobody is left.
  }
}

/** Tells it to end, and ends it if it does not. */
function end(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM');
  const late = setTimeout(signalGroup, endingMaxMs, child, 'SIGKILL');
  child.once('exit', () => clearTimeout(late));
}

/** Runs one file, to the report that the process is ready for the next, or to its end. */
function runIn({ child, output }: TestProcess, file: string, fileMaxMs: number) {
  const startedMs = performance.now();
  const from = fstatSync(output).size;
  let report: FileReport | undefined;
  let hangs = false;
  const limit = setTimeout(() => {
    hangs = true;
    end(child);
  }, fileMaxMs);
  return new Promise<FileResult>((resolve) => {
    const finish = (fault?: string) => {
      clearTimeout(limit);
      child.removeAllListeners('message').removeAllListeners('close');
      const told = report ?? { passed: 0, failed: 0, skipped: 0, faults: [], isReady: false };
      resolve({
        ...told,
        file,
        faults: fault === undefined ? told.faults : [...told.faults, fault],
        output: readOutput(output, from),
        durationMs: performance.now() - startedMs,
      });
    };
    child.on('message', (told: FileReport) => {
      report = told;
      if (told.isReady) finish();
    });
    // After the exit, and after the last message.
    child.once('close', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      const when = report === undefined ? 'before' : 'after';
      if (hangs) finish(`it hung: it was ended after ${fileMaxMs / 1_000} s`);
      // It says what is wrong, and ends by itself.
      else if (code === 0 && report !== undefined && failedCount(report) > 0) finish();
      else finish(`its process ended ${how} ${when} its last test`);
    });
    child.send(file, () => {
      // One that does not take it has ended, which is told above.
    });
  });
}

/** Processes that take test files; one that a file left in order takes the next. */
export function testProcesses({ fileMaxMs, seed, color }: TestProcessOptions) {
  const all = new Set<TestProcess>();
  const idle: TestProcess[] = [];

  function start(): TestProcess {
    const output = openOutput();
    const args = seed === undefined ? [] : [`--seed=${seed}`];
    if (color) args.push('--color');
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', output, output, 'ipc'],
      // A group of its own, so that it can be ended with everything it started.
      detached: process.platform !== 'win32',
    });
    const started = { child, output };
    all.add(started);
    child.once('exit', () => {
      signalGroup(child, 'SIGKILL');
      all.delete(started);
      if (idle.includes(started)) idle.splice(idle.indexOf(started), 1);
    });
    return started;
  }

  return {
    async run(file: string): Promise<FileResult> {
      const one = idle.pop() ?? start();
      const result = await runIn(one, file, fileMaxMs);
      if (result.isReady) idle.push(one);
      else closeSync(one.output);
      return result;
    },
    /** Lets those that have nothing to do end. */
    async close(): Promise<void> {
      const ended = idle.map(({ child }) => once(child, 'exit'));
      for (const { child } of idle) if (child.connected) child.disconnect();
      await Promise.all(ended);
    },
    endAll(): void {
      for (const { child } of all) end(child);
    },
    killAll(): void {
      for (const { child } of all) signalGroup(child, 'SIGKILL');
    },
  };
}
