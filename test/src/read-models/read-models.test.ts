import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { upcasters } from '../../../domain/upcast.ts';
import type { Envelope, Projection } from '../../../projections/projection.ts';
import { allProjections } from '../../../src/read-models/all.ts';
import type { Keeper } from '../../../src/read-models/keeper.ts';
import type { ReadModels } from '../../../src/read-models/read-models.ts';
import { beginning, positionOf, type StoredEvent } from '../../../src/store/event-store.ts';
import { anyLog, batches, logOf, rowsFile } from '../../support/read-models.ts';

type File = ReturnType<typeof rowsFile>;
const test = suite<{ rows: File }>('read models');
test.before.each((world) => {
  world.rows = rowsFile();
});
test.after.each(({ rows }) => rows.remove());

// ── Small projections, to see the machine itself ──────────────────────────────────────────────────

const Counted = z.object({
  type: z.enum(['Added', 'Cleared']),
  data: z.object({ key: z.string(), by: z.number().optional() }),
});
type Counted = z.infer<typeof Counted>;
interface Count {
  readonly key: string;
  readonly total: number;
}

let folds = 0;
const counter = (
  name: string,
  over: Partial<Projection<Count, Counted>> = {},
): Projection<Count, Counted> => ({
  name,
  version: 1,
  reads: ['sum'],
  Event: Counted,
  key: ({ data }) => (data.key === 'nobody' ? undefined : data.key),
  evolve: (row, { type, data }) => {
    folds++;
    if (type === 'Cleared') return undefined;
    return { key: data.key, total: (row?.total ?? 0) + (data.by ?? 1) };
  },
  columns: { total: (row) => row.total },
  ...over,
});
const sums = counter('sums');
const breaking = (key: string) =>
  counter('breaking', {
    evolve: (row, { data }) => {
      if (data.key === key) throw new TypeError('no such thing: hunter2');
      return { key: data.key, total: (row?.total ?? 0) + 1 };
    },
  });

const added = (key: string, by = 1) => ({ stream: 'sum-1', type: 'Added', data: { key, by } });
const cleared = (key: string) => ({ stream: 'sum-1', type: 'Cleared', data: { key } });
const elsewhere = { stream: 'weather-1', type: 'Rained', data: {} };
const log = logOf([
  added('a'),
  elsewhere,
  added('b', 2),
  added('a', 3),
  cleared('b'),
  added('b', 7),
]);
const at = (place: number) => positionOf(place);

test('rows are folded, and everything in a category that nobody reads goes by', ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  models.apply(log);
  assert.equal(models.rows(sums).get('a'), { key: 'a', total: 4 });
  assert.equal(models.rows(sums).get('b'), { key: 'b', total: 7 });
  assert.is(models.rows(sums).get('c'), undefined);
  assert.is(models.position(), at(6));
  assert.equal(models.resume(), { position: at(6), index: 6 });
});
test('an empty batch is nothing', ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  models.apply([]);
  assert.equal(models.resume(), { position: beginning, index: 0 });
});
test('events that were folded already change nothing', ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  models.apply(log);
  models.apply(log.slice(3));
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.equal(models.resume(), { position: at(6), index: 6 });
});
test('a projection that is not among them is a mistake', ({ rows }) =>
  assert.throws(() => rows.open({ projections: [] }).rows(sums), /no read model sums/));
test('the envelope says where the event stands in the whole log', ({ rows }) => {
  const seen: Envelope[] = [];
  const watching = counter('watching', {
    evolve: (row, _event, envelope) => {
      seen.push(envelope);
      return row;
    },
  });
  const models = rows.open({ projections: [watching] });
  models.apply(log.slice(0, 2));
  models.apply(log.slice(2, 4));
  assert.equal(
    seen.map(({ index, position, revision }) => [index, position, revision]),
    [
      [0, at(1), 0],
      [2, at(3), 1],
      [3, at(4), 2],
    ],
  );
});
test('an older event is folded in today’s shape, its envelope as stored', ({ rows }) => {
  const open = upcasters as Record<string, (data: Readonly<Record<string, unknown>>) => object>;
  open.Summed = ({ name }) => ({ key: name });
  try {
    let stored: unknown;
    const Event = Counted.extend({ type: z.literal('Summed') }) as unknown as typeof Counted;
    const reading = counter('reading', {
      Event,
      evolve: (_row, { data }, envelope) => {
        stored = envelope.data;
        return { key: data.key, total: 1 };
      },
    });
    const models = rows.open({ projections: [reading] });
    models.apply(logOf([{ stream: 'sum-1', type: 'Summed', data: { name: 'old' } }]));
    assert.equal(models.rows(reading).get('old'), { key: 'old', total: 1 });
    assert.equal(stored, { name: 'old' });
  } finally {
    delete open.Summed;
  }
});

