/** Opens the log where the configuration says it is kept. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { MovableStore, Purpose } from './copy-marks.ts';
import { openSqliteStore } from './sqlite.ts';

export interface OpenStore extends MovableStore {
  /** Milliseconds since the store last answered. One in this process always does. */
  silentMs(): number;
}

/** Whether the log is shared: other processes may write to it. */
export const isShared = ({ store }: Pick<Config, 'store'>): boolean => store !== 'sqlite';

const fileOf = (dataDir: string): string => join(dataDir, 'log.sqlite');

/** There is no log where one should be. */
export class LogAbsent extends Error {
  override name = 'LogAbsent';
}

/** For work on a log that there is: it makes none. @throws LogAbsent */
export function requireLog(config: Pick<Config, 'store' | 'dataDir'>): void {
  const file = fileOf(config.dataDir);
  if (!isShared(config) && !existsSync(file)) throw new LogAbsent(`There is no log at ${file}.`);
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
    const store = openSqliteStore({ file: fileOf(config.dataDir), ...options });
    return Object.assign(store, { silentMs: () => 0 });
  }
  // Its client is large, and under a licence of the vendor's own: loaded only where it is wanted.
  const { openKurrentStore } = await import('./kurrentdb.ts');
  return await openKurrentStore({ connectionString: config.store, ...options });
}
