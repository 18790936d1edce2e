/** Journals that are written by a thread: whoever commits does not wait for it, and nothing is left of it at the end. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { journalPagesMax, journalWritePages } from '../../../../src/limits/store.ts';
import { createLogger } from '../../../../src/logger.ts';
import { keepJournals } from '../../../../src/platform/sqlite/journals.ts';
import { noStream } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { ids, newEvent, wholeLog } from '../../../support/stored-events.ts';
import { assert, suite } from '../../../support/suite.ts';
import { bytesIn } from '../../store/sqlite/world.ts';

interface World {
  folder: string;
  lines: string[];
  journals: ReturnType<typeof keepJournals>;
}

const test = suite<World>('journals');
test.before.each((world) => {
  world.folder = mkdtempSync(join(tmpdir(), 'gatebook-journals-'));
  world.lines = [];
  world.journals = keepJournals(
    createLogger({ level: 'info', write: (line) => world.lines.push(line) }),
  );
});
test.after.each(async ({ folder, journals }) => {
  await journals.end();
  rmSync(folder, { recursive: true });
});

/** A file with a journal, and how long it is. */
function written({ folder, journals }: World) {
  const file = join(folder, 'some.sqlite');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE blobs (it)');
  const journal = journals.keep(database, pathToFileURL(file));
  assert.ok(journal, 'the SQLite of the tests is new enough');
  const insert = database.prepare('INSERT INTO blobs VALUES (zeroblob(?))');
  return {
    file,
    database,
    journal,
    /** Commits so many pages, and a few. */
    commit(pages: number): void {
      insert.run(pages * 4096);
      journal.committed();
    },
    length() {
      const { log, checkpointed } = database.prepare('PRAGMA wal_checkpoint(NOOP)').get() as {
        log: number;
        checkpointed: number;
      };
      return { pages: log, waiting: log - checkpointed };
    },
  };
}

test('a journal that grows fast is written while its owner goes on', async (world) => {
  const { commit, length, journal, database, file } = written(world);
  commit(journalWritePages);
  assert.is(length().waiting, 0, 'the first time by whoever commits');
  // One that comes late on a slow machine is a first time again.
  for (let tries = 0; length().waiting === 0 && tries < 20; tries++) commit(journalWritePages);
  assert.ok(length().waiting >= journalWritePages, 'then by the thread');
  commit(1);
  await journal.rest();
  assert.ok(length().waiting < journalWritePages);
  await journal.close();
  database.close();
  assert.not.ok(existsSync(`${file}-wal`), 'its owner is the last to close it');
  assert.equal(world.lines, []);
});

test('a thread that does not keep up makes no journal endless', async (world) => {
  const { commit, length, database } = written(world);
  commit(journalWritePages);
  // The event loop gets no turn, so that nothing is heard of the thread.
  for (let pages = 0; pages < 3 * journalPagesMax; pages += 500) commit(500);
  assert.ok(length().pages < 2 * journalPagesMax, `${length().pages} pages`);
  await world.journals.end();
  database.close();
});

test('what is deleted from the vault is in no byte, also while the thread is at the journal', async (world) => {
  const { commit, journal, database } = written(world);
  for (const pages of [journalWritePages, journalWritePages]) commit(pages);
  await journal.rest();
  const folder = join(world.folder, 'log');
  const store = openSqliteStore({ file: join(folder, 'log.sqlite'), journals: world.journals });
  const secrets: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const secret = randomBytes(16).toString('hex');
    secrets.push(secret);
    await store.append(`vault-${name}`, noStream, [newEvent({ secret })]);
    const text = 'x'.repeat(journalWritePages * 4096);
    await store.append(`client-${name}`, noStream, [newEvent({ text })]);
    await store.deleteStream(`vault-${name}`);
    for (const gone of secrets) assert.not.ok(bytesIn(folder).includes(gone), 'it is gone');
  }
  assert.is(ids(await wholeLog(store)).length, 3);
  await store.close();
  database.close();
});

test('where threads are refused, the event loop goes on by itself and says so once', ({
  folder,
}) => {
  const output = execFileSync(
    process.execPath,
    [
      ...['--permission', '--allow-fs-read=*', `--allow-fs-write=${folder}`],
      ...[fileURLToPath(new URL('./refused-child.ts', import.meta.url)), join(folder, 'some')],
    ],
    { encoding: 'utf8' },
  );
  const { waiting, lines } = JSON.parse(output);
  assert.equal(
    waiting,
    [0, journalWritePages, 0, 0].map((least) => least > 0),
  );
  assert.is(lines.length, 1);
  assert.match(lines[0], 'Journals are written by the event loop');
});

test.run();
