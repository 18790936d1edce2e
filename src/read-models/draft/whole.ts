/** Puts the two halves of a draft into one file, and makes the indexes: each in one pass over all rows. */
import { DatabaseSync } from 'node:sqlite';
import { allProjections } from '../all.ts';
import { draftPragmas } from '../database.ts';
import { RowTable } from '../row-table.ts';

/** What both halves have: how far each model is goes together, all else is the same. */
const inBoth = ['models', 'facts', 'notes'];

/** @throws Error where the halves do not end at the same event */
export function makeWhole(file: string, otherHalf: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(draftPragmas);
    database.prepare('ATTACH ? AS other').run(otherHalf);
    database.exec('BEGIN IMMEDIATE');
    const tables = database
      .prepare(
        `SELECT name, sql FROM other.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
      )
      .all() as { name: string; sql: string }[];
    for (const { name, sql } of tables.filter((table) => !inBoth.includes(table.name))) {
      database.exec(sql);
      // Both tables are declared alike: SQLite copies rows as they stand.
      database.exec(`INSERT INTO main.${name} SELECT * FROM other.${name}`);
    }
    database.exec('INSERT INTO main.models SELECT * FROM other.models');
    const [places, ...more] = database
      .prepare('SELECT DISTINCT position, number FROM main.models')
      .all();
    if (places === undefined || more.length > 0) throw new Error('a half of the rows is missing');
    for (const projection of allProjections) RowTable.createIndexes(database, projection);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}
