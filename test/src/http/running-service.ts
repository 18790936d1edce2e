/** A whole service on free ports, and calls to it whose answers must have the shape they declare. */
import { randomBytes } from 'node:crypto';
import { Problem } from '../../../src/api/output.ts';
import { problemsOf } from '../../../src/http/pages/openapi-answers.ts';
import type { Route } from '../../../src/http/route.ts';
import { allRoutes } from '../../../src/http/server.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test looks into what it expects to be there
type Body = any;

export interface Sent {
  readonly token?: string | undefined;
  /** JSON, or text as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another address than the main port's. */
  readonly on?: string | undefined;
}

export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
  /** The code of a problem. */
  readonly code: string | undefined;
  /** Where each error of a malformed request is. */
  readonly places: string[];
}

export interface Running {
  readonly world: World;
  readonly routes: readonly Route[];
  /** The first administrator's token. */
  readonly admin: string;
  call(method: string, path: string, sent?: Sent): Promise<Got>;
  /** The same as the administrator, which must be answered with this status. */
  must(status: number, method: string, path: string, body?: unknown): Promise<Got>;
  /** Makes a user and signs it in. */
  signedIn(username: string, rights?: object): Promise<string>;
  stop(): Promise<void>;
}

/** A password that needs no slow hash. */
export const strongPassword = () => randomBytes(16).toString('hex');

const matches = (route: Route, path: string): boolean => {
  const wanted = route.path.split('/');
  const sent = path.split('/');
  return (
    wanted.length === sent.length &&
    wanted.every((segment, at) => segment.startsWith('{') || segment === sent[at])
  );
};

function routeOf(routes: readonly Route[], method: string, path: string): Route | undefined {
  const fitting = routes.filter((route) => route.method === method && matches(route, path));
  return fitting.find((route) => !route.path.includes('{')) ?? fitting[0];
}

/** Every answer is one that its route declares, in the shape that it declares. */
function checkDeclared(route: Route | undefined, got: Got, where: string): void {
  if (route === undefined) return;
  if (got.headers.get('content-type') === 'application/problem+json') {
    Problem.parse(got.body);
    assert.ok(problemsOf(route).includes(got.code as never), `${where} declares ${got.code}`);
    return;
  }
  const declared = route.answers[got.status];
  assert.ok(declared, `${where} declares ${got.status}`);
  if (declared?.body === undefined) return;
  const parsed = declared.body.safeParse(got.body);
  assert.ok(parsed.success, `${where}: ${parsed.error?.message} in ${got.text}`);
}

export async function running(environment: Record<string, string> = {}): Promise<Running> {
  const world = await startRegistry(environment);
  const routes = allRoutes(world.running.app);

  const call = async (method: string, path: string, sent: Sent = {}): Promise<Got> => {
    const { token, body, headers, on } = sent;
    const response = await fetch((on ?? world.url) + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const parsed = isJson ? JSON.parse(text) : undefined;
    const got: Got = {
      status: response.status,
      headers: response.headers,
      text,
      body: parsed,
      code: parsed?.code,
      places: (parsed?.errors ?? []).map(
        (fault: { pointer?: string; parameter?: string }) => fault.pointer ?? fault.parameter,
      ),
    };
    const route = routeOf(routes, method, path.split('?')[0] ?? '');
    checkDeclared(route, got, `${method} ${path}`);
    return got;
  };

  const admin = world.token;
  const must = async (status: number, method: string, path: string, body?: unknown) => {
    const got = await call(method, path, { token: admin, body });
    assert.is(got.status, status, `${method} ${path}: ${got.text}`);
    return got;
  };

  return {
    world,
    routes,
    admin,
    call,
    must,
    async signedIn(username, rights = {}) {
      const password = strongPassword();
      await must(201, 'POST', '/api/users', { username, password, ...rights });
      return await world.signIn(username, password);
    },
    stop: () => world.stop(),
  };
}
