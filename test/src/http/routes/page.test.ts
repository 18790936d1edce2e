import { request } from 'node:http';
import { adminPassword } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running } from '../running-service.ts';

const test = suite<{ gatebook: Running }>('http page');
test.before(async (world) => {
  world.gatebook = await running();
});
test.after(({ gatebook }) => gatebook.stop());

const page = { 'Gatebook-Page': '1' };
const signIn = ({ call }: Running, password = adminPassword) =>
  call('POST', '/page/session', { body: { username: 'admin', password } });
const cookieOf = (headers: Headers) => (headers.get('set-cookie') ?? '').split(';')[0] ?? '';

test('the document allows scripts and styles of its own, inline ones never', async ({
  gatebook,
}) => {
  const { headers, text } = await gatebook.call('GET', '/');
  const policy = headers.get('content-security-policy') ?? '';
  assert.match(policy, "script-src 'self'");
  assert.match(policy, "connect-src 'self'");
  assert.not.match(policy, 'unsafe');
  assert.not.match(text, /<script(?![^>]*src=)/);
  assert.not.match(text, / style=|https?:\/\//);
});

test('every file that the page names is served, stripped of types, with an ETag', async ({
  gatebook,
}) => {
  const { text } = await gatebook.call('GET', '/');
  const named = [...text.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, path]) => path ?? '');
  assert.ok(named.includes('/page/main.js'));
  for (const path of new Set(named)) {
    const got = await gatebook.call('GET', path);
    assert.is(got.status, 200, path);
    const specifiers = [...got.text.matchAll(/^(?:import|export)\b[^'"\n]*from\s*['"]([^'"]+)/gm)];
    for (const [, specifier = ''] of path.endsWith('.js') ? specifiers : [])
      assert.ok(named.includes(`/page/${specifier.slice(2)}`), `${path} imports ${specifier}`);
    const etag = got.headers.get('etag') ?? '';
    const again = await fetch(gatebook.world.url + path, {
      headers: { 'If-None-Match': etag, 'Cache-Control': 'max-age=0' },
    });
    assert.is(again.status, 304, path);
  }
  assert.is((await gatebook.call('GET', '/page/nothing.js')).code, 'route-not-found');
  assert.is((await gatebook.call('GET', '/page/..%2F..%2Fpackage.json')).code, 'route-not-found');
});

test('the first view is under 100 KB compressed', async ({ gatebook }) => {
  const { text } = await gatebook.call('GET', '/');
  const named = [...text.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, path]) => path ?? '');
  let bytes = 0;
  for (const path of new Set(['/', ...named])) {
    const { headers, text: body } = await gatebook.call('GET', path, {
      headers: { 'Accept-Encoding': 'br' },
    });
    assert.is(headers.get('content-encoding'), 'br', path);
    assert.ok(body.length > 0);
    bytes += Number(headers.get('content-length'));
  }
  assert.ok(bytes > 1_000 && bytes < 100_000, `${bytes} bytes`);
});

test('a session is a cookie that no script reads, and no token is answered', async ({
  gatebook,
}) => {
  const { status, headers, body } = await signIn(gatebook);
  assert.is(status, 200);
  assert.is(body.token, undefined);
  const cookie = headers.get('set-cookie') ?? '';
  for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Expires='])
    assert.match(cookie, part);
  const sent = { Cookie: cookieOf(headers), ...page };
  const me = await gatebook.call('GET', '/api/whoami', { headers: sent });
  assert.is(me.body.username, 'admin');
  const out = await gatebook.call('DELETE', '/page/session', { headers: sent });
  assert.is(out.status, 204);
  assert.match(out.headers.get('set-cookie') ?? '', '1970');
  assert.is((await gatebook.call('GET', '/api/whoami', { headers: sent })).code, 'token-invalid');
});

test('the cookie alone opens nothing: another site cannot send the header', async ({
  gatebook,
}) => {
  const cookie = cookieOf((await signIn(gatebook)).headers);
  const Cookie = { Cookie: cookie };
  for (const [method, path] of [
    ['GET', '/api/whoami'],
    ['POST', '/api/client-registry/unlock'],
    ['DELETE', '/page/session'],
    ['GET', '/api/events'],
  ] as const)
    assert.is((await gatebook.call(method, path, { headers: Cookie })).code, 'token-missing', path);
  const preflight = await fetch(`${gatebook.world.url}/api/whoami`, {
    method: 'OPTIONS',
    headers: { Origin: 'http://evil.example', 'Access-Control-Request-Headers': 'gatebook-page' },
  });
  assert.is(preflight.headers.get('access-control-allow-origin'), null);
});

test('a link of the page’s own shows a document; any other way the cookie alone does not', async ({
  gatebook,
}) => {
  const Cookie = cookieOf((await signIn(gatebook)).headers);
  // Fetch forbids scripts these headers, which is the point; a client of our own may send any.
  const asked = (method: string, path: string, marks: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      request(gatebook.world.url + path, { method, headers: { Cookie, ...marks } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  const link = {
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
  assert.is(await asked('GET', '/api/whoami', link), 200);
  for (const other of [
    { ...link, 'Sec-Fetch-Site': 'cross-site' },
    { ...link, 'Sec-Fetch-Site': 'same-site' },
    { ...link, 'Sec-Fetch-Site': 'none' },
    { ...link, 'Sec-Fetch-Mode': 'cors' },
    { ...link, 'Sec-Fetch-Dest': 'iframe' },
  ])
    assert.is(await asked('GET', '/api/whoami', other), 401, JSON.stringify(other));
  assert.is(await asked('POST', '/api/client-registry/lock', link), 401, 'nothing is done by it');
});

test('a wrong password opens no session and sets no cookie', async ({ gatebook }) => {
  const { code, headers } = await signIn(gatebook, 'wrong');
  assert.is(code, 'credentials-invalid');
  assert.is(headers.get('set-cookie'), null);
});

test.run();
