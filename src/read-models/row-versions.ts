/**
 * Every version of a projection's rows, with the events between which each was in force, for looking
 * back. Equal texts are stored once, so that a pass over all versions stays short.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { textIdsHeldMax } from '../limits.ts';
import { BoundedMap } from '../platform/bounded-map.ts';

interface Version<Row> {
  /** The event that made it so. */
  readonly since: number;
  /** The event that changed it; null: it is so still. */
  readonly until: number | null;
  /** Undefined: the row was gone. */
  readonly row: Row | undefined;
}

/** Rows as they were when the log held so many events: `size`. */
export interface VersionedRows<Row> {
  get(key: string, size: number): Row | undefined;
  /** Every row there was, in the order of keys; rows that are alike are one and the same object. */
  all(size: number): Iterable<readonly [key: string, row: Row]>;
  /** Every version of one row, oldest first. */
  versions(key: string): readonly Version<Row>[];
}

type Statement = ReturnType<DatabaseSync['prepare']>;
type Stored = { key: string; since: number; until: number | null; text: number | null };

const hashBytes = 16;

export class RowVersions<Row> implements VersionedRows<Row> {
  readonly #end: Statement;
  readonly #add: Statement;
  readonly #get: Statement;
  readonly #all: Statement;
  readonly #versions: Statement;
  readonly #textId: Statement;
  readonly #addText: Statement;
  readonly #text: Statement;
  /** Of texts that were lately met: many rows are alike. */
  readonly #textIds = new BoundedMap<string, number>(textIdsHeldMax);

  constructor(database: DatabaseSync, name: string) {
    const versions = `versions_${name}`;
    const texts = `texts_${name}`;
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${versions}
         (key TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, text INTEGER,
          PRIMARY KEY (key, since)) WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS ${texts}
         (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);`,
    );
    this.#end = database.prepare(
      `UPDATE ${versions} SET until = ?1
       WHERE key = ?2 AND since = (SELECT max(since) FROM ${versions} WHERE key = ?2) AND since <> ?1`,
    );
    this.#add = database.prepare(
      `INSERT OR REPLACE INTO ${versions} (key, since, until, text) VALUES (?, ?, NULL, ?)`,
    );
    this.#get = database.prepare(
      `SELECT text FROM ${versions} WHERE key = ? AND since < ? ORDER BY since DESC LIMIT 1`,
    );
    this.#all = database.prepare(
      `SELECT key, text FROM ${versions}
       WHERE since < ? AND (until IS NULL OR until >= ?) AND text IS NOT NULL ORDER BY key`,
    );
    this.#versions = database.prepare(
      `SELECT since, until, text FROM ${versions} WHERE key = ? ORDER BY since`,
    );
    this.#textId = database.prepare(`SELECT id FROM ${texts} WHERE hash = ?`);
    this.#addText = database.prepare(`INSERT INTO ${texts} (hash, text) VALUES (?, ?)`);
    this.#text = database.prepare(`SELECT text FROM ${texts} WHERE id = ?`);
  }

  static drop(database: DatabaseSync, name: string): void {
    database.exec(`DROP TABLE IF EXISTS versions_${name}; DROP TABLE IF EXISTS texts_${name};`);
  }

  /** Writes the row as event `index` left it, inside the caller's transaction. */
  change(key: string, row: Row | undefined, index: number): void {
    this.#end.run(index, key);
    this.#add.run(key, index, row === undefined ? null : this.#idOf(JSON.stringify(row)));
  }

  #idOf(text: string): number {
    const held = this.#textIds.get(text);
    if (held !== undefined) return held;
    const id = this.#storedIdOf(text);
    this.#textIds.set(text, id);
    return id;
  }

  /** Forgets what may have been undone. */
  abandon(): void {
    this.#textIds.clear();
  }

  #storedIdOf(text: string): number {
    const hash = createHash('sha256').update(text).digest().subarray(0, hashBytes);
    const known = this.#textId.get(hash) as { id: number } | undefined;
    return known?.id ?? Number(this.#addText.run(hash, text).lastInsertRowid);
  }

  #rowOf(text: number | null | undefined): Row | undefined {
    if (text === null || text === undefined) return undefined;
    const found = this.#text.get(text) as { text: string };
    return JSON.parse(found.text) as Row;
  }

  get(key: string, size: number): Row | undefined {
    return this.#rowOf((this.#get.get(key, size) as Stored | undefined)?.text);
  }

  *all(size: number): Generator<readonly [key: string, row: Row], void, void> {
    const rows = new Map<number | null, Row>();
    for (const { key, text } of this.#all.iterate(size, size) as Iterable<Stored>) {
      const row = rows.get(text) ?? this.#rowOf(text);
      if (row === undefined) continue;
      rows.set(text, row);
      yield [key, row];
    }
  }

  versions(key: string): readonly Version<Row>[] {
    const found = this.#versions.all(key) as unknown as Stored[];
    return found.map(({ since, until, text }) => ({ since, until, row: this.#rowOf(text) }));
  }
}
