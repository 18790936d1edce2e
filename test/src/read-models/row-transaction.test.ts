import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../../src/logger.ts';
import { allCustomProjections, allProjections } from '../../../src/read-models/all.ts';
import type { CustomProjection } from '../../../src/read-models/custom-projection.ts';
import { followLog } from '../../../src/read-models/follow.ts';
import { openReadModels } from '../../../src/read-models/read-models.ts';
import { beginning, noStream, positionOf } from '../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { added, at, breaking, log, sums } from '../../support/counting.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { logOf, rowsFile } from '../../support/read-models.ts';
import { newEvent } from '../../support/stored-events.ts';
import { assert, suite } from '../../support/suite.ts';

const never = 600_000;
type File = ReturnType<typeof rowsFile>;
const test = suite<{ rows: File }>('the transaction of the rows');
test.before.each((world) => {
  world.rows = rowsFile();
});
test.after.each(({ rows }) => rows.remove());

/** How far the file is for who reads it elsewhere, as after a crash. */
function onDisk(rows: File): number {
  const other = new DatabaseSync(rows.file, { readOnly: true });
  const found = other.prepare("SELECT number FROM models WHERE name = 'sums'").get();
  other.close();
  return Number(found?.number);
}

/** Lets a test make the connection of the rows fail. */
function spoiler() {
  let connection: DatabaseSync | undefined;
  const projection: CustomProjection<object> = {
    name: 'spoiler',
    version: 1,
    open(database) {
      connection = database;
      database.exec(`CREATE TABLE IF NOT EXISTS rows_spoiler (key, born, row);
        PRAGMA foreign_keys = ON; CREATE TABLE IF NOT EXISTS one (id PRIMARY KEY);
        CREATE TABLE IF NOT EXISTS other (id REFERENCES one DEFERRABLE INITIALLY DEFERRED)`);
      return { take: () => {}, flush: () => {}, abandon: () => {} };
    },
  };
  const pages = () =>
    Number(Object.values(connection?.prepare('PRAGMA page_count').get() ?? {})[0]);
  return {
    projection,
    fill: () => connection?.exec(`PRAGMA max_page_count = ${pages()}`),
    /** The transaction that is open cannot be committed. */
    breakCommit: () => connection?.exec('INSERT INTO other VALUES (1)'),
    empty: () => connection?.exec('PRAGMA max_page_count = 1000000'),
    /** No row changes any more, until this is undone with the transaction that is open. */
    refuseChanges: () =>
      connection?.exec(`CREATE TEMP TRIGGER refusing BEFORE UPDATE ON rows_sums
                        BEGIN SELECT RAISE(ABORT, 'refused'); END`),
  };
}

