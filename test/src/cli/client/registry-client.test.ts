import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCommandLine } from '../../../../src/cli/run.ts';
import { assert, suite } from '../../../support/suite.ts';

interface Context {
  servers: Server[];
  /** Runs a command line against a server that answers like that. */
  against(listener: RequestListener, ...args: string[]): Promise<Ran>;
}
interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
  url: string;
}

const test = suite<Context>('cli registry');
test.before.each((context) => {
  context.servers = [];
  context.against = async (listener, ...args) => {
    const server = createServer(listener);
    context.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { ...(await ran(url, args)), url };
  };
});
test.after.each(({ servers }) => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function ran(url: string, args: readonly string[]) {
  let [stdout, stderr] = ['', ''];
  const environment = { GATEBOOK_URL: url, GATEBOOK_TOKEN: 'v4.public.token' };
  const exitCode = await runCommandLine(args, environment, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { exitCode, stdout, stderr };
}

const answers =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

const problem = (status: number, code: string, more: object = {}) => ({
  type: `urn:gatebook:problem:${code}`,
  title: code,
  status,
  detail: `This is ${code}.`,
  code,
  ...more,
});

test('nobody there is exit 5, with the address and what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await ran(url, ['unlock']), {
    exitCode: 5,
    stdout: '',
    stderr: [
      `Cannot reach the registry at ${url} (connection refused). Is it running? Start it with: npm start`,
      'Another address: --url, or GATEBOOK_URL',
      '',
    ].join('\n'),
  });
});

test('a connection that is cut is exit 5', async ({ against }) => {
  const { exitCode, stderr } = await against((request) => request.socket.destroy(), 'lock');
  assert.is(exitCode, 5);
  assert.match(stderr, '(the connection was closed)');
});

test('each kind of refusal has its exit code', async ({ against }) => {
  const kinds: [status: number, code: string, exitCode: number][] = [
    [400, 'request-malformed', 3],
    [401, 'token-missing', 4],
    [401, 'token-invalid', 4],
    [403, 'permission-missing', 4],
    [403, 'rights-exceed-own', 4],
    [404, 'user-not-found', 3],
    [409, 'role-in-use', 3],
    [429, 'login-throttled', 5],
    [500, 'internal-error', 1],
    [503, 'store-unavailable', 5],
  ];
  for (const [status, code, expected] of kinds) {
    const { exitCode, stdout } = await against(answers(status, problem(status, code)), 'lock');
    assert.equal([exitCode, stdout], [expected, ''], code);
  }
});

test('a problem is said with its fields, its remedy and when to try again', async ({ against }) => {
  const errors = [
    { pointer: '#/sources/0', detail: 'must be a CIDR' },
    { parameter: 'limit', detail: 'must be a number' },
    { pointer: '#', detail: 'is not JSON' },
  ];
  const malformed = await against(
    answers(400, problem(400, 'request-malformed', { errors })),
    'lock',
  );
  assert.is(
    malformed.stderr,
    'This is request-malformed.\n  sources.0: must be a CIDR\n  limit: must be a number\n  the body: is not JSON\n',
  );
  const required = { context: 'http', resource: '/api/client-registry/lock', operation: 'write' };
  const missing = await against(
    answers(403, problem(403, 'permission-missing', { required })),
    'lock',
  );
  assert.match(missing.stderr, 'This needs write on /api/client-registry/lock.');
  const busy = answers(503, problem(503, 'hashing-busy'), { 'retry-after': '5' });
  assert.match((await against(busy, 'lock')).stderr, 'Try again in 5 s.');
});

test('what is no Gatebook is said to be none', async ({ against }) => {
  for (const listener of [answers(200, '<html>'), answers(404, '<html>'), answers(200, '')]) {
    const { exitCode, stderr, url } = await against(listener, 'lock');
    assert.is(exitCode, 1);
    assert.match(stderr, `What answers at ${url} does not answer as Gatebook does`);
  }
  assert.is((await against(answers(502, 'bad gateway'), 'lock')).exitCode, 5);
  for (const listener of [answers(202, '{"items":[]}'), answers(200, '{}'), answers(200, 'null')])
    for (const command of ['requests', 'roles', 'history']) {
      const { exitCode, stderr, url } = await against(listener, command);
      assert.is(exitCode, 1);
      assert.match(stderr, `What answers at ${url} does not answer as Gatebook does`);
    }
});

