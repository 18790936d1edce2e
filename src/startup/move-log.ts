/** Moves a log with its vault from one store to another: opens both, whatever they are, and closes them. */
import type { Config } from '../config/config.ts';
import { type Copied, type CopyProgress, moveLog } from '../store/copy/copy.ts';
import { requireLog } from '../store/location.ts';
import { openStore } from '../store/open.ts';

type LogLocation = Pick<Config, 'store' | 'dataDir'>;

/** @throws LogAbsent, CopyRefused, LogNotLive, StoreLocked, StoreUnavailable, and the signal's reason */
export async function moveLogBetween(
  from: LogLocation,
  to: LogLocation,
  options: { readonly onProgress: (progress: CopyProgress) => void; readonly signal: AbortSignal },
): Promise<Copied> {
  requireLog(from);
  const source = await openStore(from, { purpose: 'copy' });
  try {
    const target = await openStore(to, { purpose: 'copy' });
    try {
      return await moveLog({ from: source, to: target, ...options });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
