/** Rows that are inserted many in one statement: to ask SQLite costs as much as to insert a short row. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** How many a statement inserts, so that few statements take any number of rows; each is prepared where it is needed. */
const rowsAtOnce = [32, 16, 8, 4, 2, 1] as const;

/**
 * A row that cannot be inserted undoes the whole transaction. To undo its own statement alone SQLite would copy each page
 * that the statement touches, in a file beside.
 */
export class RowInserts {
  readonly #database: DatabaseSync;
  readonly #sqlOf: (rows: number) => string;
  readonly #columnCount: number;
  readonly #statements = new Map<number, StatementSync>();
  /** Of the rows that wait, one row after the other. */
  #values: SQLInputValue[] = [];

  constructor(database: DatabaseSync, table: string, columns: readonly string[]) {
    const row = `(${columns.map(() => '?').join(', ')})`;
    this.#database = database;
    this.#columnCount = columns.length;
    this.#sqlOf = (rows) =>
      `INSERT OR ROLLBACK INTO ${table} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(', ')}`;
    // What cannot be inserted at all is told now.
    this.#inserting(1);
  }

  /** The row waits for `flush`. */
  add(...row: readonly SQLInputValue[]): void {
    this.#values.push(...row);
  }

  /** Inside the caller's transaction. */
  flush(): void {
    const values = this.#values;
    let at = 0;
    for (const rows of rowsAtOnce) {
      const length = rows * this.#columnCount;
      for (; at + length <= values.length; at += length)
        this.#inserting(rows).run(...values.slice(at, at + length));
    }
    this.#values = [];
  }

  #inserting(rows: number): StatementSync {
    const known = this.#statements.get(rows);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(this.#sqlOf(rows));
    this.#statements.set(rows, statement);
    return statement;
  }

  /** What waits is not inserted. */
  abandon(): void {
    this.#values = [];
  }
}
