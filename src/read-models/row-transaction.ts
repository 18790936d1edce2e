/**
 * The one transaction that is open on the file of the rows: batch after batch goes into it, readable here at
 * once, and it is committed some time later, for many batches together. What is lost by a crash before that is
 * folded again from the log.
 */
import type { DatabaseSync } from 'node:sqlite';
import { rowsCommitAfterMs, rowsCommitEventsMax } from '../limits/rows.ts';

interface RowTransactionOptions {
  readonly database: DatabaseSync;
  /** Milliseconds after its first batch that it is committed; 0: with each batch; Infinity: when somebody says so. */
  readonly afterMs: number | undefined;
  /** Writes what belongs to the end of a transaction: how far everything is. */
  readonly beforeCommit: () => void;
  /** Everything of it is on disk. */
  readonly committed: () => void;
  /** All of it was undone, not only the newest batch. */
  readonly undone: (error: unknown) => void;
}

export class RowTransaction {
  readonly #options: RowTransactionOptions;
  readonly #afterMs: number;
  #timer: NodeJS.Timeout | undefined;
  #eventsWaiting = 0;

  constructor(options: RowTransactionOptions) {
    this.#options = options;
    this.#afterMs = options.afterMs ?? rowsCommitAfterMs;
  }

  /**
   * Writes a batch, or undoes it where that throws, and with it all that waited. `fold` comes before and writes nothing:
   * where it throws nothing is undone. A savepoint would keep what waited, and copies each page that the batch touches.
   */
  batch<Result>(write: () => Result, fold: () => void = () => {}): Result {
    const { database } = this.#options;
    const isFirst = this.#begin();
    let isWriting = false;
    try {
      fold();
      isWriting = true;
      return write();
    } catch (error) {
      // A file at fault may have undone it while it was read.
      if (isFirst || isWriting || !database.isTransaction) this.#undo(error, isFirst);
      throw error;
    }
  }

  /** So many events more wait for the commit, which comes now where it is due. */
  waits(events: number): void {
    this.#eventsWaiting += events;
    const afterMs = this.#afterMs;
    if (afterMs === 0 || (afterMs < Infinity && this.#eventsWaiting >= rowsCommitEventsMax))
      this.commit();
  }

  /** @throws what SQLite says when it cannot: what waited is undone then, and folded again. */
  commit(): void {
    const { database, beforeCommit, committed, undone } = this.#options;
    this.#rest();
    if (!database.isTransaction) return;
    try {
      beforeCommit();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      undone(error);
      throw error;
    }
    committed();
  }

  /** Whether it begins here. */
  #begin(): boolean {
    if (this.#options.database.isTransaction) return false;
    this.#options.database.exec('BEGIN IMMEDIATE');
    if (this.#afterMs > 0 && this.#afterMs < Infinity) this.#commitAfter(this.#afterMs);
    return true;
  }

  #commitAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      try {
        this.commit();
      } catch {
        // Whoever follows the log was told by `undone`, and begins again.
      }
    }, ms);
    // A process that ends folds again what it did not commit.
    this.#timer.unref();
  }

  #undo(error: unknown, isFirst: boolean): void {
    const { database, undone } = this.#options;
    this.#rest();
    if (database.isTransaction) database.exec('ROLLBACK');
    if (!isFirst) undone(error);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#eventsWaiting = 0;
  }
}
