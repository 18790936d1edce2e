import type { Context } from 'koa';
import { tokenOf } from '../../../../src/http/request/session-cookie.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http session cookie');

/** A request of the page's; koa's own cookies are out of reach, since they keep an expression for each name. */
const from = (host: string, cookie: string | undefined, isSecure = false): Context =>
  ({
    host,
    state: { isSecure },
    req: { headers: { 'gatebook-page': '1', ...(cookie === undefined ? {} : { cookie }) } },
    get cookies() {
      throw new Error('koa’s cookies grow with each port that somebody names');
    },
  }) as never;

for (const [cookie, token] of [
  ['gatebook-8080=abc', 'abc'],
  ['a=b; gatebook-8080=abc; c=d', 'abc'],
  ['a=b;gatebook-8080=abc', 'abc'],
  ['gatebook-8080="abc"', 'abc'],
  ['gatebook-8080=a=b', 'a=b'],
  ['gatebook-8080=first; gatebook-8080=second', 'first'],
  ['xgatebook-8080=abc', null],
  ['a="gatebook-8080=abc"', null],
  ['gatebook-80800=abc', null],
  ['gatebook-8080=', null],
  ['gatebook-8080', null],
  ['', null],
  [undefined, null],
] as const)
  test(`"${cookie}" holds ${token}`, () =>
    assert.is(tokenOf(from('registry.example:8080', cookie)), token));

test('without a port the name says page', () =>
  assert.is(tokenOf(from('registry.example', 'gatebook-page=abc')), 'abc'));

test('over TLS the name is one that nobody else of the domain can set', () => {
  const cookie = 'gatebook-8443=planted; __Host-gatebook-8443=own';
  assert.is(tokenOf(from('registry.example:8443', cookie, true)), 'own');
  assert.is(tokenOf(from('registry.example:8443', 'gatebook-8443=planted', true)), null);
  assert.is(tokenOf(from('registry.example:8443', cookie)), 'planted');
});

test.run();
