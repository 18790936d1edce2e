/** The private Mosquitto as a process: started, started again when it ends, copied from, stopped. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { processEnvironment } from '../../config/reading.ts';
import {
  brokerRetryMaxMs,
  brokerRetryMs,
  privateMosquittoCopyMs,
  privateMosquittoStopMs,
} from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { type Accounts, accountsOf, withControl, writeAtomically } from './private-accounts.ts';

export interface Files {
  readonly configuration: string;
  readonly accounts: string;
  readonly copy: string;
  readonly pid: string;
  readonly control: string;
  readonly clients: string;
}

/** Mosquitto is not installed; the message says what to do. */
export class MosquittoMissing extends Error {
  override name = 'MosquittoMissing';
}

/** The program's name; Debian installs it in a folder that is only on root's PATH. */
const program = 'mosquitto';
const morePaths = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

/** Ends a Mosquitto that outlived its registry, which was killed: it uses our sockets and files. */
export async function endLeftover(files: Files, logger: Logger): Promise<void> {
  const pid = Number(await readFile(files.pid, 'utf8').catch(() => ''));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  const isOurs = async () => {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(
      () => ({ stdout: '' }),
    );
    return stdout.includes(files.configuration);
  };
  if (!(await isOurs())) return;
  logger.warn('A private Mosquitto of an earlier start still runs; ending it');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (let waited = 0; waited < privateMosquittoStopMs; waited += 50) {
      if (!(await isOurs())) return;
      await delay(50);
    }
  }
}

export class Supervised {
  readonly #files: Files;
  readonly #password: string;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #copying: Promise<void> = Promise.resolve();

  constructor(files: Files, password: string, logger: Logger) {
    this.#files = files;
    this.#password = password;
    this.#logger = logger;
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
      this.#logger.warn('The private Mosquitto ended; starting it again', { exitCode });
      await pause(retryMs, signal);
      if (signal.aborted) return;
      retryMs = Math.min(retryMs * 2, brokerRetryMaxMs);
      try {
        ended = (await this.#spawned()).ended;
      } catch (error) {
        this.#logger.error('The private Mosquitto cannot be started', { error });
      }
    }
  }

  /** Starts it once; resolves when it runs. */
  async #spawned(): Promise<{ ended: Promise<number | null> }> {
    const { accounts, configuration, control, clients, pid } = this.#files;
    const readable = await accountsOf(accounts);
    if (readable !== null) await writeAtomically(this.#files.copy, JSON.stringify(readable));
    const now = readable ?? (await this.#restored());
    await writeAtomically(accounts, JSON.stringify(withControl(now, this.#password)));
    // Mosquitto cannot listen on a socket file that exists.
    await Promise.all([rm(control, { force: true }), rm(clients, { force: true })]);
    const path = [processEnvironment().PATH ?? '', ...morePaths].join(':');
    const child = spawn(program, ['-c', configuration], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: path },
    });
    this.#child = child;
    const log = (text: Buffer) =>
      this.#logger.debug('The private Mosquitto wrote a line', { line: String(text).trim() });
    child.stdout?.on('data', log);
    child.stderr?.on('data', log);
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
      this.#logger.warn('The accounts of the private Mosquitto cannot be read', {
        restored: copy !== null,
      });
    return copy ?? { clients: [], groups: [], roles: [] };
  }

  /** Mosquitto 2.0 overwrites its file in place: a recent copy survives a power cut. */
  async #keepCopy(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(privateMosquittoCopyMs, undefined, { signal, ref: false }).catch(() => undefined);
      const { accounts, copy } = this.#files;
      if (signal.aborted || (await accountsOf(accounts)) === null) continue;
      await copyFile(accounts, `${copy}.new`)
        .then(() => rename(`${copy}.new`, copy))
        .catch((error) =>
          this.#logger.warn('The accounts of the private Mosquitto cannot be copied', { error }),
        );
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
