/** Real proxies before the registry, which let nobody reach what is below `forbidden`; their versions as they say them. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { skipped } from '../support/skipped.ts';

/** What the front keeps everybody from, whatever they may at the registry itself. */
export const forbidden = '/api/users';
const triesMax = 200;

export interface Front {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface Kind {
  readonly program: string;
  configuration(port: number, upstream: number, folder: string): string;
  arguments(folder: string, file: string): string[];
}

const kinds: Readonly<Record<string, Kind>> = {
  nginx: {
    program: '/usr/sbin/nginx',
    configuration: (port, upstream, folder) => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  upstream registry { server 127.0.0.1:${upstream}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 100000;
    location ${forbidden} { return 403; }
    location / {
      proxy_pass http://registry;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`,
    arguments: (folder, file) => ['-p', folder, '-c', file],
  },
  haproxy: {
    program: '/usr/sbin/haproxy',
    configuration: (port, upstream) => `
global
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  http-request deny deny_status 403 if { path_beg ${forbidden} }
  default_backend registry
backend registry
  server one 127.0.0.1:${upstream}
`,
    arguments: (_folder, file) => ['-db', '-f', file],
  },
};

async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

async function started(name: string, kind: Kind, upstream: number, folder: string): Promise<Front> {
  const port = await freePort();
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, kind.configuration(port, upstream, folder));
  const child: ChildProcess = spawn(kind.program, kind.arguments(folder, file), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (child.exitCode !== null || tries === triesMax) throw new Error(`${name}: ${said}`);
    await delay(25);
  }
  const { stdout, stderr } = spawnSync(kind.program, ['-v'], { encoding: 'utf8' });
  return {
    ...{ name, port, version: /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? '' },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

const isHere = (program: string): boolean => {
  try {
    execFileSync(program, ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Those that are installed here, before the registry at `upstream`; what is not is said aloud. */
export async function startFronts(upstream: number, folder: string): Promise<Front[]> {
  mkdirSync(folder, { recursive: true });
  const fronts: Front[] = [];
  for (const [name, kind] of Object.entries(kinds))
    if (isHere(kind.program)) fronts.push(await started(name, kind, upstream, folder));
    else skipped(`no ${name} here`);
  return fronts;
}
