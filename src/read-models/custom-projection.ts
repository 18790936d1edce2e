/** A projection that is no fold of one row: it takes every event, in the transaction of the rows. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoredEvent } from '../store/event-store.ts';
import type { WrittenHash } from './state-hash.ts';

export interface CustomModel {
  /** Takes the next event, and writes nothing yet; `index` counts the log's events from 0. */
  take(stored: StoredEvent, index: number): void;
  /** Writes what it needs of the events that it took, inside the caller's transaction. */
  flush(): void;
  /** Forgets what it took and may not have written: go back to what the tables say. */
  abandon(): void;
}

/** `View`: what it offers to others. */
export interface CustomProjection<View> {
  /** Another name or version is begun anew from the first event. */
  readonly name: string;
  readonly version: number;
  /**
   * Opens its table `rows_<name>`, made if missing, with the columns `key`, `born` and `row` of all rows.
   * @param written is told of each row, in the order of keys
   */
  open(database: DatabaseSync, written?: WrittenHash): CustomModel & View;
}
