/** Opens the file of the read models, and drops the rows that are stale: of another log or version. */
import { DatabaseSync } from 'node:sqlite';
import { draftCacheKibibytes, rowsCacheKibibytes } from '../limits/rows.ts';
import { makePrivateDatabase } from '../platform/private-file.ts';
import type { Journals } from '../platform/sqlite/journals.ts';
import { isDamaged } from '../platform/sqlite/result-codes.ts';
import { beginning, type Position } from '../store/event-store.ts';
import { RowTable } from './row-table.ts';

/** What has a checkpoint in the file: a projection, or what is kept beside the rows. */
interface Named {
  readonly name: string;
  readonly version: number;
}

export interface RowsFileOptions {
  readonly file: string;
  readonly logId: string;
  /** Where the log's newest event stands. */
  readonly head: Position;
  /** Drops all rows first. */
  readonly rebuild?: boolean;
  /** A new file that nobody reads before it is whole: without a journal, indexes or a commit before it is closed. */
  readonly isDraft?: boolean;
  /** Where absent, the commits that make the journal long write it. */
  readonly journals?: Journals | undefined;
}

/** In place of a file: the rows are gone with the process. */
export const inMemory = ':memory:';

/** Rows can be folded again at any time: no need to wait for the disk at each batch. */
const pragmas = `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
   PRAGMA cache_size = -${rowsCacheKibibytes};`;
/** For a file that is thrown away unless all of it was written. */
export const draftPragmas = `PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
   PRAGMA cache_size = -${draftCacheKibibytes};`;

/** Another layout of the file itself: everything is folded again. */
const layoutVersion = 2;

/** Opens the file, made if missing, mode 0600, for `models` and no others. */
export function openRowsFile(options: RowsFileOptions, models: readonly Named[]): DatabaseSync {
  const { file } = options;
  if (file !== inMemory) makePrivateDatabase(file);
  const database = new DatabaseSync(file);
  try {
    return prepared(database, options, models);
  } catch (error) {
    database.close();
    if (!isDamaged(error)) throw error;
    throw new Error(
      `${file} is damaged (${(error as Error).message}): make it anew from the log with gatebook rebuild`,
      { cause: error },
    );
  }
}

function prepared(
  database: DatabaseSync,
  options: RowsFileOptions,
  models: readonly Named[],
): DatabaseSync {
  database.exec(
    `${options.isDraft === true ? draftPragmas : pragmas}
     CREATE TABLE IF NOT EXISTS models
       (name TEXT PRIMARY KEY, version INTEGER NOT NULL, position TEXT NOT NULL, number INTEGER NOT NULL);
     CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
     CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);`,
  );
  dropStaleRows(database, options, models);
  return database;
}

function dropStaleRows(
  database: DatabaseSync,
  { logId, head, rebuild = false }: RowsFileOptions,
  models: readonly Named[],
): void {
  const fact = database.prepare("SELECT value FROM facts WHERE name = 'log'").get() as
    | { value: string }
    | undefined;
  const identity = `${layoutVersion} ${logId}`;
  const known = database.prepare('SELECT name, version, position FROM models').all() as {
    name: string;
    version: number;
    position: string;
  }[];
  const another = rebuild || (fact !== undefined && fact.value !== identity);
  const versions = new Map(models.map(({ name, version }) => [name, version]));
  database.exec('BEGIN IMMEDIATE');
  for (const { name, version, position } of known) {
    if (!another && position <= head && versions.get(name) === version) continue;
    RowTable.drop(database, name);
    database.exec('DELETE FROM notes');
    database.prepare('DELETE FROM models WHERE name = ?').run(name);
  }
  database.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES ('log', ?)").run(identity);
  database.exec('COMMIT');
  // Nothing is left: the file gives its pages back.
  if (another) database.exec('VACUUM');
}

/** How far a model is; a new one begins at the log's first event. */
export function foldedUpTo(
  database: DatabaseSync,
  { name, version }: Named,
): { position: Position; index: number } {
  // From the start, so that its table is known for a later version to drop.
  database
    .prepare('INSERT OR IGNORE INTO models (name, version, position, number) VALUES (?, ?, ?, 0)')
    .run(name, version, beginning);
  const found = database
    .prepare('SELECT position, number AS "index" FROM models WHERE name = ?')
    .get(name) as { position: string; index: number };
  return { ...found };
}

/** The position of the model that is furthest behind. */
export const furthestBehind = (database: DatabaseSync): Position =>
  (
    database.prepare('SELECT min(position) AS position FROM models').get() as {
      position: string | null;
    }
  ).position ?? beginning;