// ── The file ──────────────────────────────────────────────────────────────────────────────────────

test('the file is its owner’s alone', ({ rows }) => {
  rows.open({ projections: [sums] });
  assert.is(statSync(rows.file).mode & 0o777, 0o600);
});
test('a restart does not replay', ({ rows }) => {
  rows.open({ projections: [sums] }).apply(log);
  folds = 0;
  const models = rows.open({ projections: [sums] });
  assert.equal(models.resume(), { position: at(6), index: 6 });
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(folds, 0);
  models.apply(
    logOf([...log.map(({ stream, type, data }) => ({ stream, type, data })), added('a')]).slice(6),
  );
  assert.is(folds, 1);
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
  ['a rebuild', (rows) => rows.open({ projections: [sums], anew: true })],
];
for (const [why, open] of openedAnew)
  test(`${why}: every row is folded again`, ({ rows }) => {
    const before = rows.open({ projections: [sums] });
    before.apply(log);
    before.takeNote('head', 'x');
    folds = 0;
    const models = open(rows);
    assert.equal(models.resume(), { position: beginning, index: 0 });
    assert.is(models.rows(sums).count(), 0);
    assert.is(models.note('head'), undefined, 'a note is forgotten with the rows');
    models.apply(log);
    assert.is(folds, 5);
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
  folds = 0;
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
  assert.is(folds, 6 + 1);
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

// ── One transaction ───────────────────────────────────────────────────────────────────────────────

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
  const models = rows.open({ projections: [sums] });
  models.apply(log.slice(0, 1));
  const other = new DatabaseSync(rows.file);
  other.exec("UPDATE rows_sums SET row = 'no JSON' WHERE key = 'a'");
  assert.throws(() => models.apply(log.slice(1)));
  assert.equal(models.faults(), []);
  assert.is(models.position(), at(1));
  other.exec(`UPDATE rows_sums SET row = '{"key":"a","total":1}' WHERE key = 'a'`);
  other.close();
  models.apply(log.slice(1));
  assert.is(models.rows(sums).get('a')?.total, 4);
});

// ── Faults ────────────────────────────────────────────────────────────────────────────────────────

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
          throw new Error('no key');
        },
      }),
    ],
  });
  models.apply(log);
  assert.is(models.faults().length, 1);
});
test('when all have stopped, nothing hangs', async ({ rows }) => {
  const models = rows.open({
    projections: [breaking('a'), counter('weather', { reads: ['weather'] })],
  });
  models.apply(log);
  models.apply(logOf([...log, added('a')]).slice(6));
  assert.is(models.faults().length, 2);
  assert.is(models.position(), beginning);
});
test('after a restart it tries again from where it stopped', ({ rows }) => {
  rows.open({ projections: [breaking('b'), sums] }).apply(log);
  folds = 0;
  const models = rows.open({ projections: [breaking('nobody at all'), sums] });
  assert.equal(models.faults(), []);
  assert.equal(models.resume(), { position: beginning, index: 0 });
  models.apply(log);
  assert.is(models.rows(breaking('')).get('a')?.total, 2);
  assert.is(folds, 0, 'the other has them already');
  assert.is(models.position(), at(6));
});

// ── What is kept beside the rows ──────────────────────────────────────────────────────────────────

