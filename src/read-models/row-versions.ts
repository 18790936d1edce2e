/**
 * Every version of a projection's rows, with the events between which each was in force, for looking
 * back. Equal texts are stored once, so that a pass over all versions stays short.
 */
import { hash as hashOf } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { textIdsHeldMax, versionsPerStepMax } from '../limits/rows.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { RowInserts } from '../platform/sqlite/row-inserts.ts';

interface Version<Row> {
  /** The event that made it so. */
  readonly since: number;
  /** The event that changed it; null: it is so still. */
  readonly until: number | null;
  /** Undefined: the row was gone. */
  readonly row: Row | undefined;
}

/** The rows of some keys in a row. */
interface VersionsStep<Row> {
  /** The keys are greater than this one. */
  readonly after: string;
  /** And not greater than this one; undefined: these were the last. */
  readonly upTo: string | undefined;
  readonly rows: readonly (readonly [key: string, row: Row])[];
}

/** Rows as they were when the log held so many events: `size`. */
export interface VersionedRows<Row> {
  get(key: string, size: number): Row | undefined;
  /**
   * Every row there was, in the order of keys, a step at a time: each reads when it is asked for, and no more
   * than it must. Rows that are alike are one and the same object.
   */
  steps(size: number, after?: string): Iterable<VersionsStep<Row>>;
  /** The rows of the keys of one step. */
  within(
    size: number,
    step: Pick<VersionsStep<unknown>, 'after' | 'upTo'>,
  ): VersionsStep<Row>['rows'];
  /** Every version of one row, oldest first. */
  versions(key: string): readonly Version<Row>[];
}

/** What a version is written as: its text, null where the row is gone, and the member that counts, if it has one. */
interface RowText {
  readonly text: string | null;
  readonly count: number | null;
}

interface Written extends RowText {
  readonly since: number;
  /** The first that there is of this row. */
  readonly isFirst?: boolean;
}

type Statement = ReturnType<DatabaseSync['prepare']>;
interface Stored {
  readonly key: string;
  readonly since: number;
  readonly until: number | null;
  /** The id of its text. */
  readonly text: number | null;
  /** Absent where no member counts. */
  readonly count?: number | null;
}

const hashBytes = 16;

export class RowVersions<Row> implements VersionedRows<Row> {
  /** Versions of the batch in hand: by key, oldest first. */
  readonly #changed = new Map<string, Written[]>();
  readonly #end: Statement;
  readonly #adds: RowInserts;
  readonly #get: Statement;
  readonly #edge: Statement;
  readonly #within: Statement;
  readonly #rest: Statement;
  readonly #versions: Statement;
  readonly #textId: Statement;
  readonly #addText: Statement;
  readonly #text: Statement;
  /** False: no row ever went, so that one that comes has no version before. */
  #someWent: boolean;
  /** Of texts that were lately met: many rows are alike. */
  readonly #textIds = new BoundedMap<string, number>(textIdsHeldMax);
  readonly #counting: string | undefined;

