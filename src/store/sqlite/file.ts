/** The file of the embedded log: makes it, locks it, and refuses one that is not ours to write. */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { makePrivateDatabase } from '../../platform/private-file.ts';
import { damagedCode, notADatabaseCode, sqliteCode } from '../../platform/sqlite/result-codes.ts';
import { StoreLocked } from '../errors.ts';
import { assertLive, type Purpose } from '../log-state.ts';
import { logStateIn } from './log-state.ts';
import { writerPragmas } from './pragmas.ts';

/** "GBlg" in the header of the file: it is a Gatebook log, and no other program's database. */
const applicationId = 0x47426c67;
const schemaVersion = 1;

/**
 * In the vault, `data` becomes zeros of the same length when a stream is deleted, and the deletion is
 * a row without a revision. Rows never go, so no page is ever rearranged: SQLite leaves copies of rows
 * in the pages it moves them out of, and `secure_delete` does not reach those.
 */
const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE events (
    place INTEGER PRIMARY KEY, eventId TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL, revision INTEGER NOT NULL, type TEXT NOT NULL,
    data TEXT NOT NULL, metadata TEXT NOT NULL,
    UNIQUE (stream, revision)
  ) STRICT;
  CREATE TABLE vault (
    place INTEGER PRIMARY KEY, eventId TEXT UNIQUE,
    stream TEXT NOT NULL, revision INTEGER, type TEXT,
    data ANY, metadata TEXT,
    UNIQUE (stream, revision)
  ) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

const busyCode = 5;

/** A lock of the process keeps others out, and this one may have a second connection. Windows has none of that kind. */
const locksProcess = process.platform !== 'win32';

/** Device and inode of the logs that are open here: a lock of the process does not keep the process out. */
const openHere = new Set<string>();

function addressOf(file: string): URL {
  const url = pathToFileURL(file);
  if (locksProcess) url.searchParams.set('vfs', 'unix-excl');
  return url;
}

const lockedBy = (file: string, who: string) =>
  new StoreLocked(
    `${file} is open in ${who}: stop that Gatebook first, or choose another data folder`,
  );

const numberOf = (database: DatabaseSync, pragma: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);

function refuseForeign(database: DatabaseSync, file: string): void {
  const version = numberOf(database, 'user_version');
  // SQLite takes a file of a few bytes for an empty one.
  if (statSync(file).size === 0) return;
  if (numberOf(database, 'application_id') !== applicationId)
    throw new Error(`${file} is not a Gatebook log: move it away, or choose another data folder`);
  if (version > schemaVersion)
    throw new Error(
      `${file} was written by a newer Gatebook (log version ${version}, this one knows ${schemaVersion}): use that one`,
    );
}

/**
 * Looks at the file's first page without a lock, a journal or a byte written. It goes through SQLite
 * because closing a file by other means would drop the locks that this process may hold on it.
 */
function refuseForeignFile(file: string): void {
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  try {
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      refuseForeign(database, file);
    } finally {
      database.close();
    }
  } catch (error) {
    // Without its journal it tells of pages that are not there yet, if a checkpoint was killed: with it, it is looked
    // at again under the lock.
    if (sqliteCode(error) === damagedCode) return;
    if (sqliteCode(error) !== notADatabaseCode) throw error;
    throw new Error(`${file} is not a Gatebook log: move it away, or choose another data folder`);
  }
}

/** Takes the lock, which only the end of the process or `close` gives back, and makes the tables. */
function lockAndCreate(database: DatabaseSync, file: string, purpose?: Purpose): string {
  if (!locksProcess) database.exec('PRAGMA locking_mode = EXCLUSIVE');
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    if (sqliteCode(error) !== busyCode) throw error;
    throw lockedBy(file, 'another process');
  }
  if (database.prepare('SELECT 1 FROM sqlite_schema').get()) refuseForeign(database, file);
  else {
    database.exec(schema);
    database.prepare(`INSERT INTO meta VALUES ('logId', ?)`).run(randomUUID());
  }
  database.exec('COMMIT');
  assertLive(logStateIn(database).read(), purpose);
  return String(database.prepare(`SELECT value FROM meta WHERE name = 'logId'`).get()?.value);
}

interface LogFile {
  readonly database: DatabaseSync;
  readonly logId: string;
  /** Where another connection of this process finds it; undefined: none does. */
  readonly address: URL | undefined;
  readonly close: () => void;
}

/**
 * Opens the log and keeps it for this process alone; makes it, with mode 0600, where there is none.
 * @throws StoreLocked when another process has it; LogNotLive when it was moved away; an Error that
 *   names the file when it is no Gatebook log or a newer one, which is left as it was.
 */
export function openLogFile(file: string, purpose?: Purpose): LogFile {
  makePrivateDatabase(file);
  const { dev, ino } = statSync(file, { bigint: true });
  const identity = `${dev} ${ino}`;
  if (openHere.has(identity)) throw lockedBy(file, 'this process');
  refuseForeignFile(file);
  const address = addressOf(file);
  const database = new DatabaseSync(address, { timeout: 0 });
  try {
    const logId = lockAndCreate(database, file, purpose);
    database.exec(`PRAGMA journal_mode = WAL; ${writerPragmas()}`);
    openHere.add(identity);
    const close = () => {
      database.close();
      openHere.delete(identity);
    };
    return { database, logId, address: locksProcess ? address : undefined, close };
  } catch (error) {
    database.close();
    if (sqliteCode(error) !== damagedCode) throw error;
    throw new Error(
      `${file} is damaged (${(error as Error).message}): keep it as it is, and restore a backup into another data folder`,
    );
  }
}