/** Writes each event's type down, and remembers how many there are. */
const diary = (
  over: { version?: number; before?: (stored: StoredEvent) => void } = {},
): Keeper<{ size(): number }> => ({
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
    return {
      size: () => size,
      take(stored, index) {
        over.before?.(stored);
        add.run(index, index, stored.type);
        size++;
      },
      abandon() {
        size = count();
      },
    };
  },
});

test('a keeper takes every event once, whatever its category', ({ rows }) => {
  let models = rows.open({ projections: [sums], keepers: [diary()] });
  models.apply(log.slice(0, 2));
  models = rows.open({ projections: [sums], keepers: [diary()] });
  models.apply(log.slice(1));
  assert.is(models.kept(diary()).size(), 6);
  assert.equal(models.faults(), []);
  assert.throws(() => models.kept({ ...diary(), name: 'other' }), /nothing is kept as other/);
});
test('what it keeps is rolled back with the rows', ({ rows }) => {
  const models = rows.open({ projections: [sums], keepers: [diary()] });
  models.apply(log.slice(0, 1));
  const other = new DatabaseSync(rows.file);
  other.exec(`CREATE TRIGGER stop BEFORE INSERT ON rows_sums WHEN NEW.key = 'b'
              BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  assert.throws(() => models.apply(log.slice(1)), /the disk is full/);
  assert.is(models.kept(diary()).size(), 1);
  other.exec('DROP TRIGGER stop');
  other.close();
  models.apply(log.slice(1));
  assert.is(models.kept(diary()).size(), 6);
});
test('a file that takes nothing is not its fault: it goes on when there is room again', ({
  rows,
}) => {
  const models = rows.open({ projections: [sums], keepers: [diary()] });
  const other = new DatabaseSync(rows.file);
  other.exec(`CREATE TRIGGER stop BEFORE INSERT ON rows_diary WHEN NEW.key = 3
              BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  assert.throws(() => models.apply(log), /the disk is full/);
  assert.equal(models.faults(), []);
  assert.equal([models.kept(diary()).size(), models.rows(sums).count()], [0, 0]);
  other.exec('DROP TRIGGER stop');
  other.close();
  models.apply(log);
  assert.is(models.kept(diary()).size(), 6);
});
test('one that throws stops alone, and goes back to what is written', ({ rows }) => {
  const refusing = diary({
    before: ({ position }) => {
      if (position === at(3)) throw new RangeError('not this one');
    },
  });
  const models = rows.open({ projections: [sums], keepers: [refusing] });
  models.apply(log.slice(0, 1));
  models.apply(log.slice(1));
  assert.equal(
    models.faults().map(({ name }) => name),
    ['diary'],
  );
  assert.is(models.kept(refusing).size(), 1);
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(models.position(), at(6));
});
test('a fold that stops undoes nothing that a keeper keeps', ({ rows }) => {
  const models = rows.open({ projections: [breaking('b')], keepers: [diary()] });
  models.apply(log);
  assert.equal(
    models.faults().map(({ name }) => name),
    ['breaking'],
  );
  assert.is(models.kept(diary()).size(), 6);
});
test('one that changed begins anew, and the rows stay', ({ rows }) => {
  rows.open({ projections: [sums], keepers: [diary()] }).apply(log);
  folds = 0;
  const models = rows.open({ projections: [sums], keepers: [diary({ version: 2 })] });
  assert.is(models.kept(diary()).size(), 0);
  models.apply(log);
  assert.equal([models.kept(diary()).size(), folds], [6, 0]);
});

// ── Waiting ───────────────────────────────────────────────────────────────────────────────────────

test('who waits for a position is told when it is there', async ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  const told: string[] = [];
  const waits = [1, 3, 6].map(async (place) => {
    assert.ok(await models.reached(at(place), 60_000));
    told.push(`${place}`);
  });
  models.apply(log.slice(0, 3));
  await waits[1];
  assert.equal(told, ['1', '3']);
  models.apply(log.slice(3));
  await Promise.all(waits);
  assert.ok(await models.reached(at(2), 0), 'what is there already needs no waiting');
});
test('who waits too long is told that it is not', async ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  assert.is(await models.reached(at(1), 5), false);
});
test('closing ends the waiting', async ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  const waiting = models.reached(at(1), 60_000);
  rows.close();
  assert.is(await waiting, false);
});
test('a listener sees the rows as they are now, and which changed', ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  const seen: unknown[] = [];
  models.onApplied((events, changes) =>
    seen.push([
      events.length,
      [...(changes.get('sums') ?? [])].map(([key, row]) => [key, row, models.rows(sums).get(key)]),
    ]),
  );
  models.apply(log.slice(0, 3));
  models.apply(log.slice(4, 5));
  const [a, b] = [
    { key: 'a', total: 1 },
    { key: 'b', total: 2 },
  ];
  assert.equal(seen, [
    [
      3,
      [
        ['a', a, a],
        ['b', b, b],
      ],
    ],
    [1, [['b', undefined, undefined]]],
  ]);
});
test('a fold that gives back the row it was given changed nothing', ({ rows }) => {
  const still = counter('still', { evolve: (row, { data }) => row ?? { key: data.key, total: 1 } });
  const models = rows.open({ projections: [still] });
  models.apply(log.slice(0, 1));
  let changed: number | undefined;
  models.onApplied((_events, changes) => {
    changed = changes.get('still')?.size;
  });
  models.apply(log.slice(3, 4));
  assert.is(changed, 0);
});
test('a note is kept over a restart', ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  assert.is(models.note('reconciled'), undefined);
  models.takeNote('reconciled', '1');
  models.takeNote('reconciled', '2');
  assert.is(rows.open({ projections: [sums] }).note('reconciled'), '2');
});

