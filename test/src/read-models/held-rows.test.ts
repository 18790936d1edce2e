import { DatabaseSync } from 'node:sqlite';
import { AbsentKeys, HeldRows, KeysWritten } from '../../../src/read-models/held-rows.ts';
import { breaking, log, sums } from '../../support/counting.ts';
import { rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('rows held in memory');

const row = (born: number) => ({ born, row: { born } });

test('however many rows are looked at, those held stay within their limit', () => {
  const held = new HeldRows<{ born: number }>(100_000);
  const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
  for (const [index, key] of keys.entries()) held.set(key, row(index), 744);
  const known = keys.filter((key) => held.get(key) !== undefined);
  assert.ok(known.length > 0 && known.length <= 100, `${known.length} rows of 1,000 characters`);
  assert.equal(held.get('key-999'), row(999));
  assert.is(held.get('key-0'), undefined);
});
test('what is looked at stays, however much comes after it', () => {
  const held = new HeldRows<{ born: number }>(100_000);
  held.set('kept', row(0), 744);
  for (let index = 1; index < 1_000; index++) {
    held.set(`key-${index}`, row(index), 744);
    assert.equal(held.get('kept'), row(0), String(index));
  }
});
test('keys without a row are remembered, the last ones, and not for longer than they have none', () => {
  const absent = new AbsentKeys(10);
  for (let index = 0; index < 1_000; index++) absent.add(`key-${index}`);
  const known = Array.from({ length: 1_000 }, (_, index) => absent.has(`key-${index}`));
  assert.ok(known.at(-10));
  assert.ok(known.filter((one) => one).length <= 20);
  for (const key of ['key-999', 'key-985']) {
    absent.delete(key);
    assert.not.ok(absent.has(key));
  }
});
test('a changed row takes the place of the old one, and one that went is gone', () => {
  const held = new HeldRows<{ born: number }>(10_000);
  held.set('a', row(1), 10);
  held.set('a', row(2), 10);
  assert.equal(held.get('a'), row(2));
  held.delete('a');
  assert.is(held.get('a'), undefined);
  for (let round = 0; round < 1_000; round++) {
    held.set('a', row(round), 10);
    held.delete('a');
  }
  held.set('b', row(3), 10);
  assert.equal(held.get('b'), row(3), 'what went takes no room');
  held.clear();
  assert.is(held.get('b'), undefined);
});

test('a row that did not change is the same object, read from the file once', () => {
  const rows = rowsFile();
  rows.open({ projections: [sums] }).apply(log);
  const models = rows.open({ projections: [sums] });
  const first = models.rows(sums).get('a');
  assert.equal(first, { key: 'a', total: 4 });
  assert.is(models.rows(sums).get('a'), first);
  rows.remove();
});
test('a batch that is undone leaves nothing of itself in memory', () => {
  const rows = rowsFile();
  const models = rows.open({ projections: [breaking('b'), sums] });
  models.apply(log.slice(0, 1));
  const other = new DatabaseSync(rows.file);
  other.exec(`CREATE TRIGGER stop BEFORE INSERT ON rows_sums WHEN NEW.key = 'b'
              BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  assert.throws(() => models.apply(log.slice(1)), /the disk is full/);
  assert.is(models.rows(sums).get('a')?.total, 1);
  other.exec('DROP TRIGGER stop');
  other.close();
  models.apply(log.slice(1));
  assert.is(models.rows(sums).get('a')?.total, 4);
  rows.remove();
});

test('a key that was written is never said to be missing, and of the others nearly all are', () => {
  const keys = new KeysWritten();
  for (let n = 0; n < 5_000; n++) keys.add(`device-${n}`);
  for (let n = 0; n < 5_000; n++) assert.ok(keys.mayHave(`device-${n}`), `device-${n}`);
  const others = Array.from({ length: 5_000 }, (_, n) => `device-${n + 5_000}`);
  assert.ok(others.filter((key) => keys.mayHave(key)).length < 50);
});

test.run();
