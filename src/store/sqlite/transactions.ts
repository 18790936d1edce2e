/** The embedded log's transactions: one at a time, and nothing deleted stays in the journal. */
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../event-store.ts';
import { query } from './table.ts';
import { unavailableFrom } from './unavailable.ts';

/**
 * Runs work in one transaction. What fails in SQLite becomes StoreUnavailable, with nothing written,
 * and the next transaction starts afresh: a full disk that has room again needs no restart.
 */
export function transactionsOf(database: DatabaseSync, onBegin: () => void) {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const rollback = () => {
    // SQLite has often done it already.
    if (database.isTransaction) database.exec('ROLLBACK');
  };
  return (work: () => void): void => {
    try {
      rollback();
      begin.run();
      onBegin();
      work();
      commit.run();
    } catch (error) {
      try {
        rollback();
      } catch {
        // The first error says what is wrong; the next transaction tries the rollback again.
      }
      throw unavailableFrom(error);
    }
  };
}

/**
 * Empties the write-ahead log into the database and cuts it to nothing, so that old pages are gone.
 * @throws StoreUnavailable when it cannot be done now
 */
export function emptyingOf(database: DatabaseSync) {
  const checkpoint = query<[busy: number]>(database, 'PRAGMA wal_checkpoint(TRUNCATE)');
  return (): void => {
    try {
      const [busy] = checkpoint()[0] ?? [1];
      if (busy !== 0) throw new StoreUnavailable('the write-ahead log could not be emptied now');
    } catch (error) {
      throw unavailableFrom(error);
    }
  };
}
