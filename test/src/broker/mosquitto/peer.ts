/** A real Mosquitto with dynamic security for a test: its own folder, a free port, a control account. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../support/free-port.ts';
import { programIsHere } from '../../../support/mqtt-peers.ts';
import { selfSigned } from '../../../support/tls.ts';

const plugin = '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so';

export const controlUsername = 'keeper';
export const controlPassword = 'p%40ss word';

/** Says aloud where it is missing. */
export const mosquittoIsHere = (): boolean =>
  programIsHere('mosquitto', '-h') && programIsHere('mosquitto_ctrl', 'help');

export interface MosquittoPeer {
  readonly port: number;
  readonly socket: string;
  /** Of clients with certificates, once `startTls` was called. */
  readonly tlsPort: number;
  /** A command that has it read its files again. */
  readonly reload: string;
  /** As GATEBOOK_BROKER has it. */
  readonly setting: string;
  readonly socketSetting: string;
  /** The accounts as Mosquitto last wrote them. */
  accounts(): {
    clients: {
      username: string;
      disabled?: boolean;
      password?: string;
      textname?: string;
      textdescription?: string;
    }[];
    roles: { rolename: string; acls: object[] }[];
  };
  /** Runs mosquitto_ctrl as the control account. */
  control(...args: string[]): string;
  start(): Promise<void>;
  /** Starts it anew, with a listener for clients with certificates, as docs/brokers.md has it. */
  startTls(): Promise<void>;
  kill(): Promise<void>;
  /** Forgets all accounts; it must not run. */
  empty(): void;
  clean(): Promise<void>;
}

/** `certificateFiles`: where the registry writes its CA and the list of revoked certificates, for the TLS listener. */
export async function mosquittoPeer(
  options: { readonly certificateFiles?: string } = {},
): Promise<MosquittoPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-mosquitto-peer-'));
  const port = await freePort();
  const tlsPort = await freePort();
  const file = join(folder, 'accounts.json');
  const socket = join(folder, 'control.sock');
  const empty = () => {
    rmSync(file, { force: true });
    execFileSync('mosquitto_ctrl', ['dynsec', 'init', file, controlUsername, controlPassword]);
  };
  empty();
  const configured = (tls: readonly string[]) =>
    [
      'per_listener_settings false',
      `listener ${port} 127.0.0.1`,
      `listener 0 ${socket}`,
      'allow_anonymous false',
      `plugin ${plugin}`,
      `plugin_opt_config_file ${file}`,
      'set_tcp_nodelay true',
      `user ${userInfo().username}`,
      ...tls,
      '',
    ].join('\n');
  writeFileSync(join(folder, 'mosquitto.conf'), configured([]));
  let child: ChildProcess | null = null;
  const kill = async () => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
    child = null;
  };
  const start = async () => {
    rmSync(socket, { force: true });
    child = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
    writeFileSync(join(folder, 'pid'), String(child.pid));
    for (let tries = 0; tries < 500; tries++) {
      const reached = await new Promise<boolean>((resolve) => {
        const probe = connect(port, '127.0.0.1', () => resolve(true));
        probe.on('error', () => resolve(false));
        probe.on('connect', () => probe.destroy());
      });
      if (reached) return;
      await sleep(10);
    }
    throw new Error('mosquitto does not start');
  };
  await start();
  const user = `${controlUsername}:${encodeURIComponent(controlPassword)}`;
  return {
    ...{ port, socket, tlsPort },
    reload: `kill -HUP $(cat ${join(folder, 'pid')})`,
    async startTls() {
      const { key, cert } = await selfSigned();
      writeFileSync(join(folder, 'key.pem'), key);
      writeFileSync(join(folder, 'cert.pem'), cert);
      const files = options.certificateFiles ?? folder;
      writeFileSync(
        join(folder, 'mosquitto.conf'),
        configured([
          `listener ${tlsPort} 127.0.0.1`,
          `cafile ${join(files, 'ca.pem')}`,
          `crlfile ${join(files, 'crl.pem')}`,
          `certfile ${join(folder, 'cert.pem')}`,
          `keyfile ${join(folder, 'key.pem')}`,
          'require_certificate true',
          'use_identity_as_username true',
        ]),
      );
      await kill();
      await start();
    },
    setting: `mosquitto+mqtt://${user}@127.0.0.1:${port}`,
    socketSetting: `mosquitto+unix://${user}@localhost${socket}`,
    accounts() {
      for (let tries = 0; ; tries++)
        try {
          return JSON.parse(readFileSync(file, 'utf8'));
        } catch (error) {
          // Caught while Mosquitto writes over it.
          if (tries === 500) throw error;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
        }
    },
    control: (...args) =>
      execFileSync(
        'mosquitto_ctrl',
        // biome-ignore format: one option beside its value
        ['-h', '127.0.0.1', '-p', String(port), '-u', controlUsername, '-P', controlPassword, 'dynsec', ...args],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      ),
    start,
    kill,
    empty,
    async clean() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
