/** The thread that writes journals into their files, each over a connection of its own, and says when it is done. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import { lowerThisThread } from '../threads/priority.ts';

/** What is to be done with the file at an address; the answer says no more than that it was. */
export interface ToJournalThread {
  readonly address: string;
  readonly work: 'write' | 'close';
}

lowerThisThread();

const connections = new Map<string, DatabaseSync>();

function opened(address: string): DatabaseSync {
  const known = connections.get(address);
  if (known !== undefined) return known;
  const database = new DatabaseSync(new URL(address));
  // As strict as the strictest of who writes: a journal that is begun anew must be in the file for good.
  database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA cache_size = -64');
  connections.set(address, database);
  return database;
}

function perform({ address, work }: ToJournalThread): void {
  if (work === 'write') {
    opened(address).prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    return;
  }
  connections.get(address)?.close();
  connections.delete(address);
}

parentPort?.on('message', (message: ToJournalThread) => {
  try {
    perform(message);
  } catch {
    // As after a commit, where SQLite says nothing of it either: the journal stays, and is written the next time. What
    // is wrong with the disk, whoever commits hears.
  }
  parentPort?.postMessage(null);
});