// ── The same rows, however they come ──────────────────────────────────────────────────────────────

/** One fold in memory, straight from the definition. */
function folded(projection: Projection<unknown>, events: readonly StoredEvent[]) {
  const found = new Map<string, { born: number; row: unknown }>();
  for (const [index, stored] of events.entries()) {
    if (!projection.reads.some((category) => stored.stream.startsWith(`${category}-`))) continue;
    const event = projection.Event.parse({ type: stored.type, data: stored.data });
    const key = projection.key(event, { ...stored, index });
    if (key === undefined) continue;
    const before = found.get(key);
    const row = projection.evolve(before?.row, event, { ...stored, index });
    if (row === undefined) found.delete(key);
    else found.set(key, { born: before?.born ?? index, row: JSON.parse(JSON.stringify(row)) });
  }
  return [...found.values()].sort((a, b) => a.born - b.born).map(({ row }) => row);
}

test('batches and restarts make the same rows and state hash as one fold', async ({ rows }) => {
  await fc.assert(
    fc.asyncProperty(
      anyLog(60),
      fc.array(fc.nat(), { maxLength: 6 }),
      fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      async (events, places, restarts) => {
        let models = rows.open({ anew: true });
        for (const [index, batch] of batches(events, places).entries()) {
          models.apply(batch);
          if (restarts[index]) models = rows.open();
        }
        assert.equal(models.faults(), []);
        for (const projection of allProjections as readonly Projection<unknown>[])
          assert.equal(
            models.rows(projection).find({ limit: 1_000, order: 'oldest' }).items,
            folded(projection, events),
            projection.name,
          );
        const live = await models.state();
        const rebuilt = rows.open({ anew: true });
        rebuilt.apply(events);
        assert.equal(await rebuilt.state(), live);
      },
    ),
    { numRuns: 25 },
  );
});
test('the state hash sees every row, and says how many', async ({ rows }) => {
  const models = rows.open({ projections: [sums] });
  const empty = await models.state();
  assert.equal(
    empty.items.map(({ name, version, rowCount }) => [name, version, rowCount]),
    [['sums', 1, 0]],
  );
  models.apply(log);
  const full = await models.state();
  assert.is(full.items[0]?.rowCount, 2);
  assert.is.not(full.stateHash, empty.stateHash);
  assert.match(full.stateHash, /^[0-9a-f]{64}$/);
  const other = new DatabaseSync(rows.file);
  other.exec(`UPDATE rows_sums SET row = '{"key":"a","total":5}' WHERE key = 'a'`);
  other.close();
  const changed = await models.state();
  assert.is.not(changed.stateHash, full.stateHash);
  assert.is(changed.position, full.position);
});

test.run();
