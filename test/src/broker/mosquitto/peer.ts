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

const plugin = '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so';

export const controlUsername = 'keeper';
export const controlPassword = 'p%40ss word';

/** Says aloud where it is missing. */
export const mosquittoIsHere = (): boolean =>
  programIsHere('mosquitto', '-h') && programIsHere('mosquitto_ctrl', 'help');

export interface MosquittoPeer {
  readonly port: number;
  readonly socket: string;
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
  kill(): Promise<void>;
  /** Forgets all accounts; it must not run. */
  empty(): void;
  clean(): Promise<void>;
}

export async function mosquittoPeer(): Promise<MosquittoPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-mosquitto-peer-'));
  const port = await freePort();
  const file = join(folder, 'accounts.json');
  const socket = join(folder, 'control.sock');
  const empty = () => {
    rmSync(file, { force: true });
    execFileSync('mosquitto_ctrl', ['dynsec', 'init', file, controlUsername, controlPassword]);
  };
  empty();
  writeFileSync(
    join(folder, 'mosquitto.conf'),
    [
      'per_listener_settings false',
      `listener ${port} 127.0.0.1`,
      `listener 0 ${socket}`,
      'allow_anonymous false',
      `plugin ${plugin}`,
      `plugin_opt_config_file ${file}`,
      'set_tcp_nodelay true',
      `user ${userInfo().username}`,
      '',
    ].join('\n'),
  );
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
    port,
    socket,
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
