/** The thread that commits to the embedded log over a connection of its own, and waits for the disk in place of the event loop. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { journalPagesMax } from '../../limits/store.ts';
import { StoreUnavailable } from '../errors.ts';
import { threadCacheKibibytes, writerPragmas } from './pragmas.ts';
import { type Committed, type LogWrite, logWriterOn } from './writer.ts';

/** What is to be committed; that the journal is to be emptied; or whether the thread is there. */
export type ToWriterThread = readonly LogWrite[] | 'empty' | 'ready?';

/** Errors go as text: of their kind only this much would come over. */
export type FromWriterThread =
  | { readonly done: true; readonly committed: Committed | undefined }
  | { readonly done: false; readonly message: string; readonly isUnavailable: boolean };

/** Milliseconds that it waits for those who read or checkpoint, before the journal can be emptied. */
const busyMs = 5_000;

const database = new DatabaseSync(new URL(workerData), { timeout: busyMs });
// Another thread writes the journal into the file long before.
database.exec(
  `${writerPragmas(threadCacheKibibytes)} PRAGMA wal_autocheckpoint = ${journalPagesMax}`,
);
const writer = logWriterOn(database);

function answerTo(message: ToWriterThread): FromWriterThread {
  try {
    if (message === 'empty') writer.emptyJournal();
    const committed = typeof message === 'string' ? undefined : writer.commit(message);
    return { done: true, committed };
  } catch (error) {
    const isUnavailable = error instanceof StoreUnavailable;
    return { done: false, message: (error as Error).message, isUnavailable };
  }
}

parentPort?.on('message', (message: ToWriterThread) => parentPort?.postMessage(answerTo(message)));
