/** A Gatebook in a process of its own, for measuring: limits on attempts off, folder removed afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Served {
  readonly http: string;
  readonly mqtt: string;
  readonly token: string;
  post(path: string, body: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

const adminPassword = 'measured-by-many';

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

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await closed;
}

export async function serve(): Promise<Served> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gatebook-bench-'));
  const { child, line } = await started(
    process.execPath,
    [join(import.meta.dirname, '../../bin/gatebook.js'), 'serve'],
    '"msg":"ready"',
    {
      GATEBOOK_DATA_DIR: dataDir,
      GATEBOOK_HTTP_PORT: '0',
      GATEBOOK_MQTT_PORT: '0',
      GATEBOOK_MQTT_WS_PORT: 'off',
      GATEBOOK_ADMIN_PASSWORD: adminPassword,
      GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
      GATEBOOK_PENDING_MAX: '1000000',
      GATEBOOK_PENDING_PER_SOURCE_MAX: '1000000',
      GATEBOOK_LOG_LEVEL: 'warn',
    },
  );
  const ready = JSON.parse(line) as { http: string; mqtt: string };
  let token = '';
  const post: Served['post'] = async (path, body) => {
    const response = await fetch(`${ready.http}${path}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return await response.json();
  };
  token = (
    (await post('/api/login', { username: 'admin', password: adminPassword })) as { token: string }
  ).token;
  return {
    ...ready,
    token,
    post,
    async stop() {
      await ended(child);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
