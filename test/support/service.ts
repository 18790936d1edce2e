/** A real registry for a test: its own folder, free ports, an administrator who is signed in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logger.ts';
import { type RunningService, startService } from '../../src/main.ts';
import type { CredentialLimits } from '../../src/startup/credentials.ts';
import type { EventStore } from '../../src/store/event-store.ts';
import { openStore } from '../../src/store/open.ts';

export const adminPassword = 'correct horse battery staple';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
  readonly body: any;
}

export interface CallOptions {
  /** Default: the administrator's; null: none. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface World {
  readonly url: string;
  readonly door: string | undefined;
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly webSocket: string;
  readonly dataDir: string;
  readonly token: string;
  readonly running: RunningService;
  /** Everything the service logged. */
  readonly lines: string[];
  /** One HTTP call, as the administrator unless told otherwise; the body parsed where it is JSON. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  signIn(username: string, password: string): Promise<string>;
  /** Its log, wherever that lives; it must be stopped. */
  withStore<T>(use: (store: EventStore) => Promise<T>): Promise<T>;
  /** Stops it and starts it again on the same folder. */
  restart(environment?: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

const listening = (dataDir: string, environment: Readonly<Record<string, string>>) =>
  parseConfig({
    GATEBOOK_HTTP_PORT: '0',
    GATEBOOK_MQTT_PORT: '0',
    GATEBOOK_MQTT_WS_PORT: '0',
    GATEBOOK_DATA_DIR: dataDir,
    GATEBOOK_ADMIN_PASSWORD: adminPassword,
    ...environment,
  });

/** Where the tests are run over another store than the embedded one: a log of its own for each registry. */
async function storeElsewhere() {
  if (process.env.TEST_STORE !== 'kurrentdb') return undefined;
  const { startKurrentServer } = await import('./kurrentdb/server.ts');
  const server = await startKurrentServer();
  return { environment: { GATEBOOK_STORE: server.connectionString }, stop: server.stop };
}

/** Starts a registry; `stop` ends it and removes its folder. */
export async function startRegistry(
  environment: Readonly<Record<string, string>> = {},
  limits?: CredentialLimits,
): Promise<World> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gatebook-'));
  const elsewhere = await storeElsewhere();
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  const settings = { ...elsewhere?.environment, ...environment };
  let running = await startService(listening(dataDir, settings), logger, limits);
  let token = '';

  const call: World['call'] = async (method, path, options = {}) => {
    const bearer = options.token === undefined ? token : options.token;
    const response = await fetch(`${running.ready.http}${path}`, {
      method,
      headers: {
        ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const text = await response.text();
    const json = /\bjson\b/.test(response.headers.get('content-type') ?? '') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      body: json ? JSON.parse(text) : text,
    };
  };

  const world: World = {
    get url() {
      return running.ready.http as string;
    },
    get door() {
      return running.ready.door;
    },
    get mqtt() {
      const { hostname, port } = new URL(running.ready.mqtt as string);
      return { host: hostname, port: Number(port) };
    },
    get webSocket() {
      return running.ready.ws as string;
    },
    dataDir,
    get token() {
      return token;
    },
    get running() {
      return running;
    },
    lines,
    call,
    async signIn(username, password) {
      const answer = await call('POST', '/api/login', {
        token: null,
        body: { username, password },
      });
      if (answer.status !== 200) throw new Error(`sign-in of ${username}: ${answer.status}`);
      return answer.body.token;
    },
    async withStore(use) {
      const store = await openStore(listening(dataDir, settings));
      try {
        return await use(store);
      } finally {
        await store.close();
      }
    },
    async restart(more = {}) {
      await running.stop();
      running = await startService(listening(dataDir, { ...settings, ...more }), logger, limits);
    },
    async stop() {
      await running.stop();
      await elsewhere?.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  try {
    token = await world.signIn('admin', adminPassword);
  } catch (error) {
    await world.stop();
    throw error;
  }
  return world;
}
