/** A private Mosquitto: started, supervised and stopped with the registry, its files in the data folder. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { MosquittoAddress } from '../../config/brokers.ts';
import { unixPathBytesMax } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { makeFolder } from '../../platform/private-file.ts';
import { controlUsername } from './private-accounts.ts';
import { endLeftover, type Files, MosquittoMissing, Supervised } from './private-process.ts';

export interface PrivateMosquitto {
  /** The control connection's address; its password is in memory alone, and changes at each start. */
  readonly address: MosquittoAddress;
  /** Where the gateway connects for each client: a socket that only this user of the machine can open. */
  readonly upstream: { readonly path: string };
  /** Resolves when it has ended; its stored sessions and retained messages are on disk then. */
  stop(): Promise<void>;
}

const pluginName = 'mosquitto_dynamic_security.so';

/**
 * Starts it and keeps it running. `dataDir` is the registry's; everything of it is in `mosquitto` there.
 * @throws MosquittoMissing when program or plugin are not found
 */
export async function startPrivateMosquitto(options: {
  readonly dataDir: string;
  readonly logger: Logger;
}): Promise<PrivateMosquitto> {
  const folder = join(options.dataDir, 'mosquitto');
  makeFolder(folder);
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
  await endLeftover(files, options.logger);

  const running = new Supervised(files, password, options.logger);
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

/** The system limits the length of a socket's path; for a deep data folder a temporary folder is used. */
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

/** `max_queued_messages` keeps its default: 0 makes Debian's 2.0.11 close a client at any denied publish. */
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
    // Started as root it would change to a user who may not write here.
    `user ${userInfo().username}`,
    'log_dest stdout',
    'log_type error',
    'log_type warning',
    'connection_messages false',
    '',
  ].join('\n');
