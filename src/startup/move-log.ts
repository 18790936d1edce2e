/** Moves a log with its vault from one store to another, or takes the move back: opens both, and closes them. */
import type { Config } from '../config/config.ts';
import { type Copied, type CopyProgress, moveLog, unsealLog } from '../store/copy/copy.ts';
import { requireLog } from '../store/location.ts';
import type { MovableStore } from '../store/log-state.ts';
import { openStore } from '../store/open.ts';

type LogLocation = Pick<Config, 'store' | 'dataDir'>;

/** @throws LogAbsent, CopyRefused, LogNotLive, StoreLocked, StoreUnavailable, and the signal's reason */
export async function moveLogBetween(
  from: LogLocation,
  to: LogLocation,
  options: { readonly onProgress: (progress: CopyProgress) => void; readonly signal: AbortSignal },
): Promise<Copied> {
  return await withStore(from, (source) => {
    const move = (target: MovableStore) => moveLog({ from: source, to: target, ...options });
    return withStore(to, move, { isNew: true });
  });
}

/** @param to null: the copy is gone. @throws as `moveLogBetween` */
export const unsealLogAt = (from: LogLocation, to: LogLocation | null): Promise<void> =>
  withStore(from, (source) =>
    to === null ? unsealLog(source, null) : withStore(to, (copy) => unsealLog(source, copy)),
  );

async function withStore<Result>(
  location: LogLocation,
  use: (store: MovableStore) => Promise<Result>,
  { isNew = false } = {},
): Promise<Result> {
  if (!isNew) requireLog(location);
  const store = await openStore(location, { purpose: 'copy' });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
