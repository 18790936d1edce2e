/** What is kept beside the rows and is no fold of one row: it takes every event, in their transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoredEvent } from '../store/event-store.ts';

export interface CustomModel {
  /** Takes the next event and writes what it keeps of it; `index` counts the log's events from 0. */
  take(stored: StoredEvent, index: number): void;
  /** What was taken since the transaction began is undone: go back to what the tables say. */
  abandon(): void;
}

/** `View`: what others may ask of it. */
export interface CustomProjection<View> {
  /** Another name or version is begun anew from the first event. */
  readonly name: string;
  readonly version: number;
  /** Opens its table `rows_<name>`, made if missing, with the columns `key`, `born` and `row` of all rows. */
  open(database: DatabaseSync): CustomModel & View;
}
