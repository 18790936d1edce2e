/** Rows that are inserted many in one statement: to ask SQLite costs as much as to insert a short row. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

const rowsAtOnce = 32;

/**
 * A row that cannot be inserted undoes the whole transaction. To undo its own statement alone SQLite would copy each page
 * that the statement touches, in a file beside.
 */
export class RowInserts {
  readonly #database: DatabaseSync;
  readonly #sqlOf: (rows: number) => string;
  readonly #columnCount: number;
  readonly #one: StatementSync;
  /** Prepared where there are so many. */
  #many: StatementSync | undefined;
  /** Of the rows that wait, one row after the other. */
  #values: SQLInputValue[] = [];

  constructor(database: DatabaseSync, table: string, columns: readonly string[]) {
    const row = `(${columns.map(() => '?').join(', ')})`;
    this.#database = database;
    this.#columnCount = columns.length;
    this.#sqlOf = (rows) =>
      `INSERT OR ROLLBACK INTO ${table} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(', ')}`;
    this.#one = database.prepare(this.#sqlOf(1));
  }

  /** The row waits for `flush`. */
  add(...row: readonly SQLInputValue[]): void {
    this.#values.push(...row);
  }

  /** Inside the caller's transaction. */
  flush(): void {
    const values = this.#values;
    const [oneLength, manyLength] = [this.#columnCount, rowsAtOnce * this.#columnCount];
    let at = 0;
    for (; at + manyLength <= values.length; at += manyLength) {
      this.#many ??= this.#database.prepare(this.#sqlOf(rowsAtOnce));
      this.#many.run(...values.slice(at, at + manyLength));
    }
    for (; at < values.length; at += oneLength) this.#one.run(...values.slice(at, at + oneLength));
    this.#values = [];
  }

  /** What waits is not inserted. */
  abandon(): void {
    this.#values = [];
  }
}
