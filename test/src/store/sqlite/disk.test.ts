/** The embedded log on a disk that does not answer or fails, and with a thread that ends or may not start. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createLogger } from '../../../../src/logger.ts';
import { beginning, noStream } from '../../../../src/store/event-store.ts';
import { openLogFile } from '../../../../src/store/sqlite/file.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { WriterInThread } from '../../../../src/store/sqlite/writer-in-thread.ts';
import { skipped } from '../../../support/skipped.ts';
import { newEvent, wholeLog } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import { committers, openedInThread, sqliteSuite } from './world.ts';

const test = sqliteSuite('sqlite disk');

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const child = here('./disk-child.ts');

/** Undefined, and said so, where the disk's faults cannot be made. */
function faultyDisk(folder: string): Record<string, string> | undefined {
  const library = join(folder, 'sync-faults.so');
  try {
    if (process.platform !== 'linux') throw new Error('no LD_PRELOAD');
    const source = here('../../../support/sync-faults.c');
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source], { stdio: 'pipe' });
  } catch {
    skipped('no faults of the disk (they need Linux and a C compiler)');
    return undefined;
  }
  return { LD_PRELOAD: library, SYNC_FAULTS: folder };
}

function outcomeOf(given: string[], environment: Record<string, string>, options: string[] = []) {
  const output = execFileSync(process.execPath, [...options, child, ...given], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return JSON.parse(output);
}

for (const by of committers)
  test(`what the disk did not take is told to nobody, and the log goes on, by ${by}`, ({
    folder,
  }) => {
    const disk = faultyDisk(folder);
    if (disk === undefined) return;
    const outcome = outcomeOf(['failed', join(folder, 'failed', 'log.sqlite'), by], disk);
    const log = ['client-a', 'client-c', 'client-b'];
    assert.equal(outcome, {
      error: 'StoreUnavailable',
      meanwhile: { log: ['client-a'], head: 1, secrets: 0, texts: 1 },
      after: { log, head: 3, secrets: 1, texts: 3 },
      followed: log,
    });
  });

test('nothing is answered, read or followed before the disk has it, and the event loop goes on', ({
  folder,
}) => {
  const disk = faultyDisk(folder);
  if (disk === undefined) return;
  const outcome = outcomeOf(['held', join(folder, 'held-up', 'log.sqlite'), 'thread'], disk);
  const before = { log: ['client-a'], head: 1, secrets: 0, texts: 1 };
  const log = ['client-a', 'client-b', 'client-c'];
  assert.equal(outcome, {
    meanwhile: { ...before, stream: 0, answered: [], followed: ['client-a'] },
    after: { log, head: 3, secrets: 2, texts: 3 },
    answered: ['client-b', 'client-c'],
    followed: log,
  });
});

for (const moment of ['before', 'after'])
  test(`where the thread ends ${moment} a commit, nobody is told more than is there, and the event loop commits`, ({
    folder,
  }) => {
    const armed = join(folder, 'end');
    writeFileSync(armed, moment);
    const preload = pathToFileURL(here('./ended-at-commit.ts')).href;
    const outcome = outcomeOf(
      ['ended', join(folder, 'ended', 'log.sqlite'), 'thread'],
      { ENDED_AT_COMMIT: armed },
      [`--import=${preload}`],
    );
    const there = moment === 'after' ? ['client-a'] : [];
    assert.equal(outcome, {
      error: 'StoreUnavailable',
      meanwhile: {
        ...{ log: there, head: there.length },
        ...{ secrets: there.length, texts: there.length },
      },
      seen: there,
      after: { log: ['client-a', 'client-b'], head: 2, secrets: there.length + 1, texts: 2 },
      followed: ['client-a', 'client-b'],
    });
  });

/** How many events are in the file: of another connection, which sees what was committed. */
function committedIn(file: string) {
  const address = pathToFileURL(file);
  address.searchParams.set('vfs', 'unix-excl');
  const other = new DatabaseSync(address, { readOnly: true });
  const count = other.prepare('SELECT count(*) AS count FROM events');
  return { count: () => count.get()?.count, close: () => other.close() };
}

for (const by of committers)
  test(`until those who wait for a commit are told the log stands still, by ${by}`, async ({
    folder,
  }) => {
    const file = join(folder, `still by ${by}`, 'log.sqlite');
    const store = by === 'thread' ? await openedInThread({ file }) : openSqliteStore({ file });
    const committed = committedIn(file);
    const told = async () => ({
      log: (await wholeLog(store)).length,
      texts: (await store.readTexts?.(beginning, 9))?.length,
      head: Number(await store.head()),
      secrets: (await store.readVault(beginning, 9)).length,
    });
    const secret = { stream: 'vault-a', event: newEvent() };
    const appended = store.append('client-a', noStream, [newEvent()], [secret]);
    // A commit begins two turns after the first write that it takes.
    await nextTurn();
    await nextTurn();
    // By a thread: the turn does not end before it has committed.
    while (committed.count() === 0);
    assert.equal(await told(), { log: 0, texts: 0, head: 0, secrets: 0 });
    await appended;
    assert.equal(await told(), { log: 1, texts: 1, head: 1, secrets: 1 });
    committed.close();
    await store.close();
  });

test('a log that is closed tells those of a commit that is on disk already', async ({ folder }) => {
  const file = join(folder, 'closed', 'log.sqlite');
  const store = openSqliteStore({ file });
  const committed = committedIn(file);
  let isTold = false;
  const appended = store.append('client-a', noStream, [newEvent()]);
  appended.then(() => {
    isTold = true;
  });
  while (committed.count() === 0) await nextTurn();
  committed.close();
  assert.not.ok(isTold);
  await store.close();
  // The turn does not end before they hear of it.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.ok(isTold);
});

test('where threads are refused, the event loop commits and says so once', ({ folder }) => {
  const own = join(folder, 'refused');
  mkdirSync(own);
  const { lines, after } = outcomeOf(['refused', join(own, 'log.sqlite')], {}, [
    ...['--permission', '--allow-fs-read=*', `--allow-fs-write=${own}`],
  ]);
  assert.is(lines.length, 1);
  assert.match(lines[0], 'on the event loop, since no thread can');
  assert.equal(after.log, ['client-a', 'client-b']);
});

test('a thread commits once commits of several take more of the event loop than their share', async ({
  folder,
}) => {
  const { address, close } = openLogFile(join(folder, 'shared.sqlite'));
  const isThere = Promise.withResolvers<string>();
  const logger = createLogger({ level: 'debug', write: isThere.resolve });
  assert.ok(address);
  let loopEvents = 0;
  const writer = new WriterInThread(address, {
    ...{ logger, loopMsMax: 60_000 },
    loopEvents: () => loopEvents,
  });
  writer.took(20, 2);
  // Alone, in a closed loop; then beside many others.
  loopEvents += 6;
  writer.took(60, 1);
  loopEvents += 100;
  writer.took(20, 1);
  assert.not.ok(writer.isStarted);
  loopEvents += 100;
  writer.took(60, 1);
  assert.ok(writer.isStarted);
  assert.match(await isThere.promise, 'made by a thread');
  assert.ok(writer.isInUse);
  await writer.end();
  assert.not.ok(writer.isInUse);
  close();
});

test.run();
