/** Looks how much room there is where the log and the rows are written, before a full disk says so. */
import { statfs } from 'node:fs/promises';
import { diskLookMs } from '../limits/jobs.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';

/** What somebody without special rights may still write on the disk of a folder. @throws the system's error */
export async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export interface DiskSpace {
  /** As it was looked at last; null: it cannot be told here. */
  readonly freeBytes: () => number | null;
  readonly status: () => 'up' | 'down';
  /** Resolves after the first look. */
  begin(): Promise<void>;
  /** Until the signal aborts. */
  watch(signal: AbortSignal): Promise<void>;
}

export function createDiskSpace(options: {
  readonly folder: string;
  /** Fewer are a fault. */
  readonly minBytes: number;
  readonly logger: Logger;
  readonly look?: (folder: string) => Promise<number>;
}): DiskSpace {
  const { folder, minBytes, logger, look = freeBytesAt } = options;
  let free: number | null = null;
  const isScarce = () => free !== null && free < minBytes;

  async function update(): Promise<void> {
    const wasScarce = isScarce();
    // Where the system cannot tell, writing will.
    free = await look(folder).catch(() => null);
    if (isScarce() === wasScarce) return;
    const found = { folder, freeBytes: free, minBytes };
    if (wasScarce) logger.info('There is room on the disk again', found);
    else
      logger.warn('The disk is nearly full', {
        ...found,
        remedy: 'make room, or set GATEBOOK_DISK_FREE_MIN lower',
      });
  }

  return {
    freeBytes: () => free,
    status: () => (isScarce() ? 'down' : 'up'),
    begin: update,
    async watch(signal) {
      while (!signal.aborted) {
        await pause(diskLookMs, signal);
        if (!signal.aborted) await update();
      }
    },
  };
}
