import { chmodSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { ReadModels } from '../../../src/read-models/read-models.ts';
import { beginning } from '../../../src/store/event-store.ts';
import { added, at, counter, folds, log, sums } from '../../support/counting.ts';
import { logOf, rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

type File = ReturnType<typeof rowsFile>;
const test = suite<{ rows: File }>('the file of the read models');
test.before.each((world) => {
  world.rows = rowsFile();
});
test.after.each(({ rows }) => rows.remove());

test('the file is its owner’s alone', ({ rows }) => {
  rows.open({ projections: [sums] });
  for (const file of [rows.file, `${rows.file}-wal`, `${rows.file}-shm`])
    assert.is(statSync(file).mode & 0o777, 0o600, file);
});
test('a file and its journals that others could read are its owner’s alone when it is opened', ({
  rows,
}) => {
  rows.open({ projections: [sums] });
  // As a process leaves them that was killed: a second one has them open.
  const other = new DatabaseSync(rows.file);
  other.prepare('SELECT count(*) FROM models').get();
  const files = [rows.file, `${rows.file}-wal`, `${rows.file}-shm`];
  rows.close();
  for (const file of files) chmodSync(file, 0o644);
  rows.open({ projections: [sums] });
  for (const file of files) assert.is(statSync(file).mode & 0o777, 0o600, file);
  other.close();
});
test('a restart does not replay', ({ rows }) => {
  rows.open({ projections: [sums] }).apply(log);
  folds.count = 0;
  const models = rows.open({ projections: [sums] });
  assert.equal(models.resume(), { position: at(6), index: 6 });
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(folds.count, 0);
  models.apply(
    logOf([...log.map(({ stream, type, data }) => ({ stream, type, data })), added('a')]).slice(6),
  );
  assert.is(folds.count, 1);
  assert.is(models.rows(sums).get('a')?.total, 5);
});

const openedAnew: readonly [string, (rows: File) => ReadModels][] = [
  ['another log', (rows) => rows.open({ projections: [sums], logId: 'log-2' })],
  ['a shorter log', (rows) => rows.open({ projections: [sums], head: at(5) })],
  ['an empty log', (rows) => rows.open({ projections: [sums], head: beginning })],
  [
    'a projection with another version',
    (rows) => rows.open({ projections: [counter('sums', { version: 2 })] }),
  ],
  ['a rebuild', (rows) => rows.open({ projections: [sums], rebuild: true })],
];
for (const [why, open] of openedAnew)
  test(`${why}: every row is folded again`, ({ rows }) => {
    const before = rows.open({ projections: [sums] });
    before.apply(log);
    before.setBookmark('head', 'x');
    folds.count = 0;
    const models = open(rows);
    assert.equal(models.resume(), { position: beginning, index: 0 });
    assert.is(models.rows(sums).count(), 0);
    assert.is(models.getBookmark('head'), undefined, 'a note is forgotten with the rows');
    models.apply(log);
    assert.is(folds.count, 5);
    assert.is(models.rows(sums).get('a')?.total, 4);
  });
test('a log that grew is no shorter one', ({ rows }) => {
  rows.open({ projections: [sums] }).apply(log);
  assert.is(rows.open({ projections: [sums], head: at(6) }).resume().index, 6);
});

test('one that changed is folded again, and the others are not', ({ rows }) => {
  const sibling = counter('sibling');
  rows.open({ projections: [sums, sibling] }).apply(log);
  const changed = counter('sums', { version: 2, columns: { twice: (row) => 2 * row.total } });
  folds.count = 0;
  const models = rows.open({ projections: [changed, sibling] });
  assert.equal(models.resume(), { position: beginning, index: 0 });
  assert.is(models.rows(sibling).get('a')?.total, 4, 'its rows stand as they were');
  assert.equal(models.lag(), { sums: 6, sibling: 0 });
  // From the start again, and beyond what the other has: each takes what it has not.
  const longer = logOf([
    ...log.map(({ stream, type, data }) => ({ stream, type, data })),
    added('a'),
  ]);
  models.apply(longer.slice(0, 2));
  models.apply(longer.slice(2));
  assert.is(folds.count, 6 + 1);
  for (const projection of [changed, sibling])
    assert.is(models.rows(projection).get('a')?.total, 5);
  assert.is(models.rows(changed).count([{ column: 'twice', is: 10 }]), 1);
  assert.equal(models.lag(), { sums: 0, sibling: 0 });
});
test('a new one catches up alone, with the same numbers', async ({ rows }) => {
  rows.open({ projections: [sums] }).apply(log);
  const late = counter('late');
  const models = rows.open({ projections: [sums, late] });
  assert.is((await models.state()).position, beginning);
  for (const event of log) models.apply([event]);
  const { items, position } = await models.state();
  assert.is(position, at(6));
  assert.is(items[0]?.stateHash, items[1]?.stateHash);
});
test('one that is no more is forgotten', ({ rows }) => {
  rows.open({ projections: [sums, counter('gone')] }).apply(log);
  rows.open({ projections: [sums] });
  rows.close();
  const database = new DatabaseSync(rows.file, { readOnly: true });
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE name LIKE 'rows\\_%' ESCAPE '\\'")
    .all();
  assert.not.ok(JSON.stringify(tables).includes('rows_gone'));
  assert.is(database.prepare('SELECT count(*) AS found FROM models').get()?.found, 1);
  database.close();
});
test('one that stopped at its first event is mended with other columns', ({ rows }) => {
  const broken = counter('sums', {
    evolve: () => {
      throw new Error('not yet');
    },
  });
  rows.open({ projections: [broken] }).apply(log);
  const mended = counter('sums', { version: 2, columns: { other: (row) => row.key } });
  const models = rows.open({ projections: [mended] });
  models.apply(log);
  assert.is(models.rows(mended).count([{ column: 'other', is: 'a' }]), 1);
});
test('names that cannot name a table or column are refused', ({ rows }) => {
  assert.throws(() => rows.open({ projections: [counter('a b')] }));
  assert.throws(() => rows.open({ projections: [counter('x', { columns: { 'a"': () => 1 } })] }));
  assert.not.throws(() => rows.open({ projections: [counter('x')] }));
});

test.run();
