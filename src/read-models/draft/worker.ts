/** The second thread: folds what is written once for each event, and puts both halves together at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EventText } from '../../store/event-text.ts';
import { hashesOf, type RowsHash, WrittenHash } from '../state-hash.ts';
import { applyAll, eventsFrom, namesOf, openHalf, writtenOnce } from './halves.ts';
import { makeIndexes, makeWhole } from './whole.ts';

/** Whose rows it makes, and into which file. */
export interface WorkerData {
  readonly file: string;
  readonly logId: string;
  /** Whether rows are hashed while they are written. */
  readonly isHashed: boolean;
}

/** What it is asked to do, one after the other; it answers each with what came of it. */
export type ToWorker =
  /** The events that follow; the hashes of their leaves, where the first thread had time to take them. */
  | { readonly events: readonly EventText[]; readonly leafHashes: Uint8Array | undefined }
  /** There are no more: the hashes of what was written, by the order of its names; undefined: they are to be read. */
  | { readonly ends: true }
  /** The file of the other half, which is ended too. */
  | { readonly otherHalf: string }
  /** Rows of a file that nobody writes, to be hashed. */
  | { readonly rowsIn: string; readonly names: readonly string[] };

const { file, logId, isHashed } = workerData as WorkerData;
const written = new Map(
  isHashed ? namesOf(writtenOnce).map((name) => [name, new WrittenHash()]) : [],
);
const models = openHalf(file, logId, { ...writtenOnce, written });

/** Hashes where it was asked for them, and could read the rows. */
export type FromWorker = readonly RowsHash[] | undefined;

async function done(message: ToWorker): Promise<FromWorker> {
  if ('events' in message) {
    const { events, leafHashes } = message;
    applyAll(models, eventsFrom(models, events, leafHashes));
  }
  // Whoever asked looks too, and sees why.
  else if ('rowsIn' in message)
    return await hashesOf(message.rowsIn, message.names).catch(() => undefined);
  else if ('ends' in message) {
    models.close();
    makeIndexes(file, writtenOnce.projections);
    const hashes = [...written.values()].flatMap((hash) => hash.ofAll() ?? []);
    return hashes.length === written.size ? hashes : undefined;
  } else makeWhole(file, message.otherHalf);
  return undefined;
}

let before: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (message: ToWorker) => {
  before = before.then(async () => parentPort?.postMessage(await done(message)));
});
