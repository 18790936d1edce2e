/** The second thread: folds what is written once for each event, and puts both halves together at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EventText } from '../../store/event-text.ts';
import { hashesOf, type RowsHash } from '../state-hash.ts';
import { applyTexts, openHalf, writtenOnce } from './halves.ts';
import { makeIndexes, makeWhole } from './whole.ts';

/** Whose rows it makes, and into which file. */
export interface WorkerData {
  readonly file: string;
  readonly logId: string;
}

/** What it is asked to do, one after the other; it answers each with what came of it. */
export type ToWorker =
  /** The events that follow. */
  | { readonly events: readonly EventText[] }
  /** There are no more. */
  | { readonly ends: true }
  /** The file of the other half, which is ended too. */
  | { readonly otherHalf: string }
  /** Rows of a file that nobody writes, to be hashed. */
  | { readonly rowsIn: string; readonly names: readonly string[] };

const { file, logId } = workerData as WorkerData;
const models = openHalf(file, logId, writtenOnce);

/** Hashes where it was asked for them, and could read the rows. */
export type FromWorker = readonly RowsHash[] | undefined;

async function done(message: ToWorker): Promise<FromWorker> {
  if ('events' in message) applyTexts(models, message.events);
  // Whoever asked looks too, and sees why.
  else if ('rowsIn' in message)
    return await hashesOf(message.rowsIn, message.names).catch(() => undefined);
  else if ('ends' in message) {
    models.close();
    makeIndexes(file, writtenOnce.projections);
  } else makeWhole(file, message.otherHalf);
  return undefined;
}

let before: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (message: ToWorker) => {
  before = before.then(async () => parentPort?.postMessage(await done(message)));
});
