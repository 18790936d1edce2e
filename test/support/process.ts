/** The service as a process of its own, to be killed; and calls to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { exchangeOver } from './described/exchange.ts';
import { keepExchange } from './described/tap.ts';
import { type Answer, adminPassword } from './service.ts';

const program = fileURLToPath(new URL('../../bin/gatebook.js', import.meta.url));
/** Milliseconds after which a process counts as forgotten by its test; long trials take longer. */
export const patience = { ms: 600_000 };

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'gatebook-process-'));
export const removeFolder = (dataDir: string): Promise<void> =>
  rm(dataDir, { recursive: true, force: true });

export interface Served {
  readonly url: string;
  /** NaN where its MQTT is off. */
  readonly mqttPort: number;
  readonly pid: number;
  /** What it wrote so far, stdout and stderr apart. */
  readonly output: { out: string; err: string };
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  call(method: string, path: string, options?: { token?: string; body?: unknown }): Promise<Answer>;
  /** The administrator's token. */
  signIn(password?: string): Promise<string>;
}

/** What runs; nothing of it outlives who started it. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

type Environment = Readonly<Record<string, string>>;

/** `descriptors`: how many files and sockets it may have open (Linux); undefined: as many as we. */
function started(dataDir: string, environment: Environment, descriptors?: number) {
  const own = [process.execPath, program, 'serve'];
  const limited = ['prlimit', `--nofile=${descriptors}`, ...own];
  const [command = '', ...args] = descriptors === undefined ? own : limited;
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      GATEBOOK_HTTP_PORT: '0',
      GATEBOOK_MQTT_PORT: '0',
      GATEBOOK_MQTT_WS_PORT: '0',
      GATEBOOK_DATA_DIR: dataDir,
      ...environment,
    },
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  const guard = setTimeout(() => child.kill('SIGKILL'), patience.ms);
  const output = { out: '', err: '' };
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<Record<string, string> | undefined>((resolve) => {
    lines.on('line', (line) => {
      output.out += `${line}\n`;
      if (line.includes('"msg":"ready"')) resolve(JSON.parse(line));
    });
    child.once('close', () => resolve(undefined));
  });
  const ended = once(child, 'close').then(([code]) => {
    clearTimeout(guard);
    return code as number | null;
  });
  return { child, output, ready, ended };
}

/** Runs it to its end, which must come by itself. */
export async function runs(dataDir: string, environment: Environment = {}) {
  const { output, ended, ready, child } = started(dataDir, environment);
  if ((await ready) !== undefined) child.kill('SIGKILL');
  return { exitCode: await ended, ...output };
}

/** Starts it and waits until it is ready. */
export async function serve(
  dataDir: string,
  environment: Environment = {},
  descriptors?: number,
): Promise<Served> {
  const { child, output, ready, ended } = started(
    dataDir,
    { GATEBOOK_ADMIN_PASSWORD: adminPassword, ...environment },
    descriptors,
  );
  const addresses = await ready;
  if (addresses === undefined) throw new Error(`it did not start: ${output.err}${output.out}`);
  const url = addresses.http as string;
  const call: Served['call'] = async (method, path, { token, body } = {}) => {
    const asked = {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    };
    const sent = body === undefined ? null : JSON.stringify(body);
    const response = await fetch(`${url}${path}`, { method, headers: asked, body: sent });
    const { status, headers } = response;
    const text = await response.text();
    keepExchange(exchangeOver([method, url + path, asked, sent], [status, headers, text]));
    return {
      status,
      headers,
      body: text.startsWith('{') ? JSON.parse(text) : text,
    };
  };
  return {
    url,
    mqttPort: addresses.mqtt === undefined ? Number.NaN : Number(new URL(addresses.mqtt).port),
    pid: child.pid as number,
    output,
    kill: (signal) => child.kill(signal),
    ended,
    call,
    async signIn(password = adminPassword) {
      const { status, body } = await call('POST', '/api/login', {
        body: { username: 'admin', password },
      });
      if (status !== 200) throw new Error(`sign-in: ${status}`);
      return body.token;
    },
  };
}
