/** People with a few rights try every route: each answer is the one that a matcher of our own says. */
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const callsWhole = 100_000;
const callsPerPerson = 60;
const password = '0123456789abcdef0123456789abcdef';

interface Guarded {
  readonly method: string;
  readonly path: string;
}
interface Right {
  readonly resource: string;
  readonly operation: 'read' | 'write' | 'readWrite';
}

/** Routes that anybody who is signed in may use, and those that say for themselves who may. */
const notByPath = [
  /^\/api\/(?:login|whoami|tokens|approvals)(?:\/|$)/,
  /^\/api\/client-registry\/(?:register|certificate|requests\/self)$/,
  /^\/api\/users\/[^/]+\/rotate$/,
];

async function guardedRoutes({ call }: Served): Promise<Guarded[]> {
  const { body } = await call('GET', '/openapi.json');
  return Object.entries(body.paths as Record<string, object>)
    .filter(([path]) => path.startsWith('/api/') && !notByPath.some((one) => one.test(path)))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
}

/** MQTT 5.0, section 4.7.1, written anew. */
function covers(filter: string, name: string): boolean {
  const wanted = filter.split('/');
  const levels = name.split('/');
  const many = wanted.indexOf('#');
  if (many >= 0)
    return (
      levels.length >= many &&
      wanted.slice(0, many).every((one, at) => one === '+' || one === levels[at])
    );
  return (
    wanted.length === levels.length && wanted.every((one, at) => one === '+' || one === levels[at])
  );
}

const may = (rights: readonly Right[], method: string, path: string): boolean => {
  const operation = method === 'GET' ? 'read' : 'write';
  return rights.some(
    (right) =>
      (right.operation === operation || right.operation === 'readWrite') &&
      covers(right.resource, path),
  );
};

const filled = (path: string, name: string) => path.replace(/\{\w+\}/g, name);

/** A resource near the routes: one as it is, cut, with wildcards, or of its neighbour. */
function resourceNear(chance: Chance, routes: readonly Guarded[]): string {
  const levels = filled(chance.pick(routes).path, chance.pick(['admin', 'other', '+'])).split('/');
  const at = 1 + chance.below(levels.length - 1);
  if (chance.is(0.25)) return [...levels.slice(0, Math.max(2, at)), '#'].join('/');
  if (chance.is(0.25)) levels[at] = '+';
  if (chance.is(0.1)) levels.push(chance.pick(['x', '']));
  if (chance.is(0.1)) levels.splice(at, 1);
  return levels.length < 2 ? '/api' : levels.join('/');
}

/** Spellings of a path that a router, a proxy and a guard might read each in its way. */
const spellings: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => path.replace('/api/', '/api/./'),
  (path) => path.replace('/api/', '/api//'),
  (path) => path.replace('/api/', '/api/users/../'),
  (path) => path.replace('/api/', '/API/'),
  (path) => path.replace('/api/', '/%61pi/'),
  (path) => `${path}/`,
  (path) => `${path};x=1`,
  (path) => `${path}%2f..`,
  (path) => path.replace('/admin', '/%61dmin'),
];

async function person(
  served: Served,
  token: string,
  chance: Chance,
  routes: readonly Guarded[],
  name: string,
) {
  const permissions = Array.from({ length: 1 + chance.below(5) }, () => ({
    context: 'http' as const,
    resource: resourceNear(chance, routes),
    operation: chance.pick(['read', 'write', 'readWrite'] as const),
  }));
  const body = { username: name, password, permissions };
  const { status } = await served.call('POST', '/api/users', { token, body });
  if (status !== 201) throw new Error(`${name} was not made: ${status}`);
  const signedIn = await served.call('POST', '/api/login', { body: { username: name, password } });
  return { permissions, token: signedIn.body.token as string };
}

/** What one call was told that it should not have been; undefined: nothing. */
async function wrong(
  served: Served,
  rights: readonly Right[],
  token: string,
  { method, path }: Guarded,
  spell: (path: string) => string,
) {
  const sent = spell(path);
  // A key that no route knows: who may is told so, and nothing happens.
  const options =
    method === 'GET' || method === 'DELETE' ? { token } : { token, body: { trying: 1 } };
  const { status, body } = await served.call(method, sent, options);
  const allowed = may(rights, method, path);
  const refused = status === 403 && body.code === 'permission-missing';
  const told = `${method} ${sent} with ${JSON.stringify(rights)}: ${status} ${body.code ?? ''}`;
  if (status >= 500 || status === 401) return told;
  // Another spelling may be no route, or another name; it must never be more than the path itself.
  if (sent !== path)
    return allowed || refused || status === 404 || status === 405 ? undefined : told;
  return refused === allowed ? told : undefined;
}

async function run({ chance, share }: Given): Promise<Told> {
  const count = Math.max(300, Math.round(callsWhole * share));
  const dataDir = await newFolder();
  const violations: string[] = [];
  let allowed = 0;
  try {
    const served = await serve(dataDir, { GATEBOOK_LOG_LEVEL: 'error' });
    const token = await served.signIn();
    const routes = (await guardedRoutes(served)).filter(
      ({ method, path }) =>
        method !== 'DELETE' && !/events$|export$|backup$|lock$|keys\/rotate$|\/erase$/.test(path),
    );
    for (let done = 0; done < count; done += callsPerPerson) {
      const one = await person(served, token, chance, routes, `tries-${done}`);
      for (let call = 0; call < callsPerPerson; call++) {
        const route = chance.pick(routes);
        const path = filled(
          route.path,
          chance.pick(['admin', 'other', '00000000-0000-4000-8000-000000000000']),
        );
        if (may(one.permissions, route.method, path)) allowed++;
        const spell = chance.is(0.5) ? chance.pick(spellings) : (same: string) => same;
        const found = await wrong(served, one.permissions, one.token, { ...route, path }, spell);
        if (found !== undefined) violations.push(found);
      }
    }
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
    return {
      rounds: count,
      figures: `${routes.length} routes, ${allowed} calls allowed`,
      violations,
    };
  } finally {
    await removeFolder(dataDir);
  }
}

export const rights: Trial = {
  name: 'rights',
  title: 'people with few rights, on every route',
  run,
};
