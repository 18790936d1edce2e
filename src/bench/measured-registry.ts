/** A registry in a process of its own, to be measured and thrown away: limits on attempts off, its administrator known. */
import type { ChildProcess } from 'node:child_process';
import { started } from './child.ts';

export interface MeasuredRegistry {
  readonly child: ChildProcess;
  readonly http: string;
  readonly https: string;
  readonly mqtt: string;
  /** Of its administrator. */
  readonly token: string;
  /** From starting the process until it was ready. */
  readonly startSeconds: number;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
}

export const adminPassword = 'measured-by-many';
export const hookSecret = 'a-secret-of-brokers-that-ask';

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

/** Starts one, and signs in. `program`: Gatebook's own, `bin/gatebook.js`. */
export async function startMeasured(
  program: string,
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<MeasuredRegistry> {
  const beganMs = performance.now();
  const { child, line } = await started(
    process.execPath,
    [program, 'serve'],
    '"msg":"ready"',
    // The folder is for this run alone, whatever else is set.
    { ...limitsOff, ...environment, GATEBOOK_DATA_DIR: dataDir },
  );
  const startSeconds = (performance.now() - beganMs) / 1_000;
  const ready = JSON.parse(line) as { http: string; https: string; mqtt: string };
  const call = async (
    token: string | null,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<unknown> => {
    const response = await fetch(ready.http + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(token !== null && { Authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const login = { username: 'admin', password: adminPassword };
  const { token } = (await call(null, 'POST', '/api/login', login)) as { token: string };
  return {
    ...{ child, ...ready, token, startSeconds },
    get: (path) => call(token, 'GET', path),
    post: (path, body) => call(token, 'POST', path, body),
  };
}
