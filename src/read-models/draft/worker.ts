/** The second thread: folds what is written once for each event, and puts both halves together at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { StoredEvent } from '../../store/event-store.ts';
import { openHalf, throwFault, writtenOnce } from './halves.ts';
import { makeWhole } from './whole.ts';

/** Whose rows it makes, and into which file. */
export interface WorkerData {
  readonly file: string;
  readonly logId: string;
}

/** The events that follow, as JSON; or the file of the other half, when there are no more. */
export type ToWorker = { readonly events: string } | { readonly otherHalf: string };

const { file, logId } = workerData as WorkerData;
const models = openHalf(file, logId, writtenOnce);

parentPort?.on('message', (message: ToWorker) => {
  if ('events' in message) {
    models.apply(JSON.parse(message.events) as StoredEvent[]);
    throwFault(models);
  } else {
    models.close();
    makeWhole(file, message.otherHalf);
  }
  parentPort?.postMessage('done');
});
