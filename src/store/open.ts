/** Opens the log where the configuration says it is kept. */
import type { Config } from '../config/config.ts';
import { StoreClientAbsent, StoreUnavailable } from './errors.ts';
import { isShared, logFileOf, shownStore } from './location.ts';
import type { MovableStore } from './log-state.ts';
import { openSqliteStore } from './sqlite/store.ts';

interface OpenStore extends MovableStore {
  /** Milliseconds since the store last answered. One in this process always does. */
  silentMs(): number;
}

/**
 * Its client is large, and under a licence of the vendor's own: installed unless it is left out, and loaded only where it
 * is wanted. @throws StoreClientAbsent
 */
async function kurrentAdapter(): Promise<typeof import('./kurrentdb/store.ts')> {
  try {
    return await import('./kurrentdb/store.ts');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Of a part for this machine's processor, the loader of the vendor's says the same.
    const isAbsent = /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && message.includes('@kurrent/');
    throw isAbsent
      ? new StoreClientAbsent('The client for KurrentDB and EventStoreDB is not installed')
      : error;
  }
}

/**
 * @throws StoreLocked, StoreClientAbsent, StoreUnavailable, LogNotLive, and an Error for what is no log of ours
 */
export async function openStore(
  config: Pick<Config, 'store' | 'dataDir'>,
  options: Omit<Parameters<typeof openSqliteStore>[0], 'file'> = {},
): Promise<OpenStore> {
  if (!isShared(config)) {
    const store = openSqliteStore({ file: logFileOf(config.dataDir), ...options });
    return Object.assign(store, { silentMs: () => 0 });
  }
  const { openKurrentStore } = await kurrentAdapter();
  try {
    return await openKurrentStore({ connectionString: config.store, ...options });
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const { message } = error;
    throw new StoreUnavailable(`${message} (${shownStore(config.store)})`, { cause: error });
  }
}
