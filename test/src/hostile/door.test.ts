/** One fate after the other at a hostile door: what a device sees, and what was really done. */
import { once } from 'node:events';
import { createServer, type RequestListener, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pending } from '../../../src/api/output.ts';
import { hostileDoor } from '../../../src/hostile/door.ts';
import type { DoorFate } from '../../../src/hostile/fates.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('hostile door');
const registerPath = '/api/client-registry/register';
const plain: DoorFate = { what: 'heard', delayMs: 0, retryAfter: null, skewMs: 0 };
const nowMs = Date.parse('2026-11-29T10:00:00.000Z');
const password = 'a secret of the device';

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** The answer did not come to its end. */
  readonly isCut: boolean;
}

/** What a device sees of one question that has this fate. */
async function seen(fate: Partial<DoorFate>, inner: RequestListener, path = registerPath) {
  const slept: number[] = [];
  const time = { nowMs: () => nowMs, sleep: async (ms: number) => void slept.push(ms) };
  let heard = 0;
  const serve: RequestListener = (request, response) => {
    heard++;
    inner(request, response);
  };
  const through = hostileDoor('7', () => ({ door: () => ({ ...plain, ...fate }) }), time);
  const server = createServer(through(serve));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const body = JSON.stringify({ username: 'press-17', password });
  const asking = send({ port, path, method: 'POST', agent: false });
  const answer = await new Promise<Seen>((resolve) => {
    let text = '';
    asking.once('error', () => resolve({ status: 0, headers: {}, body: '', isCut: true }));
    asking.once('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      const told = { status, headers: headers as Seen['headers'] };
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => resolve({ ...told, body: text, isCut: false }));
      response.once('error', () => resolve({ ...told, body: text, isCut: true }));
    });
    asking.end(body);
  });
  server.closeAllConnections();
  server.close();
  return { ...answer, heard, slept };
}

/** As the registry answers its hot routes, and as Koa answers the others. */
const expiresAt = '2026-11-30T10:00:00.000Z';
const text = JSON.stringify({ status: 'pending', expiresAt });
const directly: RequestListener = (_request, response) => {
  const length = ['Content-Length', String(text.length)];
  response.writeHead(202, ['Content-Type', 'application/json', 'Retry-After', '5', ...length]);
  response.end(text);
};
const byKoa: RequestListener = (_request, response) => {
  response.statusCode = 202;
  response.setHeader('Retry-After', '5');
  response.end(text);
};

test('what is heard is answered as it is, with another clock and another time to come back', async () => {
  for (const inner of [directly, byKoa]) {
    const skewMs = -3_600_000;
    const retryAfter = { seconds: 90, isDate: true };
    const { status, headers, body, heard } = await seen({ skewMs, retryAfter }, inner);
    assert.equal([status, heard], [202, 1]);
    assert.is(headers['gatebook-hostile'], '7');
    assert.is(headers.date, 'Sun, 29 Nov 2026 09:00:00 GMT');
    assert.is(headers['retry-after'], 'Sun, 29 Nov 2026 09:01:30 GMT');
    assert.is(JSON.parse(body).expiresAt, '2026-11-30T09:00:00.000Z');
    const inSeconds = await seen({ retryAfter: { seconds: 7, isDate: false } }, inner);
    assert.is(inSeconds.headers['retry-after'], '7');
    assert.is((await seen({}, inner)).headers['retry-after'], undefined);
  }
});

test('a connection is cut before anything was done, or after, in the middle of the answer', async () => {
  const cut = await seen({ what: 'cut' }, directly);
  assert.equal([cut.isCut, cut.status, cut.heard], [true, 0, 0]);
  for (const inner of [directly, byKoa]) {
    const off = await seen({ what: 'broken-off' }, inner);
    assert.equal([off.isCut, off.heard], [true, 1]);
    assert.ok(off.body.length < text.length);
  }
});

test('it dawdles', async () => {
  assert.equal((await seen({ delayMs: 60_000 }, directly)).slept, [60_000]);
});

test('a code of the registry is told without hearing', async () => {
  for (const [what, status] of [
    ['registry-locked', 423],
    ['source-throttled', 429],
    ['stopping', 503],
    ['internal-error', 500],
  ] as const) {
    const retryAfter = { seconds: 3, isDate: false };
    const told = await seen({ what, retryAfter }, directly);
    assert.equal([told.status, told.heard, JSON.parse(told.body).code], [status, 0, what]);
    assert.is(told.headers['retry-after'], '3');
    assert.is(told.headers['content-type'], 'application/problem+json');
  }
});

test('a request that nobody made has the shape of one, and repeats no password', async () => {
  const { status, body, heard } = await seen({ what: 'made-up' }, directly);
  assert.equal([status, heard], [202, 0]);
  assert.is(Pending.parse(JSON.parse(body)).username, 'press-17');
  assert.not.match(body, password);
  const poll = await seen({ what: 'made-up' }, directly, '/api/client-registry/requests/self');
  assert.equal([poll.status, poll.heard], [423, 0]);
});

test('people, and what EST says of waiting, are left alone', async () => {
  const page = await seen({ what: 'cut' }, byKoa, '/api/client-registry/requests');
  assert.equal([page.status, page.heard, page.headers['retry-after']], [202, 1, '5']);
  const est = '/.well-known/est/simpleenroll';
  assert.is((await seen({ what: 'registry-locked' }, byKoa, est)).heard, 1);
  assert.ok((await seen({ what: 'cut' }, byKoa, est)).isCut);
});

test.run();
