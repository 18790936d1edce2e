/** Every version of a projection's rows, with the events between which it was so: for a look back. */
import type { DatabaseSync } from 'node:sqlite';

export interface Version<Row> {
  /** The event that made it so. */
  readonly since: number;
  /** The event that changed it; null: it is so still. */
  readonly until: number | null;
  /** Undefined: the row was gone. */
  readonly row: Row | undefined;
}

/** Rows as they were when the log held so many events: `size`. */
export interface PastRows<Row> {
  get(key: string, size: number): Row | undefined;
  /** Every row there was, in the order of keys. */
  all(size: number): Iterable<readonly [key: string, row: Row]>;
  /** Every version of one row, oldest first. */
  versions(key: string): readonly Version<Row>[];
}

type Statement = ReturnType<DatabaseSync['prepare']>;
type Stored = { key: string; since: number; until: number | null; row: string | null };

export class PastTable<Row> implements PastRows<Row> {
  readonly #newest: Statement;
  readonly #end: Statement;
  readonly #add: Statement;
  readonly #get: Statement;
  readonly #all: Statement;
  readonly #versions: Statement;

  constructor(database: DatabaseSync, name: string) {
    const table = `versions_${name}`;
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${table}
         (key TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, row TEXT,
          PRIMARY KEY (key, since)) WITHOUT ROWID;`,
    );
    this.#newest = database.prepare(`SELECT max(since) AS since FROM ${table} WHERE key = ?`);
    this.#end = database.prepare(`UPDATE ${table} SET until = ? WHERE key = ? AND since = ?`);
    this.#add = database.prepare(
      `INSERT OR REPLACE INTO ${table} (key, since, until, row) VALUES (?, ?, NULL, ?)`,
    );
    this.#get = database.prepare(
      `SELECT row FROM ${table} WHERE key = ? AND since < ? ORDER BY since DESC LIMIT 1`,
    );
    this.#all = database.prepare(
      `SELECT key, row FROM ${table}
       WHERE since < ? AND (until IS NULL OR until >= ?) AND row IS NOT NULL ORDER BY key`,
    );
    this.#versions = database.prepare(
      `SELECT since, until, row FROM ${table} WHERE key = ? ORDER BY since`,
    );
  }

  static drop(database: DatabaseSync, name: string): void {
    database.exec(`DROP TABLE IF EXISTS versions_${name}`);
  }

  /** Writes the row as event `index` left it, inside the caller's transaction. */
  change(key: string, row: Row | undefined, index: number): void {
    const { since } = this.#newest.get(key) as { since: number | null };
    if (since !== null && since !== index) this.#end.run(index, key, since);
    this.#add.run(key, index, row === undefined ? null : JSON.stringify(row));
  }

  get(key: string, size: number): Row | undefined {
    return parsed<Row>(this.#get.get(key, size) as Stored | undefined);
  }

  *all(size: number): Generator<readonly [key: string, row: Row], void, void> {
    for (const found of this.#all.iterate(size, size) as Iterable<Stored>) {
      const row = parsed<Row>(found);
      if (row !== undefined) yield [found.key, row];
    }
  }

  versions(key: string): readonly Version<Row>[] {
    const found = this.#versions.all(key) as unknown as Stored[];
    return found.map((stored) => ({
      since: stored.since,
      until: stored.until,
      row: parsed<Row>(stored),
    }));
  }
}

const parsed = <Row>(stored: Stored | undefined): Row | undefined =>
  stored === undefined || stored.row === null ? undefined : (JSON.parse(stored.row) as Row);
