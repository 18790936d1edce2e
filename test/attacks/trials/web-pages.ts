/** What a page of another site makes the administrator's browser send, and what a forger makes of his token: all refused. */
import { request } from 'node:http';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import { adminPassword } from '../../support/service.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

type Headers = Readonly<Record<string, string>>;
interface Try {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body?: string;
}

/** The status alone; 101 where a WebSocket was opened. */
const statusOf = (url: string, { method = 'GET', path, headers, body }: Try): Promise<number> =>
  new Promise((resolve, reject) => {
    request(`${url}${path}`, { method, headers, setHost: headers.Host === undefined })
      .on('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode ?? 0);
      })
      .on('response', (answer) => resolve(answer.resume().statusCode ?? 0))
      .on('error', reject)
      .end(body);
  });

const evil = 'https://evil.example';
const json = { 'Content-Type': 'application/json' };
const upgrade = {
  ...{ Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' },
  ...{ 'Sec-WebSocket-Protocol': 'mqtt', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
};

/** With the session's cookie, as a browser would send it for another site were it not for SameSite. */
function forged(cookie: string): Try[] {
  const unlock = { method: 'POST', path: '/api/client-registry/unlock', body: '{}' };
  const origins: readonly Headers[] = [
    {},
    { Origin: evil },
    { Origin: 'null' },
    { Origin: evil, 'Sec-Fetch-Site': 'cross-site' },
    { Referer: `${evil}/` },
  ];
  return [
    ...origins.flatMap((origin) => [
      {
        ...unlock,
        what: 'a command by the cookie',
        headers: { ...json, ...origin, Cookie: cookie },
      },
      ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'].map(
        (type) => ({
          ...{ ...unlock, what: `a form of ${type}` },
          headers: { ...origin, 'Content-Type': type, Cookie: cookie },
        }),
      ),
      ...['/api/whoami', '/api/users', '/api/audit/export', '/api/events'].map((path) => ({
        ...{ what: 'a read by the cookie', path, headers: { ...origin, Cookie: cookie } },
      })),
      {
        what: 'a sign-out',
        method: 'DELETE',
        path: '/page/session',
        headers: { ...origin, Cookie: cookie },
      },
    ]),
    ...['text/plain', 'application/x-www-form-urlencoded'].map((type) => ({
      ...{ what: `a sign-in by ${type}`, method: 'POST', path: '/page/session' },
      ...{ headers: { Origin: evil, 'Content-Type': type } },
      body: JSON.stringify({ username: 'admin', password: adminPassword }),
    })),
    ...['OPTIONS', 'TRACE', 'PUT'].map((method) => ({
      ...{
        what: `a preflight or odd method ${method}`,
        method,
        path: '/api/client-registry/unlock',
      },
      headers: { Origin: evil, 'Access-Control-Request-Method': 'POST', Cookie: cookie },
    })),
  ];
}

/** Made of a good token, none of them one. */
function tampered(token: string): string[] {
  const [version = '', purpose = '', payload = '', footer = ''] = token.split('.');
  const flipped = Buffer.from(payload, 'base64url');
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const footers = ['{"kid":"../../etc/passwd"}', '{"kid":"__proto__"}', '{}', '[]', ''];
  return [
    [version, purpose, flipped.toString('base64url'), footer],
    [version, purpose, payload],
    [version, 'local', payload, footer],
    ['v3', purpose, payload, footer],
    [version, purpose, Buffer.from('{"sub":"admin"}').toString('base64url'), footer],
    [version, purpose, payload, footer, ''],
    ...footers.map((text) => [version, purpose, payload, Buffer.from(text).toString('base64url')]),
  ].map((parts) => parts.join('.'));
}

const wanted = (found: number, name: string): string | undefined =>
  found >= 400 && found < 500 ? undefined : `${name}: ${found}`;

async function tried(
  served: Served,
  webSocket: string,
): Promise<{ count: number; violations: string[] }> {
  const { url } = served;
  const signedIn = await fetch(`${url}/page/session`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const token = cookie.slice(cookie.indexOf('=') + 1);
  const own = { what: '', path: '/api/whoami', headers: { Authorization: `Bearer ${token}` } };
  const page = { ...own, headers: { Cookie: cookie, 'Gatebook-Page': '1' } };
  const known = await Promise.all([statusOf(url, own), statusOf(url, page)]);
  const violations = known.every((status) => status === 200) ? [] : [`the owner is told ${known}`];
  const at = (socket: boolean) => (socket ? webSocket : url);
  const rebound = [
    evil.slice(8),
    '127.0.0.1.nip.io',
    'localhost.evil.example',
    'localhost@evil.example',
  ];
  const tries: (Try & { socket?: boolean })[] = [
    ...forged(cookie),
    ...tampered(token).map((bad) => ({
      ...own,
      what: `the token ${bad}`,
      headers: { Authorization: `Bearer ${bad}` },
    })),
    ...rebound.map((Host) => ({
      ...own,
      what: `rebound as ${Host}`,
      headers: { ...own.headers, Host },
    })),
    ...['X-HTTP-Method-Override', 'X-Original-URL', 'X-Rewrite-URL'].map((name) => ({
      ...{
        what: name,
        path: '/api/nothing',
        headers: { ...own.headers, [name]: '/api/client-registry/unlock' },
      },
    })),
    ...[evil, 'null', 'http://203.0.113.5'].map((Origin) => ({
      ...{
        what: `a WebSocket of ${Origin}`,
        path: '/mqtt',
        socket: true,
        headers: { ...upgrade, Origin },
      },
    })),
    ...rebound.map((Host) => ({
      ...{
        what: `a WebSocket to ${Host}`,
        path: '/mqtt',
        socket: true,
        headers: { ...upgrade, Host },
      },
    })),
  ];
  for (const one of tries) {
    const found = wanted(await statusOf(at(one.socket === true), one), `${one.what}, ${one.path}`);
    if (found !== undefined) violations.push(found);
  }
  return { count: tries.length, violations };
}

async function run(_given: Given): Promise<Told> {
  const dataDir = await newFolder();
  try {
    const served = await serve(dataDir, { GATEBOOK_LOG_LEVEL: 'error' });
    const ready = served.output.out.split('\n').find((line) => line.includes('"msg":"ready"'));
    const { ws } = JSON.parse(ready ?? '{}') as { ws: string };
    const { count, violations } = await tried(served, `http://${new URL(ws).host}`);
    const page = await fetch(`${served.url}/`);
    if (!/frame-ancestors 'none'/.test(page.headers.get('content-security-policy') ?? ''))
      violations.push('the page may be framed');
    if (page.headers.has('access-control-allow-origin')) violations.push('other sites may read');
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
    return { rounds: count, figures: 'cookies, forms, tokens, host names, WebSockets', violations };
  } finally {
    await removeFolder(dataDir);
  }
}

export const webPages: Trial = { name: 'pages', title: 'pages of other sites, and forgers', run };
