/** A Mosquitto of the registry's own: started, looked after and stopped with it, its files in the data folder. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { processEnvironment } from '../config.ts';
import type { MosquittoAddress } from '../config-brokers.ts';
import {
  brokerRetryMaxMs,
  brokerRetryMs,
  privateMosquittoCopyMs,
  privateMosquittoStopMs,
  unixPathBytesMax,
} from '../limits.ts';
import type { Log } from '../log.ts';

export interface PrivateMosquitto {
  /** The control connection's address; its password lives in memory alone, and changes at each start. */
  readonly address: MosquittoAddress;
  /** Where the gateway connects for each client: a socket that only this account of the machine can open. */
  readonly upstream: { readonly path: string };
  /** Resolves when it has ended; its stored sessions and retained messages are on disk then. */
  stop(): Promise<void>;
}

/** Why there is no private Mosquitto; the message says what to do. */
export class MosquittoMissing extends Error {
  override name = 'MosquittoMissing';
}

const controlUsername = 'gatebook';
/** What its program is called; Debian keeps it where only the PATH of root leads. */
const program = 'mosquitto';
const morePaths = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];
const pluginName = 'mosquitto_dynamic_security.so';

/**
 * Starts it and keeps it running. `dataDir` is the registry's; everything of it is in `mosquitto` there.
 * @throws MosquittoMissing when program or plugin are not found
 */
export async function startPrivateMosquitto(options: {
  readonly dataDir: string;
  readonly log: Log;
}): Promise<PrivateMosquitto> {
  const folder = join(options.dataDir, 'mosquitto');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const plugin = pluginFile();
  const sockets = socketFolder(folder);
  const files: Files = {
    configuration: join(folder, 'mosquitto.conf'),
    accounts: join(folder, 'dynamic-security.json'),
    copy: join(folder, 'dynamic-security.copy.json'),
    pid: join(folder, 'mosquitto.pid'),
    control: join(sockets, 'control.sock'),
    clients: join(sockets, 'clients.sock'),
  };
  const password = randomBytes(24).toString('base64url');
  await writeFile(files.configuration, configuration(folder, files, plugin), { mode: 0o600 });
  await endLeftover(files, options.log);

  const running = new Supervised(files, password, options.log);
  try {
    await running.start();
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    address: {
      transport: { kind: 'unix', path: files.control },
      username: controlUsername,
      password,
    },
    upstream: { path: files.clients },
    async stop() {
      await running.stop();
      if (sockets !== folder) rmSync(sockets, { recursive: true, force: true });
    },
  };
}

interface Files {
  readonly configuration: string;
  readonly accounts: string;
  readonly copy: string;
  readonly pid: string;
  readonly control: string;
  readonly clients: string;
}

/** A socket's path is short by the system's rule; a deep data folder takes a temporary one. */
const socketFolder = (folder: string): string =>
  Buffer.byteLength(join(folder, 'control.sock')) <= unixPathBytesMax
    ? folder
    : mkdtempSync(join(tmpdir(), 'gatebook-mosquitto-'));

function pluginFile(): string {
  const roots = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/opt/homebrew/lib'];
  const folders = roots.flatMap((root) => [
    root,
    ...(existsSync(root)
      ? readdirSync(root)
          .filter((name) => name.includes('linux'))
          .map((name) => join(root, name))
      : []),
  ]);
  const found = folders.map((one) => join(one, pluginName)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new MosquittoMissing(
    `Mosquitto's ${pluginName} is not found. Install Mosquitto 2 (Debian: apt install mosquitto), ` +
      'or give the address of one that runs: GATEBOOK_BROKER=mosquitto+mqtt://user:password@host:1883',
  );
}

/** `max_queued_messages` stays as it is: 0 makes Debian's 2.0.11 close a client at any denied publish. */
const configuration = (folder: string, files: Files, plugin: string): string =>
  [
    'per_listener_settings false',
    `listener 0 ${files.control}`,
    `listener 0 ${files.clients}`,
    'allow_anonymous false',
    `plugin ${plugin}`,
    `plugin_opt_config_file ${files.accounts}`,
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 30',
    'persistent_client_expiration 30d',
    // Started as root it would become somebody who may not write here.
    `user ${userInfo().username}`,
    'log_dest stdout',
    'log_type error',
    'log_type warning',
    'connection_messages false',
    '',
  ].join('\n');

interface Accounts {
  readonly clients: readonly { readonly username?: string; readonly [more: string]: unknown }[];
  readonly roles: readonly { readonly rolename?: string; readonly [more: string]: unknown }[];
  readonly [more: string]: unknown;
}

/** The file as it stands: null where it is missing, or was cut off while Mosquitto wrote it. */
async function accountsOf(file: string): Promise<Accounts | null> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8')) as Partial<Accounts>;
    return Array.isArray(found.clients) && Array.isArray(found.roles) ? (found as Accounts) : null;
  } catch {
    return null;
  }
}

const acl = (acltype: string, topic: string) => ({ acltype, topic, priority: 0, allow: true });