test('what was applied is found in every way before it is committed', ({ rows }) => {
  const models = rows.open({ projections: [sums], commitAfterMs: never });
  models.apply(log.slice(0, 4));
  models.setBookmark('head', 'x');
  assert.is(onDisk(rows), 0);
  const table = models.rows(sums);
  assert.is(table.get('a')?.total, 4);
  assert.equal(table.find({ where: [{ column: 'total', is: 2 }], limit: 9 }).items, [
    { key: 'b', total: 2 },
  ]);
  assert.equal([table.count(), table.greatest('total')], [2, 4]);
  assert.is(models.getBookmark('head'), 'x');
  assert.equal(models.resume(), { position: at(4), index: 4 });
});
test('it is committed after some time, after many events, and at the end', async ({ rows }) => {
  let models = rows.open({ projections: [sums], commitAfterMs: 20 });
  models.apply(log);
  assert.is(onDisk(rows), 0);
  for (let waitedMs = 0; onDisk(rows) === 0 && waitedMs < 10_000; waitedMs += 10) await pause(10);
  assert.is(onDisk(rows), 6);

  models = rows.open({ projections: [sums], commitAfterMs: never, rebuild: true });
  const many = logOf(Array.from({ length: 1_001 }, () => added('a')));
  models.apply(many.slice(0, 999));
  assert.is(onDisk(rows), 0);
  models.apply(many.slice(999));
  assert.is(onDisk(rows), 1_001);

  models = rows.open({ projections: [sums], commitAfterMs: never, rebuild: true });
  models.apply(log);
  rows.close();
  assert.is(onDisk(rows), 6);
});
test('a hash over the rows is one over all that was applied', async ({ rows }) => {
  const models = rows.open({ projections: [sums], commitAfterMs: never });
  models.apply(log.slice(0, 3));
  const early = await models.state();
  models.apply(log.slice(3));
  const late = await models.state();
  assert.equal([early.position, late.position], [at(3), at(6)]);
  const anew = rows.open({ projections: [sums], rebuild: true });
  anew.apply(log);
  assert.is((await anew.state()).stateHash, late.stateHash);
});
test('a projection that stops undoes its batch, and none before it', ({ rows }) => {
  const models = rows.open({ projections: [breaking('b'), sums], commitAfterMs: never });
  models.apply(log.slice(0, 1));
  models.apply(log.slice(1));
  assert.equal(
    models.faults().map(({ name }) => name),
    ['breaking'],
  );
  assert.is(models.rows(breaking('b')).get('a')?.total, 1);
  assert.is(models.rows(sums).get('a')?.total, 4);
  assert.is(models.position(), at(6));
});
test('what a full disk undid is folded again, and nobody hears of an event twice', ({ rows }) => {
  const disk = spoiler();
  const options = {
    projections: [sums],
    customProjections: [disk.projection],
    commitAfterMs: never,
  };
  const models = rows.open(options);
  let undone = 0;
  models.onUndone(() => undone++);
  const told: string[] = [];
  models.onApplied((events) => told.push(...events.map(({ position }) => position)));
  const events = logOf(
    Array.from({ length: 400 }, (_, number) => added(`key-${number}`.repeat(20))),
  );
  models.apply(events.slice(0, 2));
  disk.fill();
  assert.throws(() => models.apply(events.slice(2)), /full/);
  disk.empty();
  assert.is(undone, 1);
  assert.equal([models.resume().index, models.rows(sums).count()], [0, 0], 'all since the commit');
  models.apply(events);
  assert.is(models.rows(sums).count(), 400);
  assert.equal(
    told,
    events.map(({ position }) => position),
  );
});
test('a batch that cannot be written undoes all that waits for the commit, and nothing stays by half', async ({
  rows,
}) => {
  const disk = spoiler();
  const models = rows.open({
    ...{ projections: [sums], customProjections: [disk.projection], commitAfterMs: never },
  });
  let undone = 0;
  models.onUndone(() => undone++);
  models.apply(log.slice(0, 1));
  await models.state();
  models.apply(log.slice(1, 2));
  disk.refuseChanges();
  // A new row, and one that is there: SQLite alone would keep the first.
  const more = logOf([...Array.from({ length: 2 }, () => added('a')), added('new'), added('a')]);
  assert.throws(() => models.apply(more.slice(2)), /refused/);
  assert.is(undone, 1);
  assert.equal(models.resume(), { position: at(1), index: 1 });
  assert.equal([models.rows(sums).count(), models.rows(sums).get('new')], [1, undefined]);
  models.apply(log.slice(1));
  assert.is(models.rows(sums).get('a')?.total, 4);
  await models.state();
  assert.is(onDisk(rows), 6);
});
test('until what was undone is folded again, the rows say that it is gone; who listens hears then of the rows, and of no event twice', async ({
  rows,
}) => {
  const disk = spoiler();
  const models = rows.open({
    ...{ projections: [sums], customProjections: [disk.projection], commitAfterMs: never },
  });
  const told: string[] = [];
  models.onApplied((events, changes) => {
    const keys = [...(changes.get('sums')?.keys() ?? [])].join();
    told.push(`${events.length} of ${keys}`);
  });
  models.apply(log.slice(0, 1));
  await models.state();
  models.apply(log.slice(1, 4));
  assert.is(models.isUndone(), false);
  disk.breakCommit();
  await models.state().catch(() => undefined);
  assert.is(models.isUndone(), true);
  models.apply(log.slice(1, 3));
  assert.is(models.isUndone(), true, 'one is missing still');
  models.apply(log.slice(3, 4));
  assert.is(models.isUndone(), false);
  assert.equal(told, ['1 of a', '3 of b,a', '0 of b', '0 of a']);
});
test('where a commit fails, rows and progress go back to the newest one', async ({ rows }) => {
  const disk = spoiler();
  const models = rows.open({
    ...{ projections: [sums], customProjections: [disk.projection], commitAfterMs: never },
  });
  const told: string[] = [];
  let undone = 0;
  models.onApplied((events) => told.push(...events.map(({ position }) => position)));
  models.onUndone(() => undone++);
  models.apply(log.slice(0, 1));
  await models.state();
  models.apply(log.slice(1, 4));
  assert.is(models.rows(sums).get('a')?.total, 4);
  disk.breakCommit();
  const error = await models.state().catch((failed) => failed);
  assert.match(String(error), /FOREIGN KEY/);
  assert.is(undone, 1);
  assert.equal(models.resume(), { position: at(1), index: 1 });
  assert.equal([models.rows(sums).get('a')?.total, models.rows(sums).get('b')], [1, undefined]);
  models.apply(log.slice(1));
  assert.is(models.rows(sums).get('a')?.total, 4);
  await models.state();
  assert.is(onDisk(rows), 6);
  assert.equal(
    told,
    log.map(({ position }) => position),
  );
});
test('who follows the log folds again what a failed commit undid', async ({ rows }) => {
  const disk = spoiler();
  const store = memoryStore();
  const readModels = rows.open({
    ...{ projections: [sums], customProjections: [disk.projection], logId: store.logId },
    commitAfterMs: never,
  });
  const ending = new AbortController();
  const logger = createLogger({ level: 'error', write: () => {} });
  const following = followLog({ store, readModels, logger, signal: ending.signal });
  const { data } = added('a');
  const { position } = await store.append('sum-1', noStream, [newEvent(data, 'Added')]);
  assert.ok(await readModels.reached(position, 60_000));
  disk.breakCommit();
  await readModels.state().catch(() => {});
  assert.is(readModels.rows(sums).get('a'), undefined);
  assert.ok(await readModels.reached(position, 60_000), 'nothing new has to come for that');
  assert.is(readModels.rows(sums).get('a')?.total, 1);
  ending.abort();
  await following.ended;
});
test('who follows the log begins again when the disk has room again', async ({ rows }) => {
  const disk = spoiler();
  const store = memoryStore();
  const readModels = rows.open({
    ...{ projections: [sums], customProjections: [disk.projection], logId: store.logId },
    commitAfterMs: never,
  });
  const ending = new AbortController();
  const logger = createLogger({ level: 'error', write: () => {} });
  const following = followLog({ store, readModels, logger, signal: ending.signal });
  let revision = noStream;
  const add = async (key: string) => {
    const { data } = added(key);
    const appended = await store.append('sum-1', revision, [newEvent(data, 'Added')]);
    revision = appended.revision;
    assert.ok(await readModels.reached(appended.position, 60_000), key);
  };
  await add('a');
  await readModels.state();
  await add('b');
  // What waits fits no more: the commit finds no room for its pages.
  disk.fill();
  for (let number = 0; readModels.resume().index > 1 && number < 500; number++) {
    const { data } = added(`key-${number}`.repeat(50));
    const appended = await store.append('sum-1', revision, [newEvent(data, 'Added')]);
    revision = appended.revision;
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let waitedMs = 0; following.fault() === null && waitedMs < 10_000; waitedMs += 10)
    await pause(10);
  assert.match(following.fault()?.message ?? '', /full/);
  disk.empty();
  assert.ok(await readModels.reached(await store.head(), 60_000));
  assert.is(readModels.rows(sums).get('b')?.total, 1);
  assert.is(readModels.rows(sums).count(), revision + 1);
  ending.abort();
  await following.ended;
});
test('killed between log and rows: everything acknowledged is folded again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-rows-killed-'));
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./child.ts', import.meta.url)), folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const guard = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Math.max(acknowledged, JSON.parse(line).number + 1);
    // Ten are committed or not, and none of those after the seventh.
    if (acknowledged === 10) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  clearTimeout(guard);
  assert.is(child.signalCode, 'SIGKILL');

  const store = openSqliteStore({ file: join(folder, 'log.sqlite') });
  const open = async (file: string) => {
    const models = openReadModels({
      ...{ file: join(folder, file), logId: store.logId, head: await store.head() },
      ...{ projections: allProjections, customProjections: allCustomProjections },
    });
    const from = models.resume().index;
    models.apply(await store.readAll(positionOf(from), 1_000));
    const { stateHash, position } = await models.state();
    const names = models.rows(allProjections[2]).count();
    models.close();
    return { from, stateHash, position, names };
  };
  const mended = await open('read-models.sqlite');
  const anew = await open('anew.sqlite');
  assert.ok(mended.from >= 7 && mended.from % 7 === 0, `it goes on at event ${mended.from}`);
  assert.ok(mended.names >= acknowledged, `${mended.names} of ${acknowledged}`);
  assert.not.equal(anew.position, beginning);
  assert.equal({ ...mended, from: 0 }, anew, 'as if everything were folded from the beginning');
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test.run();
