import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Projection } from '../../../projections/projection.ts';
import { rowsHeldCharactersMax, statementsHeldMax } from '../../../src/limits/rows.ts';
import type { Condition } from '../../../src/read-models/condition-sql.ts';
import { MalformedCursor } from '../../../src/read-models/cursor.ts';
import { everyRow, everyRowInTurns, pagesBetween } from '../../../src/read-models/every-row.ts';
import { type Rows, RowTable } from '../../../src/read-models/row-table.ts';
import { logOf, rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

interface Thing {
  readonly name: string;
  readonly colour: string | null;
  readonly size: number | null;
}
const Event = z.object({
  type: z.string(),
  data: z.object({ name: z.string(), colour: z.string().nullable(), size: z.number().nullable() }),
});
const things: Projection<Thing, z.infer<typeof Event>> = {
  name: 'things',
  version: 1,
  reads: ['thing'],
  Event,
  key: ({ data }) => data.name,
  evolve: (_row, { type, data }) => (type === 'Gone' ? undefined : data),
  columns: { colour: (row) => row.colour, size: (row) => row.size },
};

const thing = (name: string, colour: string | null, size: number | null, type = 'Seen') => ({
  stream: 'thing-1',
  type,
  data: { name, colour, size },
});
const facts = [
  thing('a', 'Red', 1),
  thing('b', 'blue', 2),
  thing('c', null, 3),
  thing('d', 'dark%blue', null),
  thing('e', 'reddish', 3),
];

const test = suite<{
  rows: ReturnType<typeof rowsFile>;
  table: Rows<Thing>;
  apply: (more: typeof facts) => void;
}>('row table');
test.before.each((world) => {
  world.rows = rowsFile();
  const models = world.rows.open({ projections: [things] });
  const told = [...facts];
  models.apply(logOf(told));
  world.table = models.rows(things);
  world.apply = (more) => {
    const from = told.length;
    told.push(...more);
    models.apply(logOf(told).slice(from));
  };
});
test.after.each(({ rows }) => rows.remove());

const names = (table: Rows<Thing>, ...where: Condition[]) =>
  table
    .find({ where, limit: 100, order: 'oldest' })
    .items.map(({ name }) => name)
    .join('');

// biome-ignore format: a table reads as a table
const conditions: readonly [Condition, string][] = [
  [{ column: 'colour', is: 'blue' }, 'b'],
  [{ column: 'colour', is: null }, 'c'],
  [{ column: 'size', is: 3 }, 'ce'],
  [{ column: 'key', is: 'a' }, 'a'],
  [{ column: 'born', atLeast: 3 }, 'de'],
  [{ column: 'born', below: 2 }, 'ab'],
  [{ column: 'colour', isOneOf: ['blue', 'Red', 'none'] }, 'ab'],
  [{ column: 'colour', isOneOf: [] }, ''],
  [{ column: 'size', atLeast: 2 }, 'bce'],
  [{ column: 'size', below: 2 }, 'a'],
  [{ column: 'colour', atLeast: 'b' }, 'bde'],
  [{ column: 'colour', contains: 'RED' }, 'ae'],
  [{ column: 'colour', contains: 'blue' }, 'bd'],
  [{ column: 'colour', contains: '%' }, 'd'],
  [{ column: 'colour', contains: '_' }, ''],
  [{ column: 'colour', includes: 'Red' }, 'a'],
  [{ column: 'colour', includes: 'red' }, 'e'],
  [{ column: 'key', contains: 'A' }, 'a'],
  [{ anyOf: [{ column: 'colour', is: 'blue' }, { column: 'size', is: 3 }] }, 'bce'],
  [{ anyOf: [] }, ''],
  [{ anyOf: [{ anyOf: [{ column: 'size', is: 1 }] }, { column: 'size', below: 3 }] }, 'ab'],
];
test('each kind of condition finds what fits it', ({ table }) => {
  for (const [condition, expected] of conditions) {
    assert.is(names(table, condition), expected, JSON.stringify(condition));
    assert.is(table.count([condition]), expected.length, JSON.stringify(condition));
    assert.is(table.count([condition], 1), Math.min(1, expected.length), 'no further than asked');
  }
});
test('all conditions must hold', ({ table }) => {
  assert.is(names(table, { column: 'size', is: 3 }, { column: 'colour', contains: 'red' }), 'e');
  assert.is(names(table), 'abcde');
  assert.is(table.count(), 5);
});
test('a value is never read as SQL', ({ table }) => {
  for (const text of ["' OR 1=1 --", '"', '%', '\\', '?'])
    for (const condition of [
      { column: 'key', is: text },
      { column: 'key', contains: text },
      { column: 'key', isOneOf: [text] },
    ])
      assert.is(names(table, condition), '');
});
test('a column that is none is a mistake, not a query', ({ table }) => {
  const wrong = { column: 'size" OR "1', is: 1 };
  for (const act of [
    () => names(table, wrong),
    () => names(table, { anyOf: [wrong] }),
    () => table.count([wrong]),
    () => table.greatest('nothing'),
  ])
    assert.throws(act, /no column/);
});
test('however many shapes of questions there are, each is answered', ({ table }) => {
  for (const round of [1, 2])
    for (let names = 1; names <= statementsHeldMax + 10; names++) {
      const isOneOf = Array<string>(names).fill('blue');
      const { items } = table.find({ where: [{ column: 'colour', isOneOf }], limit: 5 });
      assert.is(items.length, 1, `${names} in round ${round}`);
    }
});

test('a range is told in the order of its values, and a page goes on behind the one before', ({
  table,
  apply,
}) => {
  apply([thing('f', null, 2)]);
  const told = (range: object, limit = 100) =>
    [...pagesBetween(table, { column: 'size', limit, ...range })]
      .map((page) => page.map(({ name }) => name).join(''))
      .join(' ');
  assert.is(told({}), 'abfce', 'without those that have no value');
  assert.is(told({ atLeast: 2 }), 'bfce');
  assert.is(told({ below: 3 }), 'abf');
  assert.is(told({ atLeast: 2, below: 3 }), 'bf');
  assert.is(told({ atLeast: 4 }), '');
  for (const [limit, pages] of [
    [1, 'a b f c e'],
    [2, 'ab fc e'],
    [5, 'abfce'],
  ] as const)
    assert.is(told({}, limit), pages);
  assert.throws(() => table.between({ column: 'nothing', limit: 1 }), /no column/);
});

test('the greatest value of a column', ({ table, apply }) => {
  assert.is(table.greatest('size'), 3);
  assert.is(table.greatest('colour'), 'reddish');
  apply(['a', 'b', 'c', 'e'].map((name) => thing(name, null, null, 'Gone')));
  assert.is(table.greatest('size'), null);
});

// ── Pages ─────────────────────────────────────────────────────────────────────────────────────────

const walk = (
  table: Rows<Thing>,
  order: 'newest' | 'oldest',
  limit: number,
  meanwhile = () => {},
) => {
  const pages: string[] = [];
  let cursor: string | undefined;
  do {
    const page = table.find({ order, limit, cursor });
    assert.ok(page.items.length <= limit);
    pages.push(page.items.map(({ name }) => name).join(''));
    cursor = page.nextCursor ?? undefined;
    meanwhile();
  } while (cursor !== undefined);
  return pages;
};

test('newest first, unless asked otherwise', ({ table }) => {
  assert.is(
    table
      .find({ limit: 9 })
      .items.map(({ name }) => name)
      .join(''),
    'edcba',
  );
  assert.equal(walk(table, 'newest', 2), ['ed', 'cb', 'a']);
  assert.equal(walk(table, 'oldest', 2), ['ab', 'cd', 'e']);
});
test('the last page gives no cursor, also when it is full', ({ table }) => {
  assert.equal(walk(table, 'oldest', 5), ['abcde']);
  assert.is(table.find({ limit: 5 }).nextCursor, null);
  assert.type(table.find({ limit: 4 }).nextCursor, 'string');
});
test('what comes meanwhile neither repeats nor hides anything', ({ table, apply }) => {
  let count = 0;
  const seen = walk(table, 'newest', 2, () => apply([thing(`n${count++}`, null, 0)]));
  assert.equal(seen, ['ed', 'cb', 'a']);
});
test('what goes meanwhile is gone, and the rest is there', ({ table, apply }) => {
  let once = false;
  const seen = walk(table, 'newest', 2, () => {
    if (!once) apply([thing('d', null, null, 'Gone'), thing('b', null, null, 'Gone')]);
    once = true;
  });
  assert.equal(seen, ['ed', 'ca']);
});
test('a row that changes keeps its place; one that comes back is new', ({ table, apply }) => {
  apply([thing('b', 'green', 9)]);
  assert.is(names(table), 'abcde');
  assert.is(table.get('b')?.colour, 'green');
  apply([thing('b', null, null, 'Gone'), thing('b', 'blue', 1)]);
  assert.is(names(table), 'acdeb');
  apply([thing('a', null, null, 'Gone')]);
  apply([thing('a', 'Red', 1)]);
  assert.is(names(table), 'cdeba');
});
test('a key that was asked for before it had a row is found once it has one, and gone once that went', ({
  table,
  apply,
}) => {
  for (const round of [1, 2]) {
    assert.is(table.get('z'), undefined, String(round));
    // So much that nothing is held any more of what came before.
    const large = 'x'.repeat(rowsHeldCharactersMax / 4);
    apply([
      thing('z', 'green', round),
      ...['f', 'g', 'h', 'i'].map((name) => thing(name, large, 1)),
    ]);
    assert.is(table.get('z')?.size, round);
    apply([thing('z', null, null, 'Gone')]);
  }
  assert.is(table.get('z'), undefined);
});
test('what comes and goes in one batch was never there', ({ table, apply }) => {
  apply([thing('x', null, 1), thing('x', null, 1, 'Gone'), thing('y', null, 1, 'Gone')]);
  assert.is(names(table), 'abcde');
});
test('conditions and pages go together', ({ table }) => {
  const where = [{ column: 'size', atLeast: 2 }];
  const first = table.find({ where, limit: 2, order: 'oldest' });
  assert.equal(
    first.items.map(({ name }) => name),
    ['b', 'c'],
  );
  const cursor = first.nextCursor ?? '';
  const second = table.find({ where, limit: 2, order: 'oldest', cursor });
  assert.equal(
    second.items.map(({ name }) => name),
    ['e'],
  );
  assert.is(second.nextCursor, null);
});

const encoded = (text: string) => Buffer.from(text).toString('base64url');
const foreign = [
  '',
  'x',
  '1',
  encoded('1'),
  encoded('things'),
  encoded('things:'),
  encoded('things:-1'),
  encoded('things:1x'),
  encoded('things:1.5'),
  encoded('things:9999999999999999'),
  encoded('others:1'),
  `${encoded('things:1')}.`,
  '%00',
  'ü',
];
test('a cursor of no page of this list is told', ({ table }) => {
  for (const cursor of foreign)
    assert.throws(
      () => table.find({ limit: 1, cursor }),
      (error: unknown) => error instanceof MalformedCursor,
      cursor,
    );
});
test('every row is found once, in order, also where they fill more than a page', ({
  table,
  apply,
}) => {
  apply(Array.from({ length: 2_001 }, (_, at) => thing(`n${at}`, at % 2 ? 'odd' : 'even', at)));
  const where = [{ column: 'colour', is: 'even' }];
  const even = [...everyRow(table, { where, order: 'oldest' })].map(({ size }) => size);
  assert.equal(
    even,
    Array.from({ length: 1_001 }, (_, at) => at * 2),
  );
  assert.is([...everyRow(table)].length, facts.length + 2_001);
});

test('what a column is asked for is found by its index, and not by looking at every row', () => {
  const database = new DatabaseSync(':memory:');
  const asked: string[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (sql) => {
    asked.push(sql);
    return prepare(sql);
  };
  const table = new RowTable(database, things as unknown as Projection<Thing>);
  asked.length = 0;
  for (const condition of [
    { column: 'colour', is: 'blue' },
    { column: 'size', is: 3 },
  ] as const) {
    table.find({ where: [condition], limit: 10 });
    table.count([condition]);
  }
  assert.is(asked.length, 4);
  for (const sql of asked) {
    const values = sql
      .split('?')
      .slice(1)
      .map(() => 1);
    const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { detail: string }[];
    assert.match(plan[0]?.detail ?? '', /^SEARCH rows_things USING .*INDEX rows_things_/, sql);
  }
  database.close();
});

test('all rows are told in turns, in which others go on', async ({ table, apply }) => {
  apply(Array.from({ length: 1_000 }, (_, number) => thing(`n${number}`, null, 0)));
  let turns = 0;
  let isOver = false;
  const beat = () => {
    turns += 1;
    if (!isOver) setImmediate(beat);
  };
  setImmediate(beat);
  const told: string[] = [];
  for await (const { name } of everyRowInTurns(table)) told.push(name);
  isOver = true;
  assert.equal(
    told,
    [...everyRow(table)].map(({ name }) => name),
  );
  assert.ok(turns > 0, 'somebody else had a turn');
});

test('a column that is only looked into has no index, also where there was one', () => {
  const file = rowsFile();
  const indexes = () => {
    const database = new DatabaseSync(file.file, { readOnly: true });
    const found = database
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'rows_things_%'`)
      .all();
    database.close();
    return found.map(({ name }) => name);
  };
  file.open({ projections: [things] }).apply(logOf(facts));
  assert.equal(indexes(), ['rows_things_colour', 'rows_things_size']);
  const models = file.open({ projections: [{ ...things, unindexed: ['colour'] }] });
  assert.equal(indexes(), ['rows_things_size']);
  assert.is(names(models.rows(things), { column: 'colour', contains: 'BLUE' }), 'bd');
  file.remove();
});

test('where keys rise, one beyond all others is new, and the others are looked for, also after the file was opened again', () => {
  const rising = { ...things, name: 'rising', keysRise: true as const };
  const projections = [things, rising];
  const file = rowsFile();
  // In UTF-16 the last two stand the other way round.
  const keys = ['b', 'a', 'b', 'd', 'c', 'a', 'd', '\u{e000}', '\u{10000}', '\u{e000}', 'e'];
  const told: typeof facts = [];
  for (const [size, name] of keys.entries()) {
    const models = file.open({ projections });
    const [plain, table] = [models.rows(things), models.rows(rising)];
    assert.is(table.get(`${name} and more`), undefined);
    // Twice in this batch, and once alone.
    told.push(thing(name, 'red', size), thing(name, 'blue', size));
    models.apply(logOf(told).slice(-2));
    told.push(thing(name, null, size));
    models.apply(logOf(told).slice(-1));
    assert.equal(models.faults(), []);
    assert.equal(table.get(name), { name, colour: null, size });
    assert.equal([...everyRow(table)], [...everyRow(plain)]);
  }
  file.remove();
});

test.run();
