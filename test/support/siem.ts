/** Receivers of audit events, and what they have to have got. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leafHashOfText } from '../../src/audit/transparency-log/merkle.ts';
import { assert } from './suite.ts';

const program = fileURLToPath(new URL('./syslog-receiver.ts', import.meta.url));

export interface Sent {
  readonly index: number;
  readonly hash: string;
  readonly leaf: string;
}

/** The place and the leaf of one message; what does not fit RFC 5424 is a fault. */
export function sentBySyslog(message: string): Sent {
  const pattern =
    /^<1(?:0[89]|10)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z [!-~]+ gatebook - [A-Za-z]{1,32} \[gatebook@32473 index="(\d+)" hash="([\da-f]{64})" position="\d{20}" log="[\da-f-]{36}"\] (\{.*\})$/su;
  const [, index, hash = '', leaf = ''] =
    pattern.exec(message) ?? assert.unreachable(message) ?? [];
  return { index: Number(index), hash, leaf };
}

export interface SyslogReceiver {
  readonly port: number;
  /** Resolves when the process is gone. */
  readonly ended: Promise<unknown>;
  kill(): Promise<void>;
}

/** Started processes end with the test's. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** `taken` gets each message, also of those that come after. */
export async function startSyslogReceiver(
  taken: Sent[],
  environment: Readonly<Record<string, string>> = {},
): Promise<SyslogReceiver> {
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment },
  });
  children.add(child);
  const ended = once(child, 'close').then(() => children.delete(child));
  const port = await new Promise<number>((resolve) =>
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { port: opened, message } = JSON.parse(line);
      if (opened === undefined) taken.push(sentBySyslog(message));
      else resolve(opened);
    }),
  );
  return {
    port,
    ended,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Takes NDJSON, or answers what it is told to. */
export async function startHttpReceiver(taken: Sent[]) {
  const posts: Post[] = [];
  const state = { status: 200 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    posts.push({ headers: request.headers, body });
    if (state.status === 200)
      for (const line of body.trimEnd().split('\n')) {
        const { index, hash } = JSON.parse(line);
        taken.push({ index, hash, leaf: line.slice(line.indexOf('"leaf":') + 7, -1) });
      }
    response.writeHead(state.status, { Location: '/elsewhere' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    posts,
    state,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** In order, each at least once, from `first` up to the last line of an export, and each with the hash of its leaf. */
export function assertAllSent(taken: readonly Sent[], exported: string, first = 0): void {
  const lines = exported.trimEnd().split('\n');
  let next = first;
  for (const { index, hash, leaf } of taken) {
    assert.ok(index <= next, `${index} came before ${next}`);
    assert.ok(index >= first, `${index} came, which is of before`);
    if (index === next) next += 1;
    assert.is(leaf, lines[index]);
    assert.is(leafHashOfText(leaf).toString('hex'), hash);
  }
  assert.is(next, lines.length);
}
