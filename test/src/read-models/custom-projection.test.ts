import { DatabaseSync } from 'node:sqlite';
import type { CustomProjection } from '../../../src/read-models/custom-projection.ts';
import type { StoredEvent } from '../../../src/store/event-store.ts';
import { at, breaking, folds, log, sums } from '../../support/counting.ts';
import { rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

type File = ReturnType<typeof rowsFile>;
const test = suite<{ rows: File }>('what is kept beside the rows');
test.before.each((world) => {
  world.rows = rowsFile();
});
test.after.each(({ rows }) => rows.remove());

/** Writes each event's type down, and remembers how many there are. */
const diary = (
  over: { version?: number; before?: (stored: StoredEvent) => void } = {},
): CustomProjection<{ size(): number }> => ({
  name: 'diary',
  version: over.version ?? 1,
  open(database) {
    database.exec(
      'CREATE TABLE IF NOT EXISTS rows_diary (key INTEGER PRIMARY KEY, born INTEGER, row TEXT)',
    );
    const add = database.prepare('INSERT INTO rows_diary VALUES (?, ?, ?)');
    const count = () =>
      Number(database.prepare('SELECT count(*) AS found FROM rows_diary').get()?.found);
    let size = count();
    let taken: [number, number, string][] = [];
    return {
      size: () => size,
      take(stored, index) {
        over.before?.(stored);
        taken.push([index, index, stored.type]);
        size++;
      },
      flush() {
        for (const row of taken) add.run(...row);
        taken = [];
      },
      abandon() {
        taken = [];
        size = count();
      },
    };
  },
});

test('a custom projection takes every event once, whatever its category', ({ rows }) => {
  let models = rows.open({ projections: [sums], customProjections: [diary()] });
  models.apply(log.slice(0, 2));
  models = rows.open({ projections: [sums], customProjections: [diary()] });
  models.apply(log.slice(1));
  assert.is(models.custom(diary()).size(), 6);
  assert.equal(models.faults(), []);
  assert.throws(() => models.custom({ ...diary(), name: 'other' }), /no custom projection other/);
});
test('what it keeps is rolled back with the rows', ({ rows }) => {
  const models = rows.open({ projections: [sums], customProjections: [diary()] });
  models.apply(log.slice(0, 1));
  const other = new DatabaseSync(rows.file);
  other.exec(`CREATE TRIGGER stop BEFORE INSERT ON rows_sums WHEN NEW.key = 'b'
              BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  assert.throws(() => models.apply(log.slice(1)), /the disk is full/);
  assert.is(models.custom(diary()).size(), 1);
  other.exec('DROP TRIGGER stop');
  other.close();
  models.apply(log.slice(1));
  assert.is(models.custom(diary()).size(), 6);
});
test('a file that takes nothing is not its fault: it goes on when there is room again', ({
  rows,
}) => {
  const models = rows.open({ projections: [sums], customProjections: [diary()] });
  const other = new DatabaseSync(rows.file);
  other.exec(`CREATE TRIGGER stop BEFORE INSERT ON rows_diary WHEN NEW.key = 3
              BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  assert.throws(() => models.apply(log), /the disk is full/);
  assert.equal(models.faults(), []);
  assert.equal([models.custom(diary()).size(), models.rows(sums).count()], [0, 0]);
  other.exec('DROP TRIGGER stop');
  other.close();
  models.apply(log);
  assert.is(models.custom(diary()).size(), 6);
});
test('one that throws stops alone, and goes back to what is written', ({ rows }) => {
  const refusing = diary({
    before: ({ position }) => {
      if (position === at(3)) throw new RangeError('not this one');
    },
  });
  const models = rows.open({ projections: [sums], customProjections: [refusing] });
  models.apply(log.slice(0, 1));
  models.apply(log.slice(1));
  assert.equal(
    models.faults().map(({ name }) => name),
    ['diary'],
  );
  assert.is(models.custom(refusing).size(), 1);
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(models.position(), at(6));
});
test('a fold that stops undoes nothing that a custom projection keeps', ({ rows }) => {
  const models = rows.open({ projections: [breaking('b')], customProjections: [diary()] });
  models.apply(log);
  assert.equal(
    models.faults().map(({ name }) => name),
    ['breaking'],
  );
  assert.is(models.custom(diary()).size(), 6);
});
test('one that changed begins anew, and the rows stay', ({ rows }) => {
  rows.open({ projections: [sums], customProjections: [diary()] }).apply(log);
  folds.count = 0;
  const models = rows.open({ projections: [sums], customProjections: [diary({ version: 2 })] });
  assert.is(models.custom(diary()).size(), 0);
  models.apply(log);
  assert.equal([models.custom(diary()).size(), folds.count], [6, 0]);
});

test.run();
