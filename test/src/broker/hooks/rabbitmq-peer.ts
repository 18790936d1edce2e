/** A real RabbitMQ of a test's own: its node, its ports and its folder, ended with everything it started. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../../support/free-port.ts';
import { skipped } from '../../../support/skipped.ts';

/** Debian's `rabbitmq-server` on the PATH changes the user first; this one runs as whoever starts it. */
const server = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const startMs = 60_000;

export interface RabbitMq {
  readonly mqttPort: number;
  /** For `GATEBOOK_BROKER`. */
  readonly address: string;
  readonly managementUrl: string;
  readonly account: { readonly username: string; readonly password: string };
  start(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export function rabbitMqIsHere(): boolean {
  if (existsSync(server)) return true;
  skipped('no rabbitmq-server here');
  return false;
}

/** `hooks`: where the hooks of the registry are, without a slash at the end. Not started yet. */
export async function rabbitMq(options: {
  readonly hooks: string;
  readonly proxyProtocol?: boolean;
  /** Lines of rabbitmq.conf. */
  readonly more?: readonly string[];
  /** What that file cannot say, as Erlang terms. */
  readonly advanced?: string | undefined;
}): Promise<RabbitMq> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-rabbitmq-'));
  const [mqttPort, managementPort, distributionPort, epmdPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const account = { username: 'gatebook-control', password: 'a-password-for-control' };
  await writeFile(
    join(folder, 'rabbitmq.conf'),
    [
      'listeners.tcp = none',
      `mqtt.listeners.tcp.1 = 127.0.0.1:${mqttPort}`,
      'mqtt.allow_anonymous = false',
      `mqtt.proxy_protocol = ${options.proxyProtocol ?? false}`,
      'auth_backends.1 = internal',
      'auth_backends.2 = http',
      'auth_http.http_method = post',
      ...['user', 'vhost', 'resource', 'topic'].map(
        (path) => `auth_http.${path}_path = ${options.hooks}/${path}`,
      ),
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      `default_user = ${account.username}`,
      `default_pass = ${account.password}`,
      ...(options.more ?? []),
    ].join('\n'),
  );
  if (options.advanced !== undefined)
    await writeFile(join(folder, 'advanced.config'), options.advanced);
  await writeFile(
    join(folder, 'plugins'),
    '[rabbitmq_mqtt,rabbitmq_auth_backend_http,rabbitmq_management].\n',
  );
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: folder,
    LANG: 'C.UTF-8',
    RABBITMQ_NODENAME: `gatebook${managementPort}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  let child: ChildProcess | undefined;
  let output = '';

  const end = async (signal: NodeJS.Signals) => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    try {
      // The script has children; they are a group of their own.
      process.kill(-child.pid, signal);
    } catch {
      // It ended by itself.
    }
    await ended;
  };
  const lastResort = () => {
    if (child?.pid !== undefined && child.exitCode === null)
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nothing is left of it.
      }
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', lastResort);

  async function started(): Promise<boolean> {
    child = spawn(server, [], {
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        output = (output + chunk).slice(-200_000);
      });
    output = '';
    const late = AbortSignal.timeout(startMs);
    while (!/Server startup complete/.test(output)) {
      if (late.aborted || child.exitCode !== null) return false;
      await sleep(50);
    }
    return true;
  }

  return {
    mqttPort,
    account,
    managementUrl: `http://127.0.0.1:${managementPort}`,
    address: `rabbitmq+http://${account.username}:${account.password}@127.0.0.1:${managementPort}`,
    async start() {
      if (await started()) return;
      // A port that was free may have been somebody's for a moment: once more.
      await end('SIGKILL');
      if (!(await started())) throw new Error(`RabbitMQ did not start: ${output.slice(-2_000)}`);
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGKILL');
      // It does not end while it still knows of the node.
      for (let attempt = 0; attempt < 50; attempt++) {
        try {
          await promisify(execFile)('epmd', ['-port', String(epmdPort), '-kill'], {
            env: environment,
          });
          break;
        } catch {
          await sleep(50);
        }
      }
      process.off('exit', lastResort);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
