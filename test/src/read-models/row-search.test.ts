/** Searches: the same rows as at once, few at a time, and others go on meanwhile. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { z } from 'zod';
import type { Projection } from '../../../projections/projection.ts';
import type { Condition } from '../../../src/read-models/condition-sql.ts';
import { MalformedCursor } from '../../../src/read-models/cursor.ts';
import type { RowQuery, Rows } from '../../../src/read-models/row-table.ts';
import type { SearchLimits } from '../../../src/read-models/search/row-search.ts';
import { logOf, rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

interface Thing {
  readonly name: string;
  readonly colour: string;
  readonly size: number;
  readonly at: string;
}
const Event = z.object({
  type: z.string(),
  data: z.object({ name: z.string(), colour: z.string(), size: z.number(), at: z.string() }),
});
const things: Projection<Thing, z.infer<typeof Event>> = {
  name: 'things',
  version: 1,
  reads: ['thing'],
  Event,
  key: ({ data }) => data.name,
  evolve: (_row, { data }) => data,
  columns: {
    colour: (row) => row.colour,
    size: (row) => row.size,
    at: (row) => row.at,
    name: (row) => row.name,
  },
};

const count = 3_000;
const colours = ['red', 'blue', 'green'];
const facts = Array.from({ length: count }, (_, number) => ({
  stream: 'thing-1',
  type: 'Seen',
  data: {
    name: `thing-${number}`,
    colour: colours[number % 3] as string,
    size: number % 7,
    at: String(number - (number % 5) * 3).padStart(6, '0'),
  },
}));

const test = suite<{ rows: ReturnType<typeof rowsFile>; table: Rows<Thing> }>('row search');
test.before((world) => {
  world.rows = rowsFile();
  const models = world.rows.open({ projections: [things] });
  models.apply(logOf(facts));
  world.table = models.rows(things);
});
test.after(({ rows }) => rows.remove());

const small: SearchLimits = { perStep: 64, perPage: 100_000, few: 40 };

async function everyName(table: Rows<Thing>, query: Omit<RowQuery, 'cursor'>, limits = small) {
  const names: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 10_000; pages++) {
    const page = await table.search({ ...query, cursor }, limits);
    names.push(...page.items.map(({ name }) => name));
    if (page.nextCursor === null) return names;
    cursor = page.nextCursor;
  }
  throw new Error('a search without an end');
}

const anAt = fc.integer({ min: 0, max: count }).map((number) => String(number).padStart(6, '0'));
const aCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom(...colours, 'none').map((is) => ({ column: 'colour', is })),
  fc.integer({ min: 0, max: 8 }).map((is) => ({ column: 'size', is })),
  fc.integer({ min: 0, max: count }).map((number) => ({ column: 'name', is: `thing-${number}` })),
  anAt.map((atLeast) => ({ column: 'at', atLeast })),
  anAt.map((below) => ({ column: 'at', below })),
  fc.constantFrom('7', 'G-1', '299', 'zzz').map((contains) => ({
    anyOf: [
      { column: 'name', contains },
      { column: 'colour', contains },
    ],
  })),
);

test('finds the rows that are found at once, whatever is asked', async ({ table }) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(aCondition, { maxLength: 4 }),
      fc.constantFrom('newest' as const, 'oldest' as const),
      fc.constantFrom(7, 100, 1_000),
      fc.constantFrom(10, 64, 5_000),
      async (where, order, limit, perPage) => {
        const all = table.find({ where, order, limit: count }).items.map(({ name }) => name);
        assert.equal(await everyName(table, { where, order, limit }, { ...small, perPage }), all);
      },
    ),
    { numRuns: 60 },
  );
});

const nowhere: readonly Condition[] = [{ column: 'name', contains: 'zzz' }];

test('a page ends where enough was looked at, and its cursor goes on', async ({ table }) => {
  const limits = { ...small, perPage: 128 };
  const first = await table.search({ where: nowhere, limit: 10 }, limits);
  assert.equal(first.items, []);
  const where: readonly Condition[] = [{ column: 'name', contains: 'thing-2850' }];
  const page = await table.search({ where, limit: 10 }, limits);
  assert.equal([page.items.length, typeof page.nextCursor], [0, 'string']);
  const next = await table.search({ where, limit: 10, cursor: page.nextCursor ?? '' }, limits);
  assert.equal(
    next.items.map(({ name }) => name),
    ['thing-2850'],
  );
});

test('others go on between the steps, one step a turn whoever searches', async ({ table }) => {
  let turns = 0;
  let isOver = false;
  const counting = (async () => {
    for (; !isOver; turns++) await nextTurn();
  })();
  await Promise.all(
    Array.from({ length: 4 }, () => table.search({ where: nowhere, limit: 10 }, small)),
  );
  isOver = true;
  await counting;
  assert.ok(turns >= (4 * count) / small.perStep, `${turns} turns`);
});

test('a cursor of another list is refused', async ({ table }) => {
  for (const cursor of ['', 'x', 'YXNkZg'])
    try {
      await table.search({ where: nowhere, limit: 1, cursor });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, MalformedCursor);
    }
});

test.run();
