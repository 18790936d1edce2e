/** Writes the rows of one projection: a new one is inserted, a changed one touches only the indexes that it must. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ColumnValue, Projection } from '../../projections/projection.ts';
import { RowInserts } from '../platform/sqlite/row-inserts.ts';
import type { HeldRow } from './held-rows.ts';
import type { WrittenHash } from './state-hash.ts';

/** `stored`: as it is in the table; undefined: it is not there. `row` undefined: it goes. */
export interface ChangedRow<Row> extends HeldRow<Row | undefined> {
  readonly stored: HeldRow<Row> | undefined;
}

/** A row as it stands in the table. */
export interface WrittenRow {
  readonly key: string;
  readonly born: number;
  readonly row: string;
}

const isSame = (some: readonly ColumnValue[], others: readonly ColumnValue[]) =>
  some.every((value, at) => value === others[at]);

export class RowWriter<Row> {
  readonly #columns: readonly ((row: Row) => ColumnValue)[];
  readonly #short: (row: Row) => unknown;
  readonly #text: ((row: Row) => string | undefined) | undefined;
  readonly #inserts: RowInserts;
  readonly #hash: WrittenHash | undefined;
  readonly #update: StatementSync;
  /** Where no column is another: no index is touched. */
  readonly #updateRow: StatementSync;
  readonly #remove: StatementSync;

  constructor(
    database: DatabaseSync,
    { name, columns, written }: Pick<Projection<Row>, 'name' | 'columns' | 'written'>,
    hash?: WrittenHash,
  ) {
    this.#hash = hash;
    const table = `rows_${name}`;
    const names = Object.keys(columns);
    const all = ['key', 'born', 'row', ...names.map((column) => `"${column}"`)];
    this.#columns = Object.values(columns);
    this.#short = written?.short ?? ((row) => row);
    this.#text = written?.text;
    this.#inserts = new RowInserts(database, table, all);
    const others = names.map((column) => `, "${column}" = ?`).join('');
    this.#update = database.prepare(`UPDATE ${table} SET row = ?${others} WHERE born = ?`);
    this.#updateRow = database.prepare(`UPDATE ${table} SET row = ? WHERE born = ?`);
    this.#remove = database.prepare(`DELETE FROM ${table} WHERE born = ?`);
  }

  /** Inside the caller's transaction, in which `flush` follows; gives the length of the row's text. */
  write(key: string, { stored, born, row }: ChangedRow<Row>): number {
    if (stored !== undefined && (row === undefined || born !== stored.born))
      this.#remove.run(stored.born);
    if (row === undefined) return 0;
    const text = this.#text?.(row) ?? JSON.stringify(this.#short(row));
    const values = this.#valuesOf(row);
    if (stored?.born !== born) {
      this.#inserts.add(key, born, text, ...values);
      this.#hash?.add(key, born, text);
    } else if (isSame(values, this.#valuesOf(stored.row))) this.#updateRow.run(text, born);
    else this.#update.run(text, ...values, born);
    return text.length;
  }

  flush(): void {
    this.#inserts.flush();
    this.#hash?.flush();
  }

  abandon(): void {
    this.#inserts.abandon();
  }

  #valuesOf(row: Row): ColumnValue[] {
    return this.#columns.map((column) => column(row));
  }
}
