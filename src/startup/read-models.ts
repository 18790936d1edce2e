/** Opens the read models of a configuration, and folds all rows again from the first event. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { bulkFoldEventsMin, catchUpToldEveryMs } from '../limits/rows.ts';
import type { Logger } from '../logger.ts';
import type { Journals } from '../platform/sqlite/journals.ts';
import { isDamaged } from '../platform/sqlite/result-codes.ts';
import { allCustomProjections, allProjections } from '../read-models/all.ts';
import { foldDraft } from '../read-models/draft/fold.ts';
import { DraftThread, removeDrafts } from '../read-models/draft/thread.ts';
import { openReadModels, type ReadModels } from '../read-models/read-models.ts';
import { beginning, type EventStore } from '../store/event-store.ts';
import { isShared, requireLog } from '../store/location.ts';
import { openStore } from '../store/open.ts';

type Log = Pick<EventStore, 'logId' | 'head' | 'readAll' | 'readTexts'>;

const fileOf = ({ dataDir }: Pick<Config, 'dataDir'>) => join(dataDir, 'read-models.sqlite');

const open = async (config: Config, store: Log, journals?: Journals): Promise<ReadModels> =>
  openReadModels({
    journals,
    file: fileOf(config),
    logId: store.logId,
    head: await store.head(),
    projections: allProjections,
    customProjections: allCustomProjections,
  });

async function isLong({ readAll }: Log): Promise<boolean> {
  let [count, position] = [0, beginning];
  while (count < bulkFoldEventsMin) {
    const events = await readAll(position, bulkFoldEventsMin - count);
    if (events.length === 0) return false;
    count += events.length;
    position = events.at(-1)?.position ?? position;
  }
  return true;
}

/**
 * Where rows of a long log are missing, they are made first, which takes its time; a few are folded by whoever
 * follows the log.
 * @throws the signal's reason
 */
export async function openReadModelsOf(
  config: Config,
  store: Log,
  {
    logger,
    signal,
    journals,
  }: {
    readonly logger: Logger;
    readonly signal: AbortSignal;
    readonly journals?: Journals;
  },
): Promise<ReadModels> {
  removeDrafts(fileOf(config));
  const readModels = await open(config, store, journals);
  if (readModels.resume().position !== beginning || !(await isLong(store))) return readModels;
  readModels.close();
  const total = isShared(config) ? {} : { total: Number(await store.head()) };
  let toldAtMs = performance.now();
  logger.info('Not ready yet: the rows are made anew from the log', total);
  const onProgress = (done: number) => {
    if (performance.now() - toldAtMs < catchUpToldEveryMs) return;
    toldAtMs = performance.now();
    logger.info('Not ready yet: folding the log', { done, ...total });
  };
  try {
    await foldDraft({ file: fileOf(config), store, signal, onProgress });
  } catch (error) {
    signal.throwIfAborted();
    // A projection that stops does so alone, and a full disk is told of, where the log is followed.
    logger.warn('The rows could not be made at once; they are folded one event after the other', {
      error,
    });
  }
  return await open(config, store, journals);
}

/** Of the rows that are there; null: they are not as far, or damaged, which is what they are made anew for. */
async function hashOfOld(
  config: Config,
  { store, head, thread }: { store: Log; head: string; thread: DraftThread },
): Promise<string | null> {
  let old: ReadModels | undefined;
  try {
    old = await open(config, store);
    return old.position() === head ? (await old.state(thread)).stateHash : null;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return null;
  } finally {
    old?.close();
  }
}

/**
 * The service must be stopped. `before` is the state hash of the old rows; null: they were not as far, or damaged.
 * @throws StoreLocked when it is not; LogAbsent
 */
export async function rebuildReadModels(
  config: Config,
  onProgress: (progress: { done: number; total: number }) => void,
): Promise<{ before: string | null } & Awaited<ReturnType<ReadModels['state']>>> {
  requireLog(config);
  const store = await openStore(config);
  const thread = new DraftThread(fileOf(config), store.logId, true);
  try {
    const head = await store.head();
    const before = await hashOfOld(config, { store, head, thread });
    const total = Number(head);
    onProgress({ done: 0, total });
    const { signal } = new AbortController();
    const told = (done: number) => onProgress({ done, total });
    const draft = { file: fileOf(config), store, signal, onProgress: told };
    const hashed = await foldDraft(draft, thread);
    const rebuilt = await open(config, store);
    const state = await rebuilt.state(hashed);
    rebuilt.close();
    return { before, ...state };
  } finally {
    await thread.end();
    await store.close();
  }
}
