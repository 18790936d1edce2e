import { z } from 'zod';
import { ok, type Route, route } from '../../../../src/http/route.ts';
import {
  bodyBytesMax,
  bodyDepthMax,
  bodyItemsMax,
  bodyKeysMax,
  bodyValuesMax,
} from '../../../../src/limits/http.ts';
import { assert, suite } from '../../../support/suite.ts';
import { problemOf, raw, type Shell, shell, until } from '../listening-application.ts';

const echo: Route = route({
  method: 'POST',
  path: '/echo',
  group: 'Test',
  operationId: 'echo',
  summary: 'Echo',
  access: 'open',
  body: z.looseObject({}),
  answers: { 200: { description: 'What was sent.' } },
  handle: ({ body }) => ok(body),
});

const test = suite<{ service: Shell }>('http body');
test.before(async (world) => {
  world.service = await shell([echo], { edge: { bodyTimeoutMs: 150 } });
});
test.after(({ service }) => service.stop());

const json = 'application/json';
const post = (
  { url }: Shell,
  body: string | Buffer<ArrayBuffer> | null,
  headers: Record<string, string> = { 'Content-Type': json },
) => fetch(`${url}/echo`, { method: 'POST', body, headers });

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
/** JSON of exactly so many bytes. */
const sized = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;

const keyed = (keys: number, value = '0') =>
  `{${Array.from({ length: keys }, (_, at) => `"k${at}":${value}`).join(',')}}`;
const listed = (items: number, item = '0') => `[${Array(items).fill(item).join(',')}]`;

for (const [what, body, headers, answer] of [
  ['an object', '{"a":1}', { 'Content-Type': json }, { a: 1 }],
  ['a charset', '{"a":1}', { 'Content-Type': 'application/json; charset=UTF-8' }, { a: 1 }],
  ['identity', '{}', { 'Content-Type': json, 'Content-Encoding': 'identity' }, {}],
  ['no body', null, {}, {}],
  ['an empty body of any type', '', { 'Content-Type': 'text/plain' }, {}],
  ['the deepest body', nested(bodyDepthMax), { 'Content-Type': json }, undefined],
  ['an object of the most keys', keyed(bodyKeysMax), { 'Content-Type': json }, undefined],
  ['the longest list', `{"a":${listed(bodyItemsMax)}}`, { 'Content-Type': json }, undefined],
  ['a text of commas', `{"a":"${',{['.repeat(20_000)}\\",,"}`, { 'Content-Type': json }, undefined],
] as [string, string | null, Record<string, string>, unknown][]) {
  test(`${what} is taken`, async ({ service }) => {
    const response = await post(service, body, headers);
    assert.is(response.status, 200);
    const found = await response.json();
    if (answer !== undefined) assert.equal(found, answer);
  });
}

for (const [what, body] of [
  ['no JSON', '{"a":'],
  ['blanks', '  '],
  ['two values', '{}{}'],
  ['Latin-1', Buffer.from('{"a":"\xe4"}', 'latin1')],
  ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['one level too many', nested(bodyDepthMax + 1)],
  ['thousands of levels', '['.repeat(30_000) + ']'.repeat(30_000)],
  ['a list', '[]'],
  ['null', 'null'],
  ['text', '"a"'],
] as const) {
  test(`${what} is 400 at the body itself`, async ({ service }) => {
    const response = await post(service, body);
    assert.is(response.status, 400);
    assert.is(response.headers.get('content-type'), 'application/problem+json');
    const { code, places } = await problemOf(response);
    assert.is(code, 'request-malformed');
    assert.equal(places, ['#']);
  });
}

for (const [what, headers] of [
  ['no type', {}],
  ['text', { 'Content-Type': 'text/plain' }],
  ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
  ['another charset', { 'Content-Type': 'application/json; charset=latin1' }],
  ['gzip', { 'Content-Type': json, 'Content-Encoding': 'gzip' }],
  ['a longer type', { 'Content-Type': 'application/json-patch+json' }],
] as [string, Record<string, string>][]) {
  test(`${what} is 415`, async ({ service }) => {
    // Bytes, for which fetch adds no type of its own.
    const response = await post(service, Buffer.from('{}'), headers);
    assert.is(response.status, 415);
    assert.is((await problemOf(response)).code, 'media-type-unsupported');
  });
}

for (const [what, body, detail] of [
  ['too many keys', keyed(bodyKeysMax + 1), /one object has more than 64 keys/],
  ['too many keys within', `{"a":[${keyed(6_000)}]}`, /one object has more than 64 keys/],
  ['too many items', `{"a":${listed(bodyItemsMax + 1)}}`, /more than 1024 items/],
  ['too many values', keyed(8, listed(bodyValuesMax / 8)), /more than 4096 values/],
  ['too many keys and an end that is missing', keyed(6_000).slice(0, -1), /more than 64 keys/],
] as const) {
  test(`${what}: the body is refused before it is read any further`, async ({ service }) => {
    const response = await post(service, body);
    assert.is(response.status, 400);
    const problem = await problemOf(response);
    assert.equal([problem.code, problem.places], ['request-malformed', ['#']]);
    assert.match(problem.detail, detail);
  });
}

test('64 KiB are taken, one byte more is 413', async ({ service }) => {
  assert.is((await post(service, sized(bodyBytesMax))).status, 200);
  const response = await post(service, sized(bodyBytesMax + 1));
  assert.is(response.status, 413);
  assert.is((await problemOf(response)).code, 'body-too-large');
});

const head = (...fields: string[]) =>
  ['POST /echo HTTP/1.1', 'Host: x', `Content-Type: ${json}`, ...fields, '', ''].join('\r\n');

test('a length beyond the limit is 413 before any byte of it', async ({ service }) => {
  const { status } = await raw(service.listener, [head('Content-Length: 10000000')]);
  assert.is(status, 413);
});

const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;

test('a chunked body beyond the limit is 413, and the connection goes on', async ({ service }) => {
  const bytes = head('Transfer-Encoding: chunked') + chunk.repeat(3);
  const answer = await raw(service.listener, [`${bytes}0\r\n\r\n`]);
  assert.is(answer.status, 413);
  assert.match(answer.headers, /connection: keep-alive/i);
});

test('a chunked body that never ends is 413 and then closed', async ({ service }) => {
  const answer = await raw(service.listener, [head('Transfer-Encoding: chunked'), chunk.repeat(3)]);
  assert.is(answer.status, 413);
  await until(answer.isClosed);
});

test('an empty chunked body is none', async ({ service }) => {
  const { status, body } = await raw(service.listener, [
    'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ]);
  assert.is(status, 200);
  assert.is(body, '{}');
});

test('who asks first is told to go on only when the body is wanted', async ({ service }) => {
  const wanted = head('Content-Length: 2', 'Expect: 100-continue');
  assert.is((await raw(service.listener, [wanted, '{}'])).status, 200);
  const unwanted = head('Content-Length: 70000', 'Expect: 100-continue');
  assert.is((await raw(service.listener, [unwanted])).status, 413);
});

test('a slow body is refused', async ({ service }) => {
  const { status, body } = await raw(service.listener, [head('Content-Length: 20'), '{"a":']);
  assert.is(status, 400);
  assert.match(body, /did not arrive/);
});

test.run();
