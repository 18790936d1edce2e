/** What stands in for a broker that cannot be had here: its REST API as documented, and its questions. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Door, doorOf } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { suite } from '../../../support/suite.ts';

export interface ApiPeer {
  readonly url: string;
  /** Method and path of every call, with what it showed as its account. */
  readonly calls: { method: string; path: string; account: string }[];
  stop(): Promise<void>;
}

type ApiAnswer = readonly [status: number, body?: unknown, location?: string];

/** `answer` gives status and JSON. */
export async function apiPeer(answer: (method: string, url: URL) => ApiAnswer): Promise<ApiPeer> {
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

export interface AskingBroker {
  world: World;
  door: Door;
  api: ApiPeer;
  /** Client ids of the sessions at the broker, by username. */
  sessions: Map<string, string[]>;
}

/**
 * Tests over a registry with a broker that asks it. `setting` is GATEBOOK_BROKER for an address of the
 * broker's REST API, which `answer` plays.
 */
export function askingBrokerSuite(
  name: string,
  {
    secret,
    setting,
    answer,
  }: {
    secret: string;
    setting: (address: string) => string;
    answer: (sessions: AskingBroker['sessions'], method: string, url: URL) => ApiAnswer;
  },
) {
  const test = suite<AskingBroker>(name);
  test.before(async (here) => {
    here.sessions = new Map();
    here.api = await apiPeer((method, url) => answer(here.sessions, method, url));
    here.world = await startRegistry({
      GATEBOOK_BROKER: setting(here.api.url),
      GATEBOOK_HOOK_SECRET: secret,
    });
    here.door = doorOf(here.world);
  });
  test.before.each(async ({ door }) => {
    await door.unlock({ maxRequests: 1_000 });
  });
  test.after(async ({ world, api }) => {
    await world.stop();
    await api.stop();
  });
  return test;
}

/** False: no session has that client id. */
export function endSession(sessions: AskingBroker['sessions'], clientId: string): boolean {
  for (const [username, ids] of sessions)
    if (ids.includes(clientId)) {
      sessions.set(
        username,
        ids.filter((id) => id !== clientId),
      );
      return true;
    }
  return false;
}

/** The data of a name's first event of a type, once there is one. */
export const told = (door: Door, username: string, type: string) =>
  eventually(
    async () =>
      (await door.events(username)).find((one: { type: string }) => one.type === type)?.data,
  );
