import { DatabaseSync } from 'node:sqlite';
import { beginning } from '../../../src/store/event-store.ts';
import { added, at, breaking, counter, folds, log, sums } from '../../support/counting.ts';
import { logOf, rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

type File = ReturnType<typeof rowsFile>;
const test = suite<{ rows: File }>('faults of read models');
test.before.each((world) => {
  world.rows = rowsFile();
});
test.after.each(({ rows }) => rows.remove());

test('rows and checkpoint are written together: a file that takes no rows takes no checkpoint', ({
  rows,
}) => {
  const models = rows.open({ projections: [sums] });
  models.apply(log.slice(0, 1));
  const other = new DatabaseSync(rows.file);
  other.exec(`CREATE TRIGGER stop BEFORE INSERT ON rows_sums WHEN NEW.key = 'b'
              BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  let told = 0;
  models.onApplied(() => {
    told++;
  });
  assert.throws(() => models.apply(log.slice(1)), /the disk is full/);
  assert.equal(models.resume(), { position: at(1), index: 1 });
  assert.is(models.rows(sums).get('a')?.total, 1);
  assert.equal(models.faults(), [], 'the file is at fault, not the projection');
  assert.is(told, 0);

  other.exec('DROP TRIGGER stop');
  other.close();
  models.apply(log.slice(1));
  assert.equal(models.resume(), { position: at(6), index: 6 });
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(told, 1);
});
test('a file that cannot be read is no fault of a projection either', ({ rows }) => {
  rows.open({ projections: [sums] }).apply(log.slice(0, 1));
  rows.close();
  const other = new DatabaseSync(rows.file);
  other.exec("UPDATE rows_sums SET row = 'no JSON' WHERE key = 'a'");
  const models = rows.open({ projections: [sums] });
  assert.throws(() => models.apply(log.slice(1)));
  assert.equal(models.faults(), []);
  assert.is(models.position(), at(1));
  other.exec(`UPDATE rows_sums SET row = '{"key":"a","total":1}' WHERE key = 'a'`);
  other.close();
  models.apply(log.slice(1));
  assert.is(models.rows(sums).get('a')?.total, 4);
});

// ── Faults ──────────────────────────────────────────────────────────────────────────────────────────

test('a fold that throws stops its projection, rolls it back, and nobody else', async ({
  rows,
}) => {
  const models = rows.open({ projections: [breaking('b'), sums] });
  models.apply(log.slice(0, 1));
  const changes: string[][] = [];
  models.onApplied((_events, changed) => changes.push([...changed.keys()]));
  models.apply(log.slice(1));
  assert.equal(
    models.faults().map(({ name }) => name),
    ['breaking'],
  );
  assert.is(models.rows(breaking('b')).count(), 1, 'nothing of the batch is left');
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(models.position(), at(6));
  assert.equal(models.resume(), { position: at(6), index: 6 });
  assert.is(await models.reached(at(6), 0), true, 'nobody waits for who stopped');
  assert.equal(models.lag(), { breaking: 5, sums: 0 });
  assert.equal(changes, [['sums']]);
});
test('it stays stopped, and the others go on', ({ rows }) => {
  const models = rows.open({ projections: [breaking('b'), sums] });
  for (const event of log) models.apply([event]);
  assert.is(models.rows(breaking('b')).count(), 1);
  assert.is(models.rows(sums).get('b')?.total, 7);
  assert.is(models.faults().length, 1);
});
test('what it says names the event and no data', ({ rows }) => {
  const models = rows.open({ projections: [breaking('b'), sums] });
  models.apply(log);
  const [fault] = models.faults();
  assert.match(
    fault?.error.message ?? '',
    /breaking stopped at event .*\(Added\) of sum-1: TypeError/,
  );
  assert.not.match(`${fault?.error.message}${fault?.error.stack}`, /hunter2/);
});
test('an event that does not parse stops who reads it, and no other', ({ rows }) => {
  const models = rows.open({ projections: [sums, counter('weather', { reads: ['weather'] })] });
  models.apply(log);
  assert.equal(
    models.faults().map(({ name }) => name),
    ['weather'],
  );
  assert.is(models.rows(sums).get('a')?.total, 4);
});
test('a key that throws is a fault too', ({ rows }) => {
  const models = rows.open({
    projections: [
      counter('keyless', {
        key: () => {
          throw Object.assign(new Error('no key'), { code: 'ERR_OF_ITS_OWN' });
        },
      }),
    ],
  });
  models.apply(log);
  assert.is(models.faults().length, 1);
});
test('when all have stopped, nothing hangs, and each is where it stopped', ({ rows }) => {
  const models = rows.open({
    projections: [breaking('b'), counter('weather', { reads: ['weather'] })],
  });
  models.apply(log.slice(0, 1));
  models.apply(log.slice(1));
  models.apply(logOf([...log, added('a')]).slice(6));
  assert.is(models.faults().length, 2);
  assert.equal(models.resume(), { position: at(1), index: 1 });
});
test('after a restart it tries again from where it stopped', ({ rows }) => {
  rows.open({ projections: [breaking('b'), sums] }).apply(log);
  folds.count = 0;
  const models = rows.open({ projections: [breaking('nobody at all'), sums] });
  assert.equal(models.faults(), []);
  assert.equal(models.resume(), { position: beginning, index: 0 });
  models.apply(log);
  assert.is(models.rows(breaking('')).get('a')?.total, 2);
  assert.is(folds.count, 0, 'the other has them already');
  assert.is(models.position(), at(6));
});

test.run();
