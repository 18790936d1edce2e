/**
 * Makes the rows of a long log from its first event, in a file beside the old one that takes its place when it is
 * whole. Whatever ends this before leaves the old file as it was, and drafts that the next start removes.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { leafHashesOf } from '../../audit/transparency-log/tree.ts';
import { bulkFoldPagesWaitingMax } from '../../limits/rows.ts';
import { readBatchMax } from '../../limits/store.ts';
import { beginning, type EventStore, type Position } from '../../store/event-store.ts';
import { readTexts } from '../../store/event-text.ts';
import { type HasherBeside, hashedBefore, hashesOf } from '../state-hash.ts';
import { applyAll, changing, eventsFrom, namesOf, openHalf, writtenOnce } from './halves.ts';
import { DraftThread, draftsOf, remove, removeDrafts } from './thread.ts';
import { makeIndexes } from './whole.ts';
import type { FromWorker } from './worker.ts';

interface Draft {
  /** Where the rows are to be. */
  readonly file: string;
  readonly store: Pick<EventStore, 'logId' | 'readAll' | 'readTexts'>;
  readonly signal: AbortSignal;
  /** So many events are folded. */
  readonly onProgress: (done: number) => void;
}

/**
 * Nobody may have the file open. What was kept beside the old rows is gone with them.
 * @param thread begun for that file, for whoever has more for it to do, and hashes; absent: it is for this alone
 * @returns hashes of rows that need not be read again
 * @throws the signal's reason; the first fault of a projection; what store and disk say
 */
export async function foldDraft(
  { file, store, signal, onProgress }: Draft,
  thread?: DraftThread,
): Promise<HasherBeside> {
  const worker = thread ?? new DraftThread(file, store.logId);
  const { whole, half } = draftsOf(file);
  let isWhole = false;
  let written: FromWorker;
  try {
    const models = openHalf(half, store.logId, changing);
    try {
      for (let from: Position | undefined = beginning; from !== undefined; ) {
        signal.throwIfAborted();
        const texts = await readTexts(store, from, readBatchMax);
        from = texts.at(-1)?.[0];
        if (texts.length === 0) break;
        await worker.room(bulkFoldPagesWaitingMax);
        const events = eventsFrom(models, texts);
        // Who has less to do helps the other, which has enough to do meanwhile: both end at the same time.
        const leafHashes = worker.isBehind ? leafHashesOf(events) : undefined;
        worker.send({ events: texts, leafHashes });
        applyAll(models, events);
        onProgress(models.resume().index);
        // Whoever asks meanwhile whether the service is ready is answered.
        await nextTurn();
      }
      worker.send({ ends: true }, (hashes) => {
        written = hashes;
      });
    } finally {
      models.close();
    }
    makeIndexes(half, changing.projections);
    // The other half, which is larger, gets its indexes meanwhile.
    const own = thread && (await hashesOf(half, namesOf(changing)));
    worker.send({ otherHalf: half });
    await worker.room(1);
    takePlace(whole, file);
    isWhole = true;
    return hashedBefore([
      [namesOf(changing), own],
      [namesOf(writtenOnce), written],
    ]);
  } finally {
    if (!isWhole || thread === undefined) await worker.end();
    removeDrafts(file);
  }
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
