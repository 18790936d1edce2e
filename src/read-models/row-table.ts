/** The rows of one projection in SQLite: written in batches, found by key and by column. */
import type { DatabaseSync } from 'node:sqlite';
import type { ColumnValue, Projection } from '../../projections/projection.ts';
import {
  absentKeysMax,
  clientsHeldCharactersMax,
  rowsHeldCharactersMax,
  statementsHeldMax,
} from '../limits/rows.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { serial } from '../platform/serial.ts';
import { allSql, type Condition, conditionSql } from './condition-sql.ts';
import { cursorsOf, MalformedCursor } from './cursor.ts';
import { AbsentKeys, type HeldRow, HeldRows, KeysWritten } from './held-rows.ts';
import { type Counts, RowTally } from './row-tally.ts';
import { RowVersions } from './row-versions.ts';
import { type ChangedRow, RowWriter, type WrittenRow } from './row-writer.ts';
import { type SearchLimits, searchRows } from './search/row-search.ts';
import type { WrittenHash } from './state-hash.ts';

export interface RowPage<Row> {
  readonly items: readonly Row[];
  /** Give it back to get the rows that follow; null: these were the last. */
  readonly nextCursor: string | null;
}

export interface RowQuery {
  readonly where?: readonly Condition[];
  readonly order?: 'newest' | 'oldest';
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** Without a cursor: the page begins after the row born at this event's number. */
  readonly after?: number | undefined;
}

/** A range of one column's values; without bounds all but null. */
export interface RowRange {
  readonly column: string;
  readonly atLeast?: string | number;
  readonly below?: string | number;
  readonly limit: number;
  /** Goes on behind this row of the page before. */
  readonly after?: RowPlace | undefined;
}

/** Where a row stands in the order of a column. */
export interface RowPlace {
  readonly value: string | number;
  readonly born: number;
}

interface RowsBetween<Row> {
  readonly items: readonly Row[];
  /** Where each of them stands. */
  readonly places: readonly RowPlace[];
  /** The last of these, where more follow. */
  readonly next: RowPlace | null;
}

/** What others may do with the rows of a projection: look. */
export interface Rows<Row> {
  /** The same object each time until it changes: nobody may change it. */
  get(key: string): Row | undefined;
  /**
   * A page of rows, ordered by when they came to be. The index of the first condition leads to them, and every row
   * that it leads to may be looked at: put the one that fits fewest first, and no range. For conditions that come
   * from outside there is `search`. @throws MalformedCursor
   */
  find(query: RowQuery): RowPage<Row>;
  /** A page of the rows with a value in a range, in the order of that value: looks at no others. */
  between(range: RowRange): RowsBetween<Row>;
  /**
   * The same, looking at few rows at a time while others go on. Where many must be looked at, a page may be
   * short or empty, and its cursor goes on. @throws MalformedCursor
   */
  search(query: RowQuery, limits?: SearchLimits): Promise<RowPage<Row>>;
  /** With `atMost` it counts no further. */
  count(where?: readonly Condition[], atMost?: number): number;
  /** The greatest value of a column; null: no row has one. */
  greatest(column: string): ColumnValue;
  /** How many rows have each label that the projection counts by, from memory. */
  readonly counts: Counts;
}

const identifier = /^[a-zA-Z]+$/;
const noCounts: Counts = new Map();

