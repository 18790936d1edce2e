/** Programs in processes of their own, and the memory each of them takes. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ended } from '../../src/bench/child.ts';
import { residentBytes } from './served.ts';

export const gatebook = join(import.meta.dirname, '../../bin/gatebook.js');
const peak = pathToFileURL(join(import.meta.dirname, 'peak.ts')).href;
const sampleEveryMs = 20;

type Environment = Readonly<Record<string, string>>;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  readonly peakBytes: number;
}

const spawned = (program: string, args: readonly string[], environment: Environment) =>
  spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...environment, NODE_OPTIONS: `--import=${peak}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Runs a program to its end. */
export async function ran(
  program: string,
  args: readonly string[],
  environment: Environment = {},
): Promise<Ran> {
  const startedMs = performance.now();
  const child = spawned(program, args, environment);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const told = /^peak (\d+)\n/m.exec(output.stderr);
  return {
    code,
    ...output,
    stderr: output.stderr.replace(told?.[0] ?? '', ''),
    seconds: (performance.now() - startedMs) / 1_000,
    peakBytes: Number(told?.[1] ?? Number.NaN),
  };
}

export interface Service {
  readonly url: string;
  readonly startSeconds: number;
  /** What it logged beside `ready`, parsed. */
  readonly lines: readonly {
    readonly level: string;
    readonly msg: string;
    readonly error?: { readonly message: string };
  }[];
  resident(): number;
  /** The most it had in memory while something was done. */
  peakDuring<Result>(work: () => Promise<Result>): Promise<{ result: Result; peakBytes: number }>;
  stop(): Promise<void>;
}

/** Starts the service on a folder that has a log, and waits until it is ready. */
export async function serving(dataDir: string, environment: Environment): Promise<Service> {
  const startedMs = performance.now();
  const child = spawned(gatebook, ['serve'], {
    GATEBOOK_DATA_DIR: dataDir,
    GATEBOOK_HTTP_PORT: '0',
    GATEBOOK_MQTT_PORT: '0',
    GATEBOOK_MQTT_WS_PORT: 'off',
    ...environment,
  });
  const lines: Record<string, string>[] = [];
  let rest = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`the service ended with ${code}: ${JSON.stringify(lines)}`)),
    );
    child.stderr.resume();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts.filter((one) => one.startsWith('{'))) {
        const line = JSON.parse(part) as Record<string, string>;
        if (line.msg === 'ready') resolve(line.http ?? '');
        else lines.push(line);
      }
    });
  });
  return {
    url,
    startSeconds: (performance.now() - startedMs) / 1_000,
    lines: lines as unknown as Service['lines'],
    resident: () => residentBytes(child),
    async peakDuring(work) {
      let peakBytes = residentBytes(child);
      const timer = setInterval(() => {
        peakBytes = Math.max(peakBytes, residentBytes(child));
      }, sampleEveryMs);
      try {
        return { result: await work(), peakBytes };
      } finally {
        clearInterval(timer);
      }
    },
    stop: () => ended(child),
  };
}
