/** A plain Mosquitto with a password file, as it stands behind a gateway in tests. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../support/free-port.ts';

export interface PlainMosquitto {
  readonly port: number;
  /** Lets an account in from now on. */
  add(username: string, password: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startPlainMosquitto(): Promise<PlainMosquitto> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-mosquitto-'));
  await chmod(folder, 0o755);
  const passwords = join(folder, 'passwords');
  await writeFile(passwords, '');
  await chmod(passwords, 0o644);
  const port = await freePort();
  await writeFile(
    join(folder, 'mosquitto.conf'),
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous false',
      `password_file ${passwords}`,
      'max_queued_messages 10000',
      'max_inflight_messages 100',
    ].join('\n'),
  );
  const child = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const late = AbortSignal.timeout(10_000);
  while (!(await answers(port))) {
    if (late.aborted || child.exitCode !== null) throw new Error('Mosquitto did not start');
    await sleep(20);
  }
  return {
    port,
    async add(username, password) {
      execFileSync('mosquitto_passwd', ['-b', passwords, username, password], { stdio: 'ignore' });
      await chmod(passwords, 0o644);
      child.kill('SIGHUP');
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
