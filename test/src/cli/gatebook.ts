/** Runs the real command line as a child process, and a real service in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../../src/cli/run.ts';
import { assert } from '../../support/suite.ts';

const program = fileURLToPath(new URL('../../../bin/gatebook.js', import.meta.url));

export const adminPassword = 'correct horse battery';

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The output of a call that must have gone well. */
export function said({ exitCode, stdout, stderr }: Ran): string {
  assert.is(exitCode, 0, stderr);
  return stdout;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when a line on stdout or stderr holds the text; rejects when the process ends first, or never says it. */
  says(text: string): Promise<string>;
  readonly ended: Promise<Ran>;
}

export interface Gatebook {
  readonly folder: string;
  /** What every call gets; a test may add to it. */
  readonly environment: Record<string, string>;
  start(args: readonly string[], input?: string): Running;
  run(...args: string[]): Promise<Ran>;
  /** The same in this process, which is quicker: for commands that read nothing from stdin. */
  call(...args: string[]): Promise<Ran>;
  /** Starts a service on free ports and points later calls to it. */
  serve(): Promise<Running>;
  /** A shell that stays, so that what one command defines the next one has. */
  shell(): { does(commands: string): Promise<string[]> };
  /** Ends what still runs, and removes the folder. */
  clean(): Promise<void>;
}

export function gatebook(): Gatebook {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-cli-'));
  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    GATEBOOK_DATA_DIR: join(folder, 'data'),
    GATEBOOK_HTTP_PORT: '0',
    GATEBOOK_MQTT_PORT: '0',
    GATEBOOK_MQTT_WS_PORT: 'off',
    GATEBOOK_ADMIN_PASSWORD: adminPassword,
  };
  const running = new Set<Running>();
  const shells = new Set<ChildProcess>();

  const start = (args: readonly string[], input = ''): Running => {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: environment });
    let [stdout, stderr] = ['', ''];
    const listeners = new Set<() => void>();
    const heard = () => {
      for (const listener of listeners) listener();
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      heard();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      heard();
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    let isOver = false;
    const ended = new Promise<Ran>((resolve) => {
      child.on('close', (exitCode) => {
        isOver = true;
        running.delete(one);
        resolve({ exitCode, stdout, stderr });
        heard();
      });
    });
    const says = (text: string) =>
      new Promise<string>((resolve, reject) => {
        const look = (isLate: boolean) => {
          const line = `${stdout}\n${stderr}`.split('\n').find((each) => each.includes(text));
          if (line === undefined && !isOver && !isLate) return;
          clearTimeout(patience);
          listeners.delete(listener);
          if (line !== undefined) resolve(line);
          else reject(new Error(`never said "${text}": ${stdout}${stderr}`));
        };
        const listener = () => look(false);
        // Only so that a fault ends the suite instead of holding it up.
        const patience = setTimeout(look, 60_000, true);
        listeners.add(listener);
        look(false);
      });
    const one: Running = { child, says, ended };
    running.add(one);
    return one;
  };

  return {
    folder,
    environment,
    start,
    run: (...args) => start(args).ended,
    async call(...args) {
      let [stdout, stderr] = ['', ''];
      const exitCode = await runCommandLine(args, environment, {
        stdout: { write: (text) => (stdout += text) },
        stderr: { write: (text) => (stderr += text) },
      });
      return { exitCode, stdout, stderr };
    },
    async serve() {
      const service = start(['serve']);
      const ready = JSON.parse(await service.says('"msg":"ready"')) as { http: string };
      environment.GATEBOOK_URL = ready.http;
      return service;
    },
    shell() {
      const child = spawn('bash', [], { cwd: folder, env: environment });
      shells.add(child);
      let heard = '';
      child.stdout.setEncoding('utf8');
      return {
        async does(commands) {
          child.stdin.write(`${commands}\necho end-of-output\n`);
          while (!heard.includes('end-of-output\n'))
            heard += String((await once(child.stdout, 'data'))[0]);
          const [output = '', rest = ''] = heard.split('end-of-output\n');
          heard = rest;
          return output.split('\n').filter((line) => line !== '');
        },
      };
    },
    async clean() {
      for (const shell of shells) shell.kill('SIGKILL');
      for (const { child } of running) child.kill('SIGKILL');
      await Promise.all([...running].map(({ ended }) => ended));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
