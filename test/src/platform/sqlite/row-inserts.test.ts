import { DatabaseSync } from 'node:sqlite';
import { RowInserts } from '../../../../src/platform/sqlite/row-inserts.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('rows inserted together');

function table() {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE numbers (number INTEGER PRIMARY KEY, word TEXT)');
  const inserts = new RowInserts(database, 'numbers', ['number', 'word']);
  const rows = () => database.prepare('SELECT number, word FROM numbers').all();
  return { database, inserts, rows };
}

for (const count of [0, 1, 31, 32, 33, 64, 100])
  test(`${count} rows, and ${count} more`, () => {
    const { inserts, rows } = table();
    for (const from of [0, count]) {
      for (let number = from; number < from + count; number++) inserts.add(number, `n${number}`);
      assert.is(rows().length, from, 'they wait for each other');
      inserts.flush();
    }
    assert.equal(
      rows().map((row) => ({ ...row })),
      Array.from({ length: 2 * count }, (_, number) => ({ number, word: `n${number}` })),
    );
  });

test('a row that cannot be inserted undoes the whole transaction', () => {
  const { database, inserts, rows } = table();
  database.exec("BEGIN; INSERT INTO numbers VALUES (100, 'before')");
  for (let number = 0; number < 40; number++) inserts.add(number % 39, 'again');
  assert.throws(() => inserts.flush(), /UNIQUE/);
  assert.is(database.isTransaction, false);
  assert.equal(rows(), []);
});

test('what was abandoned is not inserted', () => {
  const { inserts, rows } = table();
  inserts.add(1, 'one');
  inserts.abandon();
  inserts.add(2, 'two');
  inserts.flush();
  assert.equal(
    rows().map((row) => ({ ...row })),
    [{ number: 2, word: 'two' }],
  );
});

test.run();
