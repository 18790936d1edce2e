/** Ends the halves of a draft, and puts them into one file: each index is made in one pass over all rows. */
import { DatabaseSync } from 'node:sqlite';
import { draftMappedBytes } from '../../limits/rows.ts';
import { draftPragmas } from '../database.ts';
import type { AnyProjection } from '../read-models.ts';
import { RowTable } from '../row-table.ts';

/** What both halves have: how far each model is goes together, all else is the same. */
const inBoth = ['models', 'facts', 'notes'];

/** Each pass reads the whole table: from the system's memory where it stands, with no copy of each page. */
const mapped = `${draftPragmas} PRAGMA mmap_size = ${draftMappedBytes};`;

/** All of it is written or none. */
function written(file: string, write: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(mapped);
    write(database);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

/** Makes the indexes of a half that has all of its rows. */
export function makeIndexes(file: string, projections: readonly AnyProjection[]): void {
  written(file, (database) => {
    database.exec('BEGIN IMMEDIATE');
    for (const projection of projections) RowTable.createIndexes(database, projection);
  });
}

/** @throws Error where the halves do not end at the same event */
export function makeWhole(file: string, otherHalf: string): void {
  written(file, (database) => {
    database.prepare('ATTACH ? AS other').run(otherHalf);
    database.exec('BEGIN IMMEDIATE');
    const schema = database
      .prepare(
        `SELECT type, tbl_name AS "table", sql FROM other.sqlite_schema
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC`,
      )
      .all() as { type: string; table: string; sql: string }[];
    const theirs = schema.filter(({ table }) => !inBoth.includes(table));
    for (const { sql } of theirs) database.exec(sql);
    // Tables and indexes are declared alike: SQLite copies the pages' entries as they stand, in their order.
    for (const { type, table } of theirs)
      if (type === 'table') database.exec(`INSERT INTO main.${table} SELECT * FROM other.${table}`);
    database.exec('INSERT INTO main.models SELECT * FROM other.models');
    const [places, ...more] = database
      .prepare('SELECT DISTINCT position, number FROM main.models')
      .all();
    if (places === undefined || more.length > 0) throw new Error('a half of the rows is missing');
  });
}