  /** @param counting the member that alone most changes change, as `Projection.pastCounting` says */
  constructor(database: DatabaseSync, name: string, counting?: string) {
    const versions = `versions_${name}`;
    const texts = `texts_${name}`;
    this.#counting = counting;
    const count = counting === undefined ? '' : ', count';
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${versions}
         (key TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, text INTEGER${count},
          PRIMARY KEY (key, since)) WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS ${texts}
         (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);`,
    );
    this.#end = database.prepare(
      `UPDATE ${versions} SET until = ?1
       WHERE key = ?2 AND since = (SELECT max(since) FROM ${versions} WHERE key = ?2)`,
    );
    const columns = ['key', 'since', 'until', 'text'];
    this.#adds = new RowInserts(database, versions, count === '' ? columns : [...columns, 'count']);
    this.#get = database.prepare(
      `SELECT text${count} FROM ${versions} WHERE key = ? AND since < ? ORDER BY since DESC LIMIT 1`,
    );
    this.#edge = database.prepare(
      `SELECT key FROM ${versions} WHERE key > ? ORDER BY key LIMIT 1 OFFSET ${versionsPerStepMax - 1}`,
    );
    const then =
      'since < :size AND (until IS NULL OR until >= :size) AND text IS NOT NULL ORDER BY key';
    this.#within = database.prepare(
      `SELECT key, text${count} FROM ${versions} WHERE key > :after AND key <= :upTo AND ${then}`,
    );
    this.#rest = database.prepare(
      `SELECT key, text${count} FROM ${versions} WHERE key > :after AND ${then}`,
    );
    this.#versions = database.prepare(
      `SELECT since, until, text${count} FROM ${versions} WHERE key = ? ORDER BY since`,
    );
    this.#textId = database.prepare(`SELECT id FROM ${texts} WHERE hash = ?`);
    this.#addText = database.prepare(`INSERT INTO ${texts} (hash, text) VALUES (?, ?)`);
    this.#text = database.prepare(`SELECT text FROM ${texts} WHERE id = ?`);
    this.#someWent = database.prepare(`SELECT 1 FROM ${versions} LIMIT 1`).get() !== undefined;
  }

  static drop(database: DatabaseSync, name: string): void {
    database.exec(`DROP TABLE IF EXISTS versions_${name}; DROP TABLE IF EXISTS texts_${name};`);
  }

  /**
   * Event `index` made one row of another; undefined: there was none, or is none. What does not show in what stays
   * of it is no version.
   */
  change(key: string, before: Row | undefined, after: Row | undefined, index: number): void {
    const known = this.#changed.get(key);
    const { text, count } = this.#written(after);
    const last = known?.at(-1) ?? this.#written(before);
    if (text === last.text && count === last.count) return;
    const isFirst = before === undefined && !this.#someWent;
    if (text === null) this.#someWent = true;
    if (known === undefined) this.#changed.set(key, [{ since: index, text, count, isFirst }]);
    else known.push({ since: index, text, count });
  }

  #written(row: Row | undefined): RowText {
    if (row === undefined) return { text: null, count: null };
    const counting = this.#counting;
    if (counting === undefined) return { text: JSON.stringify(row), count: null };
    const count = (row as Readonly<Record<string, number>>)[counting] ?? 0;
    return { text: JSON.stringify({ ...row, [counting]: 0 }), count };
  }

  /** Writes what the batch changed, inside the caller's transaction. */
  flush(): void {
    for (const [key, versions] of this.#changed) {
      if (versions[0]?.isFirst !== true) this.#end.run(versions[0]?.since ?? 0, key);
      for (const [at, { since, text, count }] of versions.entries()) {
        const until = versions[at + 1]?.since ?? null;
        const id = text === null ? null : this.#idOf(text);
        if (this.#counting === undefined) this.#adds.add(key, since, until, id);
        else this.#adds.add(key, since, until, id, count);
      }
    }
    this.#adds.flush();
    this.#changed.clear();
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
    this.#changed.clear();
    this.#adds.abandon();
    this.#textIds.clear();
  }

  #storedIdOf(text: string): number {
    const hash = hashOf('sha256', text, 'buffer').subarray(0, hashBytes);
    const known = this.#textId.get(hash) as { id: number } | undefined;
    return known?.id ?? Number(this.#addText.run(hash, text).lastInsertRowid);
  }

  #rowOf(stored: Pick<Stored, 'text' | 'count'> | undefined): Row | undefined {
    if (stored === undefined || stored.text === null) return undefined;
    const found = this.#text.get(stored.text) as { text: string };
    const row = JSON.parse(found.text) as Row;
    if (this.#counting !== undefined)
      Object.assign(row as object, { [this.#counting]: stored.count });
    return row;
  }

  get(key: string, size: number): Row | undefined {
    return this.#rowOf(this.#get.get(key, size) as unknown as Stored | undefined);
  }

  *steps(size: number, after = ''): Generator<VersionsStep<Row>, void, void> {
    const known = new Map<number | null, Row>();
    let from: string | undefined = after;
    while (from !== undefined) {
      const edge = this.#edge.get(from) as { key: string } | undefined;
      const keys: Pick<VersionsStep<Row>, 'after' | 'upTo'> = { after: from, upTo: edge?.key };
      yield { ...keys, rows: this.within(size, keys, known) };
      from = edge?.key;
    }
  }

  within(
    size: number,
    { after, upTo }: Pick<VersionsStep<Row>, 'after' | 'upTo'>,
    known = new Map<number | null, Row>(),
  ): VersionsStep<Row>['rows'] {
    const found = (upTo === undefined
      ? this.#rest.all({ size, after })
      : this.#within.all({ size, after, upTo })) as unknown as Stored[];
    return found.flatMap((stored) => {
      const row = known.get(stored.text) ?? this.#rowOf(stored);
      if (row === undefined) return [];
      // Whose texts are alike may have counted further.
      if (this.#counting === undefined) known.set(stored.text, row);
      return [[stored.key, row] as const];
    });
  }

  versions(key: string): readonly Version<Row>[] {
    const found = this.#versions.all(key) as unknown as Stored[];
    return found.map((stored) => {
      const { since, until } = stored;
      return { since, until, row: this.#rowOf(stored) };
    });
  }
}
