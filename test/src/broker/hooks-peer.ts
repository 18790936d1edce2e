/** What stands in for a broker that cannot be had here: its REST API as documented, and its questions. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { World } from '../../support/service.ts';

export interface ApiPeer {
  readonly url: string;
  /** Method and path of every call, with what it showed as its account. */
  readonly calls: { method: string; path: string; account: string }[];
  stop(): Promise<void>;
}

/** `answer` gives status and JSON. */
export async function apiPeer(
  answer: (
    method: string,
    url: URL,
  ) => readonly [status: number, body?: unknown, location?: string],
): Promise<ApiPeer> {
  const calls: ApiPeer['calls'] = [];
  const server = createServer((request, response) => {
    const { method = '', url: path = '' } = request;
    const basic = /^Basic (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    calls.push({ method, path, account: Buffer.from(basic, 'base64').toString() });
    const [status, body, location] = answer(method, new URL(path, 'http://peer'));
    response.writeHead(status, {
      'Content-Type': 'application/json',
      ...(location === undefined ? {} : { Location: location }),
    });
    response.end(body === undefined ? '' : JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `127.0.0.1:${port}`,
    calls,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Asks a hook as a broker does; resolves with status and body. */
export async function asks(
  world: World,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const response = await fetch(`${world.url}/hooks/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith('{') ? JSON.parse(text) : text,
  };
}

/** Waits until something is so. */
export async function eventually<Result>(
  look: () => Promise<Result | undefined> | Result | undefined,
): Promise<Result> {
  const late = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > late) throw new Error(`never came true: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
