/** Opens the log where the configuration says it is kept. */
import type { Config } from '../config/config.ts';
import { StoreUnavailable } from './errors.ts';
import { isShared, logFileOf, shownStore } from './location.ts';
import type { MovableStore, Purpose } from './log-state.ts';
import { openSqliteStore } from './sqlite/store.ts';

interface OpenStore extends MovableStore {
  /** Milliseconds since the store last answered. One in this process always does. */
  silentMs(): number;
}

/**
 * @throws StoreLocked, StoreUnavailable, LogNotLive, and an Error for what is no log of ours
 */
export async function openStore(
  config: Pick<Config, 'store' | 'dataDir'>,
  options: {
    readonly onAppend?: (seconds: number, events: number) => void;
    readonly purpose?: Purpose;
  } = {},
): Promise<OpenStore> {
  if (!isShared(config)) {
    const store = openSqliteStore({ file: logFileOf(config.dataDir), ...options });
    return Object.assign(store, { silentMs: () => 0 });
  }
  // Its client is large, and under a licence of the vendor's own: loaded only where it is wanted.
  const { openKurrentStore } = await import('./kurrentdb/store.ts');
  try {
    return await openKurrentStore({ connectionString: config.store, ...options });
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const { message } = error;
    throw new StoreUnavailable(`${message} (${shownStore(config.store)})`, { cause: error });
  }
}
