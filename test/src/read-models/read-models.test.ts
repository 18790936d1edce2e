import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { z } from 'zod';
import { upcasters } from '../../../domain/upcast.ts';
import type { Envelope, Projection } from '../../../projections/projection.ts';
import { allProjections } from '../../../src/read-models/all.ts';
import { beginning, type StoredEvent } from '../../../src/store/event-store.ts';
import { at, Counted, counter, log, sums } from '../../support/counting.ts';
import { anyLog, batches, logOf, rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

type File = ReturnType<typeof rowsFile>;
const test = suite<{ rows: File }>('read models');
test.before.each((world) => {
  world.rows = rowsFile();
});
test.after.each(({ rows }) => rows.remove());

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

// ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────

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
  assert.is(models.getBookmark('reconciled'), undefined);
  models.setBookmark('reconciled', '1');
  models.setBookmark('reconciled', '2');
  assert.is(rows.open({ projections: [sums] }).getBookmark('reconciled'), '2');
});

// ── The same rows, however they come ────────────────────────────────────────────────────────────────

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
        let models = rows.open({ rebuild: true });
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
        const rebuilt = rows.open({ rebuild: true });
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
