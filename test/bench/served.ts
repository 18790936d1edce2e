/** A Gatebook in a process of its own, for measuring: limits on attempts off, folder removed afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with the project: this one, or another to compare with. */
export interface Checkout {
  readonly name: string;
  readonly dir: string;
}

export const here: Checkout = { name: 'Gatebook', dir: join(import.meta.dirname, '../..') };

export interface Served {
  readonly http: string;
  readonly https: string;
  readonly mqtt: string;
  /** From starting the process until it was ready. */
  readonly startSeconds: number;
  readonly dataDir: string;
  readonly token: string;
  /** Bytes that it has in memory now (Linux). */
  resident(): number;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  /** SIGTERM; the folder stays where it was given. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

export const adminPassword = 'measured-by-many';
export const hookSecret = 'a-secret-of-brokers-that-ask';

/** Starts a process and waits for a line of its output that has the text. */
export async function started(
  program: string,
  args: readonly string[],
  text: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const line = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`${program} ended with ${code}`)));
    child.stdout?.on('data', (data: Buffer) => {
      output += data;
      const found = output.split('\n').find((one) => one.includes(text));
      if (found !== undefined) resolve(found);
    });
  });
  return { child, line };
}

export async function ended(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await closed;
}

/** Bytes that a process has in memory now (Linux). */
export function residentBytes({ pid }: ChildProcess): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes?.[1] ?? Number.NaN) * 1_024;
}

const limitsOff = {
  GATEBOOK_HTTP_PORT: '0',
  GATEBOOK_MQTT_PORT: '0',
  GATEBOOK_MQTT_WS_PORT: 'off',
  GATEBOOK_ADMIN_PASSWORD: adminPassword,
  GATEBOOK_HOOK_SECRET: hookSecret,
  GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
  GATEBOOK_PENDING_MAX: '1000000',
  GATEBOOK_PENDING_PER_SOURCE_MAX: '1000000',
  GATEBOOK_LOG_LEVEL: 'warn',
};

export interface ServeOptions {
  /** A folder that is kept; undefined: a new one, removed when it stops. */
  readonly dataDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function serve(checkout: Checkout, options: ServeOptions = {}): Promise<Served> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'gatebook-bench-')));
  const beganMs = performance.now();
  const { child, line } = await started(
    process.execPath,
    [join(checkout.dir, 'bin/gatebook.js'), 'serve'],
    '"msg":"ready"',
    { ...limitsOff, GATEBOOK_DATA_DIR: dataDir, ...options.environment },
  );
  const startSeconds = (performance.now() - beganMs) / 1_000;
  const ready = JSON.parse(line) as { http: string; https: string; mqtt: string };
  let token = '';
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(ready.http + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const login = await call('POST', '/api/login', { username: 'admin', password: adminPassword });
  token = (login as { token: string }).token;
  return {
    ...{ ...ready, startSeconds, dataDir, token },
    resident: () => residentBytes(child),
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    async stop() {
      await ended(child);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
    kill: () => ended(child, 'SIGKILL'),
  };
}
