/** The second thread: folds what is written once for each event, and puts both halves together at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EventText } from '../../store/event-text.ts';
import { applyTexts, openHalf, writtenOnce } from './halves.ts';
import { makeWhole } from './whole.ts';

/** Whose rows it makes, and into which file. */
export interface WorkerData {
  readonly file: string;
  readonly logId: string;
}

/** The events that follow; or the file of the other half, when there are no more. */
export type ToWorker = { readonly events: readonly EventText[] } | { readonly otherHalf: string };

const { file, logId } = workerData as WorkerData;
const models = openHalf(file, logId, writtenOnce);

parentPort?.on('message', (message: ToWorker) => {
  if ('events' in message) {
    applyTexts(models, message.events);
  } else {
    models.close();
    makeWhole(file, message.otherHalf);
  }
  parentPort?.postMessage('done');
});
