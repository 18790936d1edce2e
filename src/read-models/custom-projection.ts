/** A projection that is no fold of one row: it takes every event, in the transaction of the rows. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoredEvent } from '../store/event-store.ts';

export interface CustomModel {
  /** Takes the next event and writes what it needs of it; `index` counts the log's events from 0. */
  take(stored: StoredEvent, index: number): void;
  /** The transaction was rolled back: go back to what the tables say. */
  abandon(): void;
}

/** `View`: what it offers to others. */
export interface CustomProjection<View> {
  /** Another name or version is begun anew from the first event. */
  readonly name: string;
  readonly version: number;
  /** Opens its table `rows_<name>`, made if missing, with the columns `key`, `born` and `row` of all rows. */
  open(database: DatabaseSync): CustomModel & View;
}
