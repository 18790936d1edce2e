/**
 * Makes the rows of a long log from its first event, in a file beside the old one that takes its place when it is
 * whole. Whatever ends this before leaves the old file as it was, and drafts that the next start removes.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { bulkFoldPagesWaitingMax, readBatchMax } from '../../limits.ts';
import { beginning, type EventStore, type Position } from '../../store/event-store.ts';
import { readTexts } from '../../store/event-text.ts';
import { applyTexts, changing, openHalf } from './halves.ts';
import type { ToWorker, WorkerData } from './worker.ts';

interface Draft {
  /** Where the rows are to be. */
  readonly file: string;
  readonly store: Pick<EventStore, 'logId' | 'readAll' | 'readTexts'>;
  readonly signal: AbortSignal;
  /** So many events are folded. */
  readonly onProgress: (done: number) => void;
}

const draftsOf = (file: string) => [`${file}.draft`, `${file}.half`] as const;
const withJournals = (file: string) => ['', '-journal', '-wal', '-shm'].map((end) => file + end);

function remove(...files: readonly string[]): void {
  for (const one of files.flatMap(withJournals)) rmSync(one, { force: true });
}

/** What a process that was killed left. */
export const removeDrafts = (file: string): void => remove(...draftsOf(file));

/**
 * Nobody may have the file open. What was kept beside the old rows is gone with them.
 * @throws the signal's reason; the first fault of a projection; what store and disk say
 */
export async function foldDraft({ file, store, signal, onProgress }: Draft): Promise<void> {
  removeDrafts(file);
  const [whole, half] = draftsOf(file);
  const worker = startWorker({ file: whole, logId: store.logId });
  try {
    const models = openHalf(half, store.logId, changing);
    try {
      for (let from: Position | undefined = beginning; from !== undefined; ) {
        signal.throwIfAborted();
        const events = await readTexts(store, from, readBatchMax);
        from = events.at(-1)?.[0];
        if (events.length === 0) break;
        await worker.room(bulkFoldPagesWaitingMax);
        worker.send({ events });
        applyTexts(models, events);
        onProgress(models.resume().index);
        // Whoever asks meanwhile whether the service is ready is answered.
        await nextTurn();
      }
    } finally {
      models.close();
    }
    worker.send({ otherHalf: half });
    await worker.room(1);
    await worker.end();
    takePlace(whole, file);
  } finally {
    await worker.end();
    removeDrafts(file);
  }
}

/** Beside this file, compiled as this one is. */
const workerFile = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url);

/** What it parses is garbage a page later: it is not to be copied meanwhile. */
const resourceLimits = { maxYoungGenerationSizeMb: 64 };

function startWorker(workerData: WorkerData) {
  const worker = new Worker(workerFile, { workerData, resourceLimits });
  let waiting = 0;
  let failure: Error | undefined;
  let wake = () => {};
  worker.on('message', () => {
    waiting -= 1;
    wake();
  });
  worker.on('error', (error: Error) => {
    failure = error;
    wake();
  });
  return {
    send(message: ToWorker): void {
      waiting += 1;
      worker.postMessage(message);
    },
    /** Resolves when fewer than so many messages wait. @throws what stopped the worker */
    async room(size: number): Promise<void> {
      while (waiting >= size && failure === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (failure !== undefined) throw failure;
    },
    async end(): Promise<void> {
      await worker.terminate();
    },
  };
}

/** Also after a power cut there is the old file, the new one or none. */
function takePlace(whole: string, file: string): void {
  synced(whole, 'r+');
  remove(file);
  renameSync(whole, file);
  // Windows lets no folder be opened.
  if (process.platform !== 'win32') synced(dirname(file), 'r');
}

function synced(path: string, flags: string): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
