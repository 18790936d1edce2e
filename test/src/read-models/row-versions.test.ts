import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { RowVersions } from '../../../src/read-models/row-versions.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('past table');

/** Tells of each change in a batch of its own, with the row that was before. */
function written<Row>(past: RowVersions<Row>) {
  const rows = new Map<string, Row | undefined>();
  return (key: string, row: Row | undefined, index: number) => {
    past.change(key, rows.get(key), row, index);
    rows.set(key, row);
    past.flush();
  };
}

/** Every row there was. */
const allOf = <Row>(past: RowVersions<Row>, size: number) =>
  [...past.steps(size)].flatMap(({ rows }) => rows);

test('each version is found between the events that made and changed it', () => {
  const past = new RowVersions<string>(new DatabaseSync(':memory:'), 'things');
  const change = written(past);
  change('a', 'one', 3);
  change('b', 'one', 4);
  change('a', 'two', 7);
  change('a', undefined, 9);
  // `size` counts events: with 4 of them, event 3 was the last.
  assert.equal(
    [3, 4, 7, 8, 9, 10].map((size) => past.get('a', size)),
    [undefined, 'one', 'one', 'two', 'two', undefined],
  );
  assert.equal(allOf(past, 7), [
    ['a', 'one'],
    ['b', 'one'],
  ]);
  assert.equal(allOf(past, 10), [['b', 'one']]);
  assert.equal(past.versions('a'), [
    { since: 3, until: 7, row: 'one' },
    { since: 7, until: 9, row: 'two' },
    { since: 9, until: null, row: undefined },
  ]);
  assert.equal(past.versions('nobody'), []);
});

test('what was undone is not taken for stored', () => {
  const database = new DatabaseSync(':memory:');
  const past = new RowVersions<string>(database, 'things');
  const change = written(past);
  change('a', 'one', 0);
  database.exec('BEGIN');
  change('b', 'two', 1);
  database.exec('ROLLBACK');
  past.abandon();
  written(past)('b', 'two', 1);
  change('c', 'three', 2);
  assert.equal(allOf(past, 3), [
    ['a', 'one'],
    ['b', 'two'],
    ['c', 'three'],
  ]);
});

test('many versions of one batch are all there, and what does not show is none', () => {
  const past = new RowVersions<string>(new DatabaseSync(':memory:'), 'things');
  past.change('a', undefined, 'one', 1);
  past.change('a', 'one', 'one', 2);
  past.change('a', 'one', 'two', 3);
  past.flush();
  past.change('a', 'two', 'two', 4);
  past.change('a', 'two', undefined, 5);
  past.change('b', undefined, undefined, 6);
  past.change('a', undefined, 'one', 7);
  assert.equal(
    [past.versions('a').length, past.get('a', 9)],
    [2, 'two'],
    'written when it is told',
  );
  past.flush();
  assert.equal(past.versions('a'), [
    { since: 1, until: 3, row: 'one' },
    { since: 3, until: 5, row: 'two' },
    { since: 5, until: 7, row: undefined },
    { since: 7, until: null, row: 'one' },
  ]);
  assert.equal(past.versions('b'), []);
});

test('rows that are alike are one object', () => {
  const past = new RowVersions<{ value: number }>(new DatabaseSync(':memory:'), 'things');
  const change = written(past);
  change('a', { value: 1 }, 0);
  change('b', { value: 1 }, 1);
  const [[, a] = [], [, b] = []] = allOf(past, 2);
  assert.is(a, b);
});

test('a member that counts stands beside the text, which stays the same', () => {
  const database = new DatabaseSync(':memory:');
  const past = new RowVersions<{ count: number; name: string }>(database, 'things', 'count');
  const change = written(past);
  change('a', { count: 0, name: 'x' }, 0);
  change('b', { count: 7, name: 'x' }, 1);
  change('a', { count: 1, name: 'x' }, 2);
  change('a', { count: 1, name: 'x' }, 3);
  change('a', { count: 2, name: 'x' }, 4);
  change('a', { count: 2, name: 'y' }, 5);
  change('a', undefined, 6);
  assert.equal(past.versions('a'), [
    { since: 0, until: 2, row: { count: 0, name: 'x' } },
    { since: 2, until: 4, row: { count: 1, name: 'x' } },
    { since: 4, until: 5, row: { count: 2, name: 'x' } },
    { since: 5, until: 6, row: { count: 2, name: 'y' } },
    { since: 6, until: null, row: undefined },
  ]);
  assert.equal(past.get('a', 4), { count: 1, name: 'x' });
  assert.equal(allOf(past, 3), [
    ['a', { count: 1, name: 'x' }],
    ['b', { count: 7, name: 'x' }],
  ]);
  assert.equal(database.prepare('SELECT count(*) AS texts FROM texts_things').get()?.texts, 2);
});

test('steps follow each other without a gap, and each key is in one of them', () => {
  const past = new RowVersions<number>(new DatabaseSync(':memory:'), 'things');
  const change = written(past);
  const keys = Array.from({ length: 700 }, (_, at) => `k${String(at).padStart(4, '0')}`);
  // Three versions each: a step ends at a key, not in the middle of its versions.
  let index = 0;
  for (const value of [1, 2, 3]) for (const key of keys) change(key, value, index++);
  const steps = [...past.steps(index)];
  assert.ok(steps.length > 2);
  assert.equal(
    steps.map(({ after }) => after),
    ['', ...steps.slice(0, -1).map(({ upTo }) => upTo)],
  );
  assert.is(steps.at(-1)?.upTo, undefined);
  assert.equal(
    allOf(past, index),
    keys.map((key) => [key, 3]),
  );
  assert.equal(past.within(index, { after: 'k0003', upTo: 'k0005' }), [
    ['k0004', 3],
    ['k0005', 3],
  ]);
  const rest = [...past.steps(index, 'k0698')];
  assert.equal(rest, [{ after: 'k0698', upTo: undefined, rows: [['k0699', 3]] }]);
});

test('it says what a list of all changes says', () => {
  const change = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    row: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.nat(31), (changes, size) => {
      const past = new RowVersions<string>(new DatabaseSync(':memory:'), 'things');
      const change = written(past);
      const expected = new Map<string, string>();
      for (const [index, { key, row }] of changes.entries()) {
        change(key, row, index);
        if (index >= size) continue;
        if (row === undefined) expected.delete(key);
        else expected.set(key, row);
      }
      assert.equal(allOf(past, size), [...expected].sort());
      for (const key of ['a', 'b', 'c']) assert.is(past.get(key, size), expected.get(key));
    }),
    { numRuns: 50 },
  );
});

test.run();
