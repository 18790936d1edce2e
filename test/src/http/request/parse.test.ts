import fc from 'fast-check';
import { z } from 'zod';
import {
  allOf,
  parsedBody,
  parsedParams,
  parsedQuery,
  pointerTo,
  received,
} from '../../../../src/http/request/parse.ts';
import { Problem } from '../../../../src/http/response/problem.ts';
import { faultsNamedMax, queryParametersMax } from '../../../../src/limits/http.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http received');

const Body = z.strictObject({
  username: z.string().regex(/^[a-z]+$/, { message: 'must be of a-z' }),
  password: z.string().min(5).max(10).optional(),
  count: z.int().min(1).max(9).optional(),
  ids: z.array(z.uuid()).min(1).max(2).optional(),
  kind: z.enum(['new', 'old']).optional(),
  context: z.record(z.string().max(3), z.string()).optional(),
  inner: z.strictObject({ a: z.boolean() }).optional(),
  confirmed: z.boolean().optional(),
});

const faultsOf = (body: unknown) =>
  (parsedBody(Body, body).faults ?? []).map((fault) =>
    'pointer' in fault ? [fault.pointer, fault.detail] : [],
  );

for (const [what, body, ...faults] of [
  ['nothing', {}, ['#/username', 'username is missing: it must be text.']],
  ['a wrong type', { username: 1 }, ['#/username', 'username must be text.']],
  ['a format', { username: 'A' }, ['#/username', 'username must be of a-z.']],
  [
    'a short text',
    { username: 'a', password: 'x' },
    ['#/password', 'password must be at least 5 characters long.'],
  ],
  [
    'a long text',
    { username: 'a', password: 'x'.repeat(11) },
    ['#/password', 'password must be at most 10 characters long.'],
  ],
  ['a fraction', { username: 'a', count: 1.5 }, ['#/count', 'count must be a whole number.']],
  ['a large number', { username: 'a', count: 10 }, ['#/count', 'count must be at most 9.']],
  ['no items', { username: 'a', ids: [] }, ['#/ids', 'ids must have at least 1 item.']],
  ['a wrong item', { username: 'a', ids: ['x'] }, ['#/ids/0', 'ids[0] must be a UUID.']],
  ['another word', { username: 'a', kind: 'x' }, ['#/kind', 'kind must be one of: new, old.']],
  [
    'a wrong key',
    { username: 'a', context: { abcd: '' } },
    ['#/context/abcd', 'context.abcd has a key that must be at most 3 characters long.'],
  ],
  [
    'an inner field',
    { username: 'a', inner: {} },
    ['#/inner/a', 'inner.a is missing: it must be true or false.'],
  ],
  [
    'an inner unknown key',
    { username: 'a', inner: { a: true, b: 1 } },
    ['#/inner/b', 'inner.b is not known here: leave it out.'],
  ],
  ['a list as body', [], ['#', 'The body must be an object.']],
] as [string, unknown, ...[string, string][]][]) {
  test(`${what} is named`, () => assert.equal(faultsOf(body), faults));
}

test('every fault is named at once, each unknown key by itself', () =>
  assert.equal(
    faultsOf({ username: 1, count: 'x', one: 1, two: 2 }).map(([place]) => place),
    ['#/username', '#/count', '#/one', '#/two'],
  ));

test('keys that reach behind an object are unknown keys, and nothing is assigned', () => {
  const body = JSON.parse(
    '{"username":"a","__proto__":{"confirmed":true},"constructor":1,"context":{"__proto__":"x"}}',
  );
  assert.equal(
    faultsOf(body).map(([place]) => place),
    ['#/__proto__', '#/constructor', '#/context/__proto__'],
  );
  assert.is(({} as { confirmed?: boolean }).confirmed, undefined);
});

test('so many faults are named, not more', () => {
  const body = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n]));
  assert.is(faultsOf(body).length, faultsNamedMax);
  const query = Array.from({ length: 40 }, (_, n) => `k${n}`).join('&');
  try {
    allOf(parsedBody(Body, body), parsedQuery(z.strictObject({}), query));
    assert.unreachable();
  } catch (error) {
    const { document } = error as Problem;
    assert.is(document.errors?.length, faultsNamedMax);
    assert.is(document.detail, `341 things are wrong: errors names the first ${faultsNamedMax}.`);
  }
});

test('a query of too many parameters is read no further', () => {
  const query = Array.from({ length: queryParametersMax + 1 }, (_, n) => `k${n}`).join('&');
  assert.equal(parsedQuery(z.strictObject({}), query).faults, [
    { parameter: 'query', detail: `The query has more than ${queryParametersMax} parameters.` },
  ]);
});

test('a pointer is escaped as RFC 6901 says for URI fragments', () => {
  assert.is(pointerTo([]), '#');
  assert.is(
    pointerTo(['a/b', 'm~n', 'c d', 'x#y', 0, 'k"l', '%']),
    '#/a~1b/m~0n/c%20d/x%23y/0/k%22l/%25',
  );
  assert.is(pointerTo(['\ud800']), '#/%EF%BF%BD');
});

test('no fault repeats a value', () =>
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Z]{12,40}$/),
      fc.constantFrom('username', 'password', 'kind', 'ids', 'count', 'confirmed', 'inner'),
      (secret, field) => {
        for (const value of [secret, [secret], { a: secret }]) {
          const told = JSON.stringify(faultsOf({ username: 'a', [field]: value }));
          assert.ok(told !== '[]');
          assert.not.ok(told.includes(secret), told);
        }
      },
    ),
  ));

test('what was received is the parsed value, or a problem with the first fault as detail', () => {
  assert.equal(received(Body, { username: 'a' }), { username: 'a' });
  try {
    received(Body, {});
    assert.unreachable();
  } catch (error) {
    assert.instance(error, Problem);
    assert.is((error as Problem).document.detail, 'username is missing: it must be text.');
  }
});

const Query = z.strictObject({ limit: z.string().max(2).optional(), q: z.string().optional() });

for (const [query, answer] of [
  ['', {}],
  ['limit=5', { limit: '5' }],
  ['limit=5&q=', { limit: '5', q: '' }],
  ['q=a+b%20c%2B', { q: 'a b c+' }],
  ['q=%E4%BD%A0', { q: '你' }],
  ['q', { q: '' }],
  ['q=a=b', { q: 'a=b' }],
  ['limit=500', ['limit']],
  ['limit=1&limit=2', ['limit']],
  ['Limit=1', ['Limit']],
  ['x=1&y=2', ['x', 'y']],
  ['__proto__=1', ['__proto__']],
  ['constructor=1', ['constructor']],
  ['q=%ff', ['q']],
  ['q=%', ['q']],
  ['%ff=1', ['query']],
  ['&', {}],
  ['=1', ['']],
] as [string, Record<string, string> | string[]][]) {
  test(`the query "${query}" is ${Array.isArray(answer) ? 'refused' : 'taken'}`, () => {
    const parsed = parsedQuery(Query, query);
    if (Array.isArray(answer))
      assert.equal(
        parsed.faults?.map((fault) => 'parameter' in fault && fault.parameter),
        answer,
      );
    else assert.equal('value' in parsed && { ...parsed.value }, answer);
  });
}

test('a path parameter is named by its own name', () => {
  const { faults } = parsedParams(z.strictObject({ id: z.uuid() }), { id: 'x' });
  assert.equal(faults, [{ parameter: 'id', detail: 'id must be a UUID.' }]);
});

test.run();
