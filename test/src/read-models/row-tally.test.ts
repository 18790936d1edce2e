/** Counts of rows: the same as going through all of them, now and after any event. */
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { clientStatuses } from '../../../domain/client/state.ts';
import { challenged, clients, roleLabel } from '../../../projections/clients.ts';
import { tallyBlockChanges } from '../../../src/limits/rows.ts';
import { everyRow } from '../../../src/read-models/every-row.ts';
import type { ReadModels } from '../../../src/read-models/read-models.ts';
import { RowTally } from '../../../src/read-models/row-tally.ts';
import { anyLog, batches, rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('row tally');

interface Thing {
  readonly colour: string;
  readonly tags: readonly string[];
}
const counted = {
  always: ({ colour }: Thing) => [colour],
  now: ({ tags }: Thing) => tags.map((tag) => `tag ${tag}`),
};
const red: Thing = { colour: 'red', tags: ['a', 'b'] };
const blue: Thing = { colour: 'blue', tags: ['b'] };

const tallyIn = (database: DatabaseSync) => new RowTally(database, 'things', counted);
const told = (counts: ReadonlyMap<string, number>) =>
  Object.fromEntries([...counts].filter(([, count]) => count !== 0));

test('rows are counted by what they are, and what they were is told after every event', () => {
  const database = new DatabaseSync(':memory:');
  const tally = tallyIn(database);
  tally.change(undefined, red, 3);
  tally.change(undefined, blue, 4);
  tally.flush();
  tally.change(red, blue, 7);
  tally.change(blue, undefined, 9);
  tally.flush();
  assert.equal(told(tally.counts), { blue: 1, 'tag b': 1 });
  const past = Array.from({ length: 11 }, (_, size) => told(tally.at(size)));
  assert.equal(past.slice(0, 5), [{}, {}, {}, {}, { red: 1 }]);
  assert.equal(past.slice(5), [
    { red: 1, blue: 1 },
    { red: 1, blue: 1 },
    { red: 1, blue: 1 },
    { blue: 2 },
    { blue: 2 },
    { blue: 1 },
  ]);
  const again = tallyIn(database);
  assert.equal(told(again.counts), told(tally.counts), 'opened again');
  again.change(undefined, red, 12);
  again.flush();
  assert.equal([told(again.at(12)), told(again.at(13))], [{ blue: 1 }, { blue: 1, red: 1 }]);
});

test('a batch that is undone is not counted, before it was written and after', () => {
  const database = new DatabaseSync(':memory:');
  const tally = tallyIn(database);
  tally.change(undefined, red, 0);
  tally.flush();
  for (const isWritten of [false, true]) {
    database.exec('BEGIN');
    // Of two batches in one transaction the first was written in any case.
    tally.change(red, blue, 1);
    tally.flush();
    tally.change(undefined, blue, 2);
    if (isWritten) tally.flush();
    database.exec('ROLLBACK');
    tally.abandon();
    assert.equal(told(tally.counts), { red: 1, 'tag a': 1, 'tag b': 1 });
    assert.equal(told(tally.at(9)), { red: 1 });
  }
  tally.change(red, blue, 1);
  tally.flush();
  assert.equal(told(tally.counts), { blue: 1, 'tag b': 1 });
  assert.equal([told(tally.at(1)), told(tally.at(2))], [{ red: 1 }, { blue: 1 }]);
});

test('however many changes there were, one look goes through no more than a block of them', () => {
  const database = new DatabaseSync(':memory:');
  const tally = tallyIn(database);
  for (let index = 0; index < 3 * tallyBlockChanges; index++) {
    tally.change(undefined, index % 2 === 0 ? red : blue, index);
    if (index % 7 === 0) tally.flush();
  }
  tally.flush();
  const blocks = database.prepare('SELECT changes FROM blocks_things').all() as {
    changes: string;
  }[];
  for (const { changes } of blocks)
    assert.ok(changes.split('[').length - 1 <= tallyBlockChanges, changes.length.toString());
  assert.ok(blocks.length <= 4, `${blocks.length} blocks`);
  for (const size of [0, 1, tallyBlockChanges, tallyBlockChanges + 1, 3 * tallyBlockChanges])
    assert.equal(
      told(tally.at(size)),
      told(
        new Map([
          ['red', Math.ceil(size / 2)],
          ['blue', Math.floor(size / 2)],
        ]),
      ),
    );
});

/** By going through all rows. */
function countedAnew(models: ReadModels, size: number, isNow: boolean) {
  const counts = new Map<string, number>();
  const add = (label: string) => counts.set(label, (counts.get(label) ?? 0) + 1);
  const clientsThen = [...models.past(clients).steps(size)].flatMap(({ rows }) => rows);
  for (const [, { status, hasChallenger }] of clientsThen) {
    add(status);
    if (hasChallenger) add(challenged);
  }
  if (isNow)
    for (const { roles } of everyRow(models.rows(clients)))
      for (const role of roles) add(roleLabel(role));
  return told(counts);
}

test('any life of clients is counted as going through all of them would', () => {
  const rows = rowsFile();
  try {
    fc.assert(
      fc.property(anyLog(60), fc.array(fc.nat(), { maxLength: 5 }), (log, places) => {
        const models = rows.open({ rebuild: true });
        for (const batch of batches(log, places)) models.apply(batch);
        for (let size = 0; size <= log.length; size++)
          assert.equal(
            told(models.countsAt(clients, size)),
            countedAnew(models, size, false),
            `after ${size} events`,
          );
        const all = told(models.rows(clients).counts);
        assert.equal(all, countedAnew(models, log.length, true));
        for (const label of Object.keys(all))
          assert.ok(
            label === challenged ||
              label.startsWith('role ') ||
              clientStatuses.some((one) => one === label),
          );
      }),
      { numRuns: 40 },
    );
  } finally {
    rows.remove();
  }
});

test.run();
