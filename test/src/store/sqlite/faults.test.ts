/** The embedded log under kill -9, a broken write and a full disk. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type EventStore, noStream, StoreUnavailable } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { skipped } from '../../../support/skipped.ts';
import { ids, newEvent, newEvents, wholeLog } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import { assertGapFree, child, committers, errorOf, openedInThread, sqliteSuite } from './world.ts';

const test = sqliteSuite('sqlite faults');

/** Kills a process that appends, after so many acknowledgements. */
async function acknowledgedBeforeKill(
  file: string,
  count: number,
  what: 'append' | 'append-by-thread',
): Promise<string[]> {
  const writer = spawn(process.execPath, [child, what, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => writer.once('exit', resolve));
  let text = '';
  for await (const chunk of writer.stdout) {
    text += chunk;
    if (text.split('\n').length > count) writer.kill('SIGKILL');
  }
  await gone;
  assert.is(writer.signalCode, 'SIGKILL');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test('what was acknowledged before kill -9 is there, and the order has no gap', async ({
  folder,
}) => {
  const file = join(folder, 'killed.sqlite');
  const acknowledged: string[] = [];
  for (const [count, what] of [
    [1, 'append'],
    [1, 'append-by-thread'],
    [700, 'append'],
    [700, 'append-by-thread'],
    [2000, 'append-by-thread'],
  ] as const) {
    acknowledged.push(...(await acknowledgedBeforeKill(file, count, what)));
    const store = openSqliteStore({ file });
    const log = await wholeLog(store);
    const there = new Set(ids(log));
    assert.equal(
      acknowledged.filter((id) => !there.has(id)),
      [],
    );
    assert.is(there.size, log.length, 'nothing is there twice');
    assertGapFree(log);
    await store.close();
  }
});

/** The log that a test closed before, with its commits made where they were. */
const reopenedBy = async (by: (typeof committers)[number], file: string): Promise<EventStore> =>
  by === 'thread' ? await openedInThread({ file }) : openSqliteStore({ file });

for (const by of committers)
  test(`an error in one write undoes its whole commit, and the next one goes on, by ${by}`, async ({
    file,
    store,
  }) => {
    await store.append('client-a', noStream, newEvents(1));
    await store.close();
    const raw = new DatabaseSync(file);
    raw.exec(`CREATE TRIGGER broken AFTER INSERT ON events WHEN new.type = 'Broken'
            BEGIN SELECT json('{'); END`);
    raw.close();
    const reopened = await reopenedBy(by, file);
    const results = await Promise.allSettled([
      reopened.append('client-b', noStream, newEvents(2)),
      reopened.append('client-c', noStream, [newEvent({}, 'Broken')]),
      reopened.append('client-a', noStream, newEvents(1)),
    ]);
    for (const result of results)
      assert.instance(result.status === 'rejected' && result.reason, StoreUnavailable);
    assert.is((await wholeLog(reopened)).length, 1);
    await reopened.append('client-b', noStream, newEvents(2));
    const log = await wholeLog(reopened);
    assert.is(log.length, 3);
    assertGapFree(log);
    await reopened.close();
  });

/** Mounts a small disk, and says so where this machine does not allow it. */
function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'pipe' });
    return true;
  } catch {
    skipped('no small disk here (mounting a tmpfs needs root)');
    return false;
  }
}

/** Appends five at a time until the disk is full; gives back what was acknowledged and the error. */
async function fill(store: EventStore): Promise<{ acknowledged: string[]; failure: unknown }> {
  const acknowledged: string[] = [];
  for (let at = 0; at < 5000; at++) {
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, async (_, other) => {
        const events = [newEvent({ text: 'sensitive'.repeat(100) }), newEvent()];
        await store.append(`client-${at}-${other}`, noStream, events);
        acknowledged.push(...ids(events));
      }),
    );
    const failed = results.filter((result) => result.status === 'rejected');
    if (failed.length === 0) continue;
    assert.is(failed.length, 5, 'a commit fails as a whole');
    return { acknowledged, failure: failed[0]?.reason };
  }
  return { acknowledged, failure: undefined };
}

for (const by of committers)
  test(`a full disk loses nothing, and the log goes on when there is room again, by ${by}`, async ({
    folder,
  }) => {
    const disk = join(folder, 'disk');
    const file = join(disk, 'log.sqlite');
    mkdirSync(disk);
    if (!mountSmallDisk(disk)) return;
    let store: EventStore | undefined;
    try {
      store = await reopenedBy(by, file);
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(1024 * 1024));
      await store.append('vault-a', noStream, [newEvent({ secret: 'abc' })]);
      const { acknowledged, failure } = await fill(store);
      assert.instance(failure, StoreUnavailable);
      assert.match((failure as Error).message, /full/);
      assert.not.match(`${(failure as Error).stack}`, /sensitive/);
      const large = [newEvent({ text: 'x'.repeat(50_000) })];
      assert.instance(await errorOf(store.append('client-x', noStream, large)), StoreUnavailable);
      assert.equal(ids(await wholeLog(store)), acknowledged, 'reading works on a full disk');

      rmSync(join(disk, 'ballast'));
      await store.append('client-x', noStream, large);
      await store.deleteStream('vault-a');
      await store.close();
      store = openSqliteStore({ file });
      const log = await wholeLog(store);
      assert.equal(ids(log), [...acknowledged, ...ids(large)]);
      assertGapFree(log);
      assert.equal(await store.read('vault-a'), []);
    } finally {
      await store?.close();
      execFileSync('umount', [disk]);
    }
  });

test.run();
