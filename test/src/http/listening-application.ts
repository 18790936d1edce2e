/** A listening HTTP application around a few routes, and calls to it. */
import { connect } from 'node:net';
import { compiled } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import type { Caller } from '../../../src/authority.ts';
import { httpApplication } from '../../../src/http/application.ts';
import type { Edge, Guard } from '../../../src/http/edge.ts';
import { type Listener, listen } from '../../../src/http/listener.ts';
import { sourceReader } from '../../../src/http/request/client-address.ts';
import type { Route } from '../../../src/http/route.ts';
import { createLogger } from '../../../src/logger.ts';
import { createMetrics } from '../../../src/metrics.ts';

export interface Shell {
  readonly listener: Listener;
  readonly url: string;
  readonly edge: Edge;
  /** What was logged, one parsed line each. */
  readonly logged: Record<string, unknown>[];
  readonly stopping: AbortController;
  stop(): Promise<void>;
}

export const callerWith = (username: string, permissions: Permission[]): Caller => ({
  username,
  tokenId: '00000000-0000-4000-8000-000000000001',
  tokenExpiresAt: '2030-01-01T00:00:00.000Z',
  permissions: compiled(permissions),
  httpLimit: null,
});

/** Position 7 is reached, everything after it never. */
const reachedPosition = '7'.padStart(20, '0');

export async function shell(
  routes: readonly Route[],
  options: {
    readonly edge?: Partial<Edge>;
    readonly trustedProxies?: readonly string[];
    readonly guards?: readonly Guard[];
  } = {},
): Promise<Shell> {
  const logged: Record<string, unknown>[] = [];
  const stopping = new AbortController();
  let ids = 0;
  const edge: Edge = {
    authenticate: async () => null,
    current: (caller) => caller,
    position: () => reachedPosition,
    reached: async (position) => position <= reachedPosition,
    certificateOf: () => null,
    sourceOf: sourceReader(options.trustedProxies ?? []),
    metrics: createMetrics(),
    logger: createLogger({
      level: 'debug',
      pretty: false,
      write: (line) => void logged.push(JSON.parse(line)),
    }),
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    behindHttps: false,
    strictTransport: false,
    stopping: stopping.signal,
    ...options.edge,
  };
  const listener = await listen(httpApplication(routes, edge, { guards: options.guards ?? [] }), {
    host: '127.0.0.1',
    port: 0,
    lingerMs: 50,
  });
  return {
    listener,
    url: listener.url,
    edge,
    logged,
    stopping,
    async stop() {
      stopping.abort();
      await listener.stop(0);
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Waits until something holds; fails after ten seconds, which nothing here takes. */
export async function until(holds: () => boolean): Promise<void> {
  for (let waits = 0; !holds(); waits++) {
    if (waits === 2_000) throw new Error(`never: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sends bytes as they are and reads one answer, until its body is whole or the connection ends. */
export function raw(
  { port }: Listener,
  parts: readonly (string | Buffer)[],
): Promise<RawAnswer & { readonly isClosed: () => boolean }> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (): void => {
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end);
      const body = text.slice(end + 4);
      if (head.startsWith('HTTP/1.1 100')) {
        text = body;
        settle();
        return;
      }
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (Buffer.byteLength(body) < length) return;
      socket.off('data', take).resume();
      resolve({
        status: Number(head.split(' ')[1]),
        headers: head,
        body,
        isClosed: () => socket.closed,
      });
    };
    const take = (chunk: Buffer) => {
      text += chunk.toString();
      settle();
    };
    socket.on('data', take);
    socket.on('error', reject);
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
    for (const part of parts) socket.write(part);
  });
}

export interface ProblemSeen {
  readonly code: string;
  readonly detail: string;
  readonly errors?: { pointer?: string; parameter?: string; detail: string }[];
  /** Pointer or parameter of each error. */
  readonly places: (string | undefined)[] | undefined;
  readonly [member: string]: unknown;
}

/** A problem as the tests look at it. */
export async function problemOf(response: Response): Promise<ProblemSeen> {
  const body = (await response.json()) as ProblemSeen;
  return { ...body, places: body.errors?.map(({ pointer, parameter }) => pointer ?? parameter) };
}