/** Gives the control account its password of this start; all other accounts stay as they are. */
function withControl({ clients, roles, ...rest }: Accounts, password: string): Accounts {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
  const rolename = 'gatebook-control';
  return {
    ...rest,
    defaultACLAccess: {
      publishClientSend: false,
      publishClientReceive: false,
      subscribe: false,
      unsubscribe: true,
    },
    clients: [
      {
        username: controlUsername,
        textname: 'The registry itself',
        roles: [{ rolename }],
        password: hash.toString('base64'),
        salt: salt.toString('base64'),
        iterations: 101,
      },
      ...clients.filter(({ username }) => username !== controlUsername),
    ],
    roles: [
      {
        rolename,
        acls: [
          acl('publishClientSend', '$CONTROL/dynamic-security/#'),
          acl('publishClientReceive', '$CONTROL/dynamic-security/#'),
          acl('subscribePattern', '$CONTROL/dynamic-security/#'),
        ],
      },
      ...roles.filter((role) => role.rolename !== rolename),
    ],
  };
}

/** A Mosquitto that a registry left behind when it was killed: it has our sockets and files. */
async function endLeftover(files: Files, log: Log): Promise<void> {
  const pid = Number(await readFile(files.pid, 'utf8').catch(() => ''));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  const isOurs = async () => {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(
      () => ({ stdout: '' }),
    );
    return stdout.includes(files.configuration);
  };
  if (!(await isOurs())) return;
  log.warn('A private Mosquitto of before still runs; ending it');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (let waited = 0; waited < privateMosquittoStopMs; waited += 50) {
      if (!(await isOurs())) return;
      await delay(50);
    }
  }
}

class Supervised {
  readonly #files: Files;
  readonly #password: string;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #copying: Promise<void> = Promise.resolve();

  constructor(files: Files, password: string, log: Log) {
    this.#files = files;
    this.#password = password;
    this.#log = log;
  }

  /** Resolves when it runs for the first time. @throws MosquittoMissing */
  async start(): Promise<void> {
    const { ended } = await this.#spawned();
    this.#ended = this.#keepRunning(ended);
    this.#copying = this.#keepCopy();
  }

  async #keepRunning(first: Promise<number | null>): Promise<void> {
    const { signal } = this.#stopping;
    let retryMs = brokerRetryMs;
    for (let ended = first; ; ) {
      const startedAt = performance.now();
      const exitCode = await ended;
      if (signal.aborted) return;
      if (performance.now() - startedAt > brokerRetryMaxMs) retryMs = brokerRetryMs;
      this.#log.warn('The private Mosquitto ended; starting it again', { exitCode });
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      retryMs = Math.min(retryMs * 2, brokerRetryMaxMs);
      try {
        ended = (await this.#spawned()).ended;
      } catch (error) {
        this.#log.error('The private Mosquitto cannot be started', { error });
      }
    }
  }

  /** Starts it once; resolves when it runs. */
  async #spawned(): Promise<{ ended: Promise<number | null> }> {
    const { accounts, configuration, control, clients, pid } = this.#files;
    const readable = await accountsOf(accounts);
    if (readable !== null) await written(this.#files.copy, JSON.stringify(readable));
    const now = readable ?? (await this.#restored());
    await written(accounts, JSON.stringify(withControl(now, this.#password)));
    // A socket of before would be in the way.
    await Promise.all([rm(control, { force: true }), rm(clients, { force: true })]);
    const path = [processEnvironment().PATH ?? '', ...morePaths].join(':');
    const child = spawn(program, ['-c', configuration], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: path },
    });
    this.#child = child;
    const said = (text: Buffer) => this.#log.debug('mosquitto', { said: String(text).trim() });
    child.stdout?.on('data', said);
    child.stderr?.on('data', said);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          error.code === 'ENOENT'
            ? new MosquittoMissing(
                'There is no mosquitto on the PATH. Install it (Debian: apt install mosquitto), or ' +
                  'give the address of one that runs: GATEBOOK_BROKER=mosquitto+mqtt://user:password@host:1883',
              )
            : error,
        ),
      );
    });
    await writeFile(pid, String(child.pid), { mode: 0o600 });
    return { ended };
  }

  async #restored(): Promise<Accounts> {
    const copy = await accountsOf(this.#files.copy);
    if (copy !== null || existsSync(this.#files.accounts))
      this.#log.warn('The accounts of the private Mosquitto are not readable', {
        restored: copy !== null,
      });
    return copy ?? { clients: [], groups: [], roles: [] };
  }

  /** Mosquitto 2.0 writes over its file: a copy of a moment ago outlives a power cut. */
  async #keepCopy(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(privateMosquittoCopyMs, undefined, { signal, ref: false }).catch(() => undefined);
      const { accounts, copy } = this.#files;
      if (signal.aborted || (await accountsOf(accounts)) === null) continue;
      await copyFile(accounts, `${copy}.new`)
        .then(() => rename(`${copy}.new`, copy))
        .catch((error) => this.#log.warn('The accounts of Mosquitto cannot be copied', { error }));
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), privateMosquittoStopMs);
      await new Promise((resolve) => child.once('close', resolve));
      clearTimeout(kill);
    }
    await Promise.all([this.#ended, this.#copying]);
    await rm(this.#files.pid, { force: true });
  }
}

async function written(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