export class RowTable<Row> implements Rows<Row> {
  readonly projection: Projection<Row>;
  /** Every version of its rows, where the projection keeps them. */
  readonly past: RowVersions<unknown> | undefined;
  readonly tally: RowTally<Row> | undefined;
  readonly #database: DatabaseSync;
  readonly #table: string;
  readonly #columns: ReadonlySet<string>;
  readonly #cursors: ReturnType<typeof cursorsOf>;
  readonly #get: ReturnType<DatabaseSync['prepare']>;
  readonly #writer: RowWriter<Row>;
  /** One search takes a step at a time, whoever else searches. */
  readonly #turn = serial();
  readonly #statements = new BoundedMap<string, ReturnType<DatabaseSync['prepare']>>(
    statementsHeldMax,
  );
  /** Rows of the batch in hand. */
  readonly #dirty = new Map<string, ChangedRow<Row>>();
  readonly #held: HeldRows<Row>;
  readonly #absent = new AbsentKeys(absentKeysMax);
  /** Of a file that is made from its beginning. */
  readonly #written: KeysWritten | undefined;
  /** Each row goes to the file as it comes: it is of one event alone, and nobody looks at it before all are there. */
  readonly #passesOn: boolean;
  /** No row has a key beyond this one; undefined: nobody knows. */
  #greatestKey: string | undefined;

  /**
   * @param isIndexed false: it is found by key alone, until `createIndexes`
   * @param written is told of each row, where each is written once
   */
  constructor(
    database: DatabaseSync,
    projection: Projection<Row>,
    isIndexed = true,
    written?: WrittenHash,
  ) {
    const names = Object.keys(projection.columns);
    for (const name of [projection.name, ...names])
      if (!identifier.test(name)) throw new Error(`${name} cannot name a table or column`);
    this.projection = projection;
    this.#held = new HeldRows(
      projection.isOftenLookedAt === true ? clientsHeldCharactersMax : rowsHeldCharactersMax,
    );
    this.#database = database;
    this.#table = `rows_${projection.name}`;
    this.#cursors = cursorsOf(projection.name);
    this.#columns = new Set(['key', 'born', ...names]);
    this.#create(names);
    if (isIndexed) RowTable.createIndexes(database, projection);
    else if (!projection.isWrittenOnce) this.#written = new KeysWritten();
    const { isWrittenOnce, counted, past: pastOf } = projection;
    this.#passesOn = !isIndexed && isWrittenOnce === true && !counted && !pastOf;
    this.#get = database.prepare(`SELECT key, born, row FROM ${this.#table} WHERE key = ?`);
    if (projection.keysRise) this.#greatestKey = this.#greatestOfKeys();
    this.#writer = new RowWriter(database, projection, written);
    this.tally = projection.counted && new RowTally(database, projection.name, projection.counted);
    const { name, past, pastCounting } = projection;
    this.past = past && new RowVersions(database, name, pastCounting);
  }

  /**
   * An event makes at most one row of a projection, so its number is SQLite's own key: rows are appended, and
   * an index holds a value and that number alone.
   */
  #create(names: readonly string[]): void {
    const columns = names.map((name) => `, "${name}"`).join('');
    this.#database.exec(
      `CREATE TABLE IF NOT EXISTS ${this.#table}
         (born INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, row TEXT NOT NULL${columns});`,
    );
  }

  static createIndexes(
    database: DatabaseSync,
    { name, columns, unindexed = [] }: Pick<Projection<never>, 'name' | 'columns' | 'unindexed'>,
  ): void {
    for (const column of Object.keys(columns)) {
      const index = `rows_${name}_${column}`;
      database.exec(
        unindexed.includes(column)
          ? // Versions of before had one.
            `DROP INDEX IF EXISTS ${index}`
          : `CREATE INDEX IF NOT EXISTS ${index} ON rows_${name} ("${column}")
             WHERE "${column}" IS NOT NULL`,
      );
    }
  }

  /** Forgets every row, and the columns of an older version. */
  static drop(database: DatabaseSync, name: string): void {
    if (!identifier.test(name)) throw new Error(`${name} cannot name a table`);
    database.exec(`DROP TABLE IF EXISTS rows_${name}`);
    RowVersions.drop(database, name);
    RowTally.drop(database, name);
  }

  get(key: string): Row | undefined {
    return this.#stored(key)?.row;
  }

  /** SQLite and JavaScript order texts alike where the greatest is ASCII. */
  #greatestOfKeys(): string | undefined {
    const greatest = this.greatest('key') ?? '';
    return typeof greatest === 'string' && /^[\0-\x7f]*$/.test(greatest) ? greatest : undefined;
  }

  #stored(key: string): HeldRow<Row> | undefined {
    if (this.#greatestKey !== undefined && key > this.#greatestKey) return undefined;
    if (this.#written?.isEmpty === true) return undefined;
    // First: a name that is new is asked for ten times on its way in, and those that are held are many more.
    if (this.#absent.has(key)) return undefined;
    const held = this.#held.get(key);
    if (held) return held;
    if (this.#written?.mayHave(key) === false) return undefined;
    const found = this.#get.get(key) as WrittenRow | undefined;
    if (!found) {
      this.#absent.add(key);
      return undefined;
    }
    const stored = { born: found.born, row: this.#rowOf(found) };
    this.#held.set(key, stored, found.row.length);
    return stored;
  }

  #rowOf({ key, born, row }: WrittenRow): Row {
    const short: unknown = JSON.parse(row);
    const { written } = this.projection;
    return written === undefined ? (short as Row) : written.whole(short, key, born);
  }

  /** The row as the batch in hand has it. */
  current(key: string): Row | undefined {
    if (this.projection.isWrittenOnce) return undefined;
    const dirty = this.#dirty.get(key);
    return dirty ? dirty.row : this.get(key);
  }

  /** Keeps a row for the end of the batch; `index` is the event's number. */
  change(key: string, row: Row | undefined, index: number): void {
    if (this.#passesOn) this.#writer.write(key, { stored: undefined, born: index, row });
    else this.#keep(key, row, index);
  }

  #keep(key: string, row: Row | undefined, index: number): void {
    const known = this.#dirty.get(key);
    const stored = known !== undefined ? known.stored : this.#storedBefore(key);
    const before = known ?? stored;
    const born = before?.row === undefined ? index : before.born;
    this.#dirty.set(key, { stored, born, row });
    this.tally?.change(before?.row, row, index);
    const pastOf = this.projection.past;
    if (pastOf !== undefined)
      this.past?.change(key, before?.row && pastOf(before.row), row && pastOf(row), index);
  }

  /** The row that is in the table: the one to be written there is another. */
  #storedBefore(key: string): HeldRow<Row> | undefined {
    return this.projection.isWrittenOnce ? undefined : this.#stored(key);
  }

  /** Writes what the batch changed, inside the caller's transaction, and tells it. */
  flush(): ReadonlyMap<string, Row | undefined> {
    const changed = new Map<string, Row | undefined>();
    for (const [key, change] of this.#dirty) {
      const { born, row } = change;
      changed.set(key, row);
      const length = this.#writer.write(key, change);
      if (row === undefined) {
        this.#held.delete(key);
        continue;
      }
      this.#absent.delete(key);
      this.#written?.add(key);
      if (this.#greatestKey !== undefined && key > this.#greatestKey) this.#greatestKey = key;
      if (!this.projection.isWrittenOnce) this.#held.set(key, { born, row }, length);
    }
    this.#writer.flush();
    this.#dirty.clear();
    this.tally?.flush();
    this.past?.flush();
    return changed;
  }

  /** Forgets the batch in hand, and what of it may be held as if it were written. */
  abandon(): void {
    this.#dirty.clear();
    this.#writer.abandon();
    this.#held.clear();
    this.#absent.clear();
    this.past?.abandon();
    this.tally?.abandon();
  }

  #prepared(sql: string) {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    // Callers choose which conditions stand together, so there are some thousand shapes.
    this.#statements.set(sql, statement);
    return statement;
  }

  /** SQLite knows nothing of how many rows fit a condition, and would choose any index: the first column leads. */
  #where(conditions: readonly Condition[]) {
    const [first] = conditions;
    const leads = (one: Condition) =>
      one === first ||
      (first !== undefined && 'column' in first && 'column' in one && one.column === first.column);
    return allSql(conditions.map((one) => conditionSql(one, this.#columns, leads(one))));
  }

  /** The place after which the page begins. @throws MalformedCursor */
  #after({ cursor, after }: RowQuery): number | undefined {
    if (cursor === undefined) return after;
    const born = this.#cursors.place(cursor);
    if (!/^\d{1,15}$/.test(born)) throw new MalformedCursor('the cursor is none of this list');
    return Number(born);
  }

  find(query: RowQuery): RowPage<Row> {
    const { where = [], order = 'newest', limit } = query;
    const [sql, values] = this.#where(where);
    const [direction, beyond] = order === 'newest' ? ['DESC', '<'] : ['ASC', '>'];
    const after = this.#after(query);
    const from = after === undefined ? [] : [after];
    const found = this.#prepared(
      `SELECT key, born, row FROM ${this.#table}
       WHERE ${sql}${from.length > 0 ? ` AND born ${beyond} ?` : ''}
       ORDER BY born ${direction} LIMIT ?`,
    ).all(...values, ...from, limit + 1) as unknown as WrittenRow[];
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((found) => this.#rowOf(found)),
      nextCursor: found.length > limit && last ? this.#cursors.at(`${last.born}`) : null,
    };
  }

  between({ column, atLeast, below, limit, after }: RowRange): RowsBetween<Row> {
    const name = this.#named(column);
    const [sql, values] = allSql([
      [`${name} IS NOT NULL`, []],
      ...(atLeast === undefined ? [] : [[`${name} >= ?`, [atLeast]] as const]),
      ...(below === undefined ? [] : [[`${name} < ?`, [below]] as const]),
      ...(after === undefined
        ? []
        : [[`(${name}, born) > (?, ?)`, [after.value, after.born]] as const]),
    ]);
    const found = this.#prepared(
      `SELECT ${name} AS value, key, born, row FROM ${this.#table}
       WHERE ${sql} ORDER BY ${name}, born LIMIT ?`,
    ).all(...values, limit + 1) as unknown as (RowPlace & WrittenRow)[];
    const page = found.slice(0, limit);
    const places = page.map(({ value, born }) => ({ value, born }));
    return {
      ...{ items: page.map((found) => this.#rowOf(found)), places },
      next: found.length > limit ? (places.at(-1) ?? null) : null,
    };
  }

  async search(query: RowQuery, limits?: SearchLimits): Promise<RowPage<Row>> {
    const { where = [] } = query;
    // One value of one column, or none at all: its index gives a page as it stands.
    if (where.length === 0 || (where.length === 1 && where[0] !== undefined && 'is' in where[0]))
      return this.find(query);
    const page = await searchRows({
      ...{ where, columns: this.#columns, limits, limit: query.limit },
      isNewestFirst: query.order !== 'oldest',
      after: this.#after(query),
      turn: this.#turn,
      read: (sql, values) =>
        this.#prepared(sql.replaceAll('@rows', this.#table)).all(...values) as never,
    });
    return {
      items: page.found.map((found) => this.#rowOf(found)),
      nextCursor: page.next === null ? null : this.#cursors.at(`${page.next}`),
    };
  }

  count(where: readonly Condition[] = [], atMost?: number): number {
    const [sql, values] = this.#where(where);
    const rows = `FROM ${this.#table} WHERE ${sql}`;
    const found = (
      atMost === undefined
        ? this.#prepared(`SELECT count(*) AS found ${rows}`).get(...values)
        : this.#prepared(`SELECT count(*) AS found FROM (SELECT 1 ${rows} LIMIT ?)`).get(
            ...values,
            atMost,
          )
    ) as { found: number };
    return found.found;
  }

  get counts(): Counts {
    return this.tally?.counts ?? noCounts;
  }

  #named(column: string): string {
    if (!this.#columns.has(column)) throw new Error(`no column ${column}`);
    return `"${column}"`;
  }

  greatest(column: string): ColumnValue {
    const found = this.#prepared(
      `SELECT max(${this.#named(column)}) AS greatest FROM ${this.#table}`,
    ).get() as { greatest: ColumnValue };
    return found.greatest;
  }
}
