/** One answer for each request, whatever becomes of its body: bytes on the wire, and everything that comes back. */
import { connect } from 'node:net';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ registry: World }>('http: one answer');
test.before(async (world) => {
  world.registry = await startRegistry();
});
test.after(({ registry }) => registry.stop());

interface Seen {
  readonly statuses: readonly number[];
  readonly text: string;
}

/** Sends each part when something came back on the one before, and takes everything until the connection ends. */
function everything({ url }: World, parts: readonly string[], ends = false): Promise<Seen> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const left = [...parts];
  let text = '';
  const next = () => {
    const part = left.shift();
    if (part !== undefined) socket.write(part);
    if (ends && left.length === 0) socket.end();
  };
  return new Promise((resolve) => {
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
      next();
    });
    socket.on('error', () => undefined);
    socket.on('close', () =>
      resolve({
        text,
        statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
      }),
    );
    next();
  });
}

const head = (path: string, ...fields: readonly string[]) =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n');
const json = 'Content-Type: application/json';
const chunked = 'Transfer-Encoding: chunked';
const follower = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const badChunk = `zz\r\n{}\r\n0\r\n\r\n${follower}`;

for (const [status, path, ...fields] of [
  [401, '/api/users', json],
  [413, '/api/login', json],
  [415, '/api/login', 'Content-Type: text/plain'],
  [415, '/api/client-registry/register', 'Content-Encoding: br'],
  [404, '/api/nowhere', json],
  [404, '/.well-known/est/simpleenroll'],
  [405, '/api/whoami', json],
] as const) {
  const refused = [...fields, status === 413 ? 'Content-Length: 70000' : chunked];
  test(`${path} refused with ${status} by its head has one answer when its body breaks`, async ({
    registry,
  }) => {
    if (status !== 413) {
      const seen = await everything(registry, [head(path, ...refused), badChunk]);
      assert.equal(seen.statuses, [status], seen.text);
    }
    const ended = await everything(registry, [head(path, ...refused), '2\r\n'], true);
    assert.equal(ended.statuses, [status], ended.text);
  });
}

for (const [what, part, ends] of [
  ['has a chunk without a length', badChunk, false],
  ['ends too early', '2\r\n{', true],
] as const)
  for (const path of ['/api/login', '/api/users'])
    test(`a body at ${path} that ${what} is 400, once`, async ({ registry }) => {
      const token = `Authorization: Bearer ${registry.token}`;
      const request = head(path, json, chunked, token) + part;
      const seen = await everything(registry, [request], ends);
      assert.equal(seen.statuses, [400], seen.text);
      assert.match(seen.text, /connection: close/i);
      assert.match(seen.text, '"code":"request-malformed"');
    });

test('what is no request is refused after the answers to those before it', async ({ registry }) => {
  const polled = `GET /api/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${registry.token}\r\n\r\n`;
  const seen = await everything(registry, [`${polled}${polled}garbage\r\n\r\n${follower}`]);
  assert.equal(seen.statuses, [200, 200, 400], seen.text);
  assert.match(seen.text, '"code":"request-malformed"');
});

test('a tunnel is refused once, after the answers to what was asked before', async ({
  registry,
}) => {
  const tunnel = 'CONNECT there:1 HTTP/1.1\r\nHost: there:1\r\n\r\n';
  const asked = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (const before of [0, 1, 40]) {
    const seen = await everything(registry, [asked.repeat(before) + tunnel + follower]);
    assert.equal(seen.statuses, [...Array(before).fill(200), 400], seen.text);
    assert.match(seen.text, /connection: close/i);
    assert.match(seen.text, '"code":"request-malformed"');
  }
});

for (const offered of ['websocket', 'h2c'])
  for (const [path, ...content] of [['/healthz'], ['/api/login', json, 'Content-Length: 2']])
    test(`${path} with an offer of ${offered} is answered, and nothing after it is a request`, async ({
      registry,
    }) => {
      const fields = ['Connection: Upgrade', `Upgrade: ${offered}`, ...content];
      const isRead = content.length === 0;
      const asked = isRead
        ? head(path as string, ...fields).replace('POST', 'GET')
        : `${head(path as string, ...fields)}{}`;
      // In the same piece, and in one of its own.
      for (const parts of [[asked + follower + follower], [asked, follower]]) {
        const seen = await everything(registry, parts);
        assert.equal(seen.statuses, [isRead ? 200 : 400], seen.text);
        assert.match(seen.text, /connection: close/i);
      }
    });

test('an expectation that is not known is refused once', async ({ registry }) => {
  const request = head('/api/login', json, chunked, 'Expect: the-unexpected');
  const seen = await everything(registry, [request, badChunk]);
  assert.equal(seen.statuses, [417], seen.text);
});

// ── Where a request ends. ────────────────────────────────────────────────────────────────────────

const body = '2\r\n{}\r\n0\r\n\r\n';
for (const [status, ...fields] of [
  [501, 'Transfer-Encoding: gzip, chunked'],
  [501, 'Transfer-Encoding: gzip', chunked],
  [501, 'Transfer-Encoding: identity, chunked'],
  [501, 'Transfer-Encoding: , chunked'],
  [501, 'Transfer-Encoding: gzip'],
  [501, 'Transfer-Encoding: identity'],
  [501, 'Transfer-Encoding: "chunked"'],
  [400, 'Transfer-Encoding: chunked, chunked'],
  [400, 'Transfer-Encoding: chunked, identity'],
  [400, chunked, chunked],
  [400, chunked, 'Transfer-Encoding: identity'],
  [400, chunked, 'Content-Length: 2'],
  [400, 'Content-Length: 2', chunked],
  [400, 'Content-Length: 2', 'Content-Length: 2'],
] as const)
  for (const path of ['/api/login', '/api/nowhere', '/.well-known/est/simpleenroll'])
    test(`${fields.join(' and ')} at ${path} is ${status}, and nothing after it is a request`, async ({
      registry,
    }) => {
      const request = head(path, json, ...fields) + body + follower;
      const seen = await everything(registry, [request]);
      assert.equal(seen.statuses, [status], seen.text);
      assert.match(seen.text, /connection: close/i);
      const code = status === 501 ? 'transfer-coding-unsupported' : 'request-malformed';
      if (!path.includes('est')) assert.match(seen.text, `"code":"${code}"`);
    });

test('chunks of HTTP/1.0 are no body', async ({ registry }) => {
  const request = head('/api/login', json, chunked, 'Connection: keep-alive');
  const seen = await everything(registry, [request.replace('/1.1', '/1.0') + body + follower]);
  assert.equal(seen.statuses, [400], seen.text);
  assert.match(seen.text, '"parameter":"Transfer-Encoding"');
});

test('chunks in any case of letters are a body, and the connection stays', async ({ registry }) => {
  const request = head('/api/login', json, 'transfer-encoding: CHUNKED') + body + follower;
  const seen = await everything(registry, [request]);
  assert.equal(seen.statuses, [400, 200], seen.text);
  assert.match(seen.text, '#/username');
});

test.run();
