/** The file of the embedded log: who may read it, who has it, and which file it must not touch. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreLocked } from '../../../../src/store/errors.ts';
import { noStream } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { ids, newEvents, wholeLog } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import { bytesIn, child, sqliteSuite } from './world.ts';

const test = sqliteSuite('sqlite file');

function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

const inChild = (what: string, file: string) =>
  JSON.parse(execFileSync(process.execPath, [child, what, file], { encoding: 'utf8' }));

test('the folder is made, and only its owner reads the files', async ({ file, folder, store }) => {
  await store.append('client-a', noStream, newEvents(1));
  const files = readdirSync(join(folder, 'data'));
  assert.equal(files.sort(), ['log.sqlite', 'log.sqlite-wal']);
  for (const name of files)
    assert.is(statSync(join(folder, 'data', name)).mode & 0o777, 0o600, name);
  await store.close();
  assert.equal(readdirSync(join(folder, 'data')), ['log.sqlite']);
  assert.is(statSync(file).mode & 0o777, 0o600);
});

test('a second process is refused, and told the file and what to do', async ({ file, store }) => {
  const answer = inChild('open', file);
  assert.is(answer.name, 'StoreLocked');
  assert.ok(answer.message.includes(file));
  assert.match(answer.message, 'stop that Gatebook first');

  assert.instance(
    thrownBy(() => openSqliteStore({ file })),
    StoreLocked,
  );
  assert.is(inChild('open', file).name, 'StoreLocked', 'a refusal here does not drop the lock');
  await store.close();
  assert.equal(inChild('open', file), { opened: store.logId });
});

for (const [what, content] of [
  ['text', Buffer.from('this is a diary\n'.repeat(100))],
  ['one byte', Buffer.from('x')],
] as const)
  test(`a file of ${what} is refused and left alone`, ({ folder }) => {
    const file = join(folder, 'other');
    writeFileSync(file, content);
    assert.match(thrownBy(() => openSqliteStore({ file })).message, /other is not a Gatebook log/);
    assert.equal(readFileSync(file), content);
    assert.equal(readdirSync(folder).sort(), ['data', 'other']);
  });

test('another program’s database is refused and left alone', ({ folder }) => {
  const file = join(folder, 'other.sqlite');
  const other = new DatabaseSync(file);
  other.exec('PRAGMA journal_mode = WAL; CREATE TABLE events (place INTEGER)');
  const before = bytesIn(folder);
  assert.match(thrownBy(() => openSqliteStore({ file })).message, /is not a Gatebook log/);
  assert.equal(bytesIn(folder), before);
  other.close();
});

test('a log of a newer version is refused and left alone', async ({ file, store }) => {
  await store.append('client-a', noStream, newEvents(1));
  await store.close();
  const newer = new DatabaseSync(file);
  newer.exec('PRAGMA user_version = 2');
  newer.close();
  const before = readFileSync(file);
  assert.match(thrownBy(() => openSqliteStore({ file })).message, /newer Gatebook.*version 2/);
  assert.equal(readFileSync(file), before);
});

test('an empty file becomes a log', async ({ folder }) => {
  const file = join(folder, 'empty');
  writeFileSync(file, '');
  const store = openSqliteStore({ file });
  await store.append('client-a', noStream, newEvents(1));
  await store.close();
});

test('a kill in the middle of a checkpoint leaves a log that opens, with everything in it', async ({
  folder,
  file,
  store,
}) => {
  for (let count = 0; count < 20; count++)
    await store.append(`client-${count}`, noStream, newEvents(5));
  const whole = ids(await wholeLog(store));
  const killed = join(folder, 'killed', 'log.sqlite');
  mkdirSync(dirname(killed));
  copyFileSync(`${file}-wal`, `${killed}-wal`);
  // The first page is written first: it tells of pages that only the journal has yet.
  const bytes = readFileSync(file);
  bytes.writeUInt32BE(bytes.readUInt32BE(28) + 40, 28);
  bytes.copy(bytes, 92, 24, 28);
  writeFileSync(killed, bytes, { mode: 0o600 });
  const again = openSqliteStore({ file: killed });
  assert.equal(ids(await wholeLog(again)), whole);
  await again.close();
});

test.run();
