/** A door that answers a device as a test tells it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, suite } from './suite.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown> | null;
}
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Cut the connection instead. */
  readonly cut?: true;
  readonly look?: () => void;
}

/** A door that answers as it is told, one reply after the other; the last one stays. */
export function door(...replies: [Reply, ...Reply[]]) {
  const asked: Asked[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = request;
    const reply = replies[Math.min(asked.length, replies.length - 1)];
    asked.push({ method, path, headers, body: text === '' ? null : JSON.parse(text) });
    if (reply === undefined) return;
    reply.look?.();
    if (reply.cut) return void request.socket.destroy();
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(JSON.stringify(reply.body ?? {}));
  });
  return { server, asked };
}

export const soon = { 'retry-after': '0' };
export const pending = (requestId = 'r-1'): Reply => ({
  status: 202,
  headers: soon,
  body: {
    status: 'pending',
    requestId,
    username: 'press-17',
    pairingId: 'a1b2c3',
    registrationToken: 'v4.public.registration',
    expiresAt: '2026-11-24T10:00:00.000Z',
  },
});
export const registered = {
  status: 'granted',
  requestId: 'r-1',
  username: 'press-17',
  roles: ['press'],
  permissions: [],
  mqttPublishPrefix: null,
  mqttClientId: null,
  expiresAt: null,
  effectivePermissions: [],
  brokers: [{ name: 'embedded', urls: ['mqtt://127.0.0.1:1883'] }],
  certificate: null,
};
export const granted: Reply = { status: 201, body: registered };
export const problem = (status: number, code: string, more: object = {}): Reply => ({
  status,
  headers: [423, 429, 503, 409].includes(status) ? soon : {},
  body: {
    type: `urn:gatebook:problem:${code}`,
    title: code,
    status,
    detail: `${code}.`,
    code,
    ...more,
  },
});

export const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
export const caught = async (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => assert.unreachable('it should have been refused'),
    (error) => error,
  );

/** Each test has a folder, and servers that listen while it runs. */
export function deviceSuite(name: string) {
  const test = suite<{
    folder: string;
    servers: Server[];
    open: (server: Server) => Promise<string>;
  }>(name);
  test.before.each((context) => {
    context.folder = mkdtempSync(join(tmpdir(), 'gatebook-client-'));
    context.servers = [];
    context.open = async (server) => {
      context.servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
  });
  test.after.each(({ folder, servers }) => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return test;
}