test('a redirect is not followed, so the token goes to nobody else', async ({ against }) => {
  let isAsked = false;
  const other = createServer(() => {
    isAsked = true;
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  assert.is((await against(answers(307, '', { location }), 'lock')).exitCode, 1);
  other.close();
  assert.not.ok(isAsked);
});

test('nothing that the registry says is obeyed by the terminal', async ({ against }) => {
  const hostile = '\x1b]0;owned\x07\x1b[2J\u009b31m\u202ename\r\n';
  const request = {
    requestId: hostile,
    username: hostile,
    status: 'pending',
    kind: 'new',
    flow: 'explicit',
    pairingId: hostile,
    requestedAt: '2026-11-23T10:00:00.000Z',
    source: hostile,
    contested: false,
    conflictCount: 0,
    decision: null,
    requestedRoles: [hostile],
    requestedPermissions: [],
    activations: [],
  };
  // The same answer is read as the window, too.
  const window = { status: hostile, until: hostile, knockCount: 1 };
  const list = { items: [request], nextCursor: hostile, ...window };
  for (const args of [['requests'], ['requests', '--json']]) {
    const { exitCode, stdout, stderr } = await against(answers(200, list), ...args);
    assert.is(exitCode, 0, stderr);
    assert.not.match((stdout + stderr).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    assert.match(stdout, 'name');
  }
  const refused = problem(409, 'role-in-use', { detail: hostile });
  const { stderr } = await against(answers(409, refused), 'lock');
  assert.not.match(stderr.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
});

test('a read after a command carries the position of the command', async ({ against }) => {
  const positions: (string | undefined)[] = [];
  const granted = {
    requestId: 'r',
    username: 'press-17',
    status: 'granted',
    decision: { roles: [], permissions: [] },
    activations: [],
  };
  const listener: RequestListener = (request, response) => {
    positions.push(request.headers['gatebook-position'] as string | undefined);
    const body = request.method === 'POST' ? granted : { items: [granted], nextCursor: null };
    const headers: Record<string, string> =
      request.method === 'POST' ? { 'gatebook-position': '42' } : {};
    response.writeHead(200, headers);
    response.end(JSON.stringify(body));
  };
  assert.is((await against(listener, 'grant', 'press-17')).exitCode, 0);
  assert.equal(positions, [undefined, undefined, '42']);
});

test('a name that looks like an id is found as a name', async ({ against }) => {
  const name = '3f0c1f6e-0000-4000-8000-000000000000';
  const paths: string[] = [];
  const listener: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://a');
    paths.push(`${request.method} ${pathname.replace('/api/client-registry/requests', '')}`);
    const isById = pathname.endsWith(name);
    const denied = { requestId: 'r-1', username: name, kind: 'new', decision: null };
    response.writeHead(isById ? 404 : 200);
    const found = request.method === 'POST' ? denied : { items: [denied], nextCursor: null };
    response.end(JSON.stringify(isById ? problem(404, 'request-not-found') : found));
  };
  assert.is((await against(listener, 'deny', name)).exitCode, 0);
  assert.equal(paths, [`GET /${name}`, 'GET ', 'POST /r-1/deny']);
});

test('many requests that fit a glob are decided in bulks of at most 1,000', async ({ against }) => {
  const bulks: number[] = [];
  const items = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => ({
      ...{ requestId: `r-${from + at}`, username: `press-${from + at}`, kind: 'new' },
      ...{
        pairingId: null,
        source: null,
        contested: false,
        requestedAt: '2026-11-23T10:00:00.000Z',
      },
    }));
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(200);
    if (request.method === 'POST') {
      const { ids } = JSON.parse(Buffer.concat(chunks).toString());
      bulks.push(ids.length);
      const results = ids.map((requestId: string) => ({ requestId, status: 'granted' }));
      return void response.end(JSON.stringify({ results }));
    }
    const isFirst = !request.url?.includes('cursor=');
    const page = isFirst
      ? { items: items(0, 1_000), nextCursor: 'more' }
      : {
          items: [...items(1_000, 1_500), { requestId: 'x', username: 'other' }],
          nextCursor: null,
        };
    response.end(JSON.stringify(page));
  };
  const { exitCode, stdout } = await against(listener, 'grant', 'press-*', '--yes');
  assert.is(exitCode, 0);
  assert.equal(bulks, [1_000, 500]);
  assert.match(stdout, 'Granted 1500: press-0 press-1 ');
  assert.match(stdout, '… 1488 more\n');
});

test('one name that is refused does not stop the others', async ({ against }) => {
  const listener: RequestListener = (request, response) => {
    const q = new URL(request.url ?? '', 'http://a').searchParams.get('q');
    const known = { requestId: 'r', username: 'b', kind: 'new', decision: null };
    response.writeHead(200);
    const items = q === 'b' ? [known] : [];
    response.end(JSON.stringify(request.method === 'POST' ? known : { items, nextCursor: null }));
  };
  const { exitCode, stdout, stderr } = await against(listener, 'deny', 'a', 'b');
  assert.is(exitCode, 3);
  assert.match(stderr, 'There is no request of a.');
  assert.match(stdout, 'Denied b.');
});

test.run();
