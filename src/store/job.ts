/** A job that one of the nodes on a log does at a time, with a note of how far it is: in the data folder, or beside a shared log. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../platform/private-file.ts';
import type { Lease } from './lease.ts';
import { isShared } from './location.ts';

export interface LeasedJob {
  readonly lease: Lease;
  /** Null: nothing was noted yet. @throws StoreUnavailable, and what the system says of the file */
  readNote(): Promise<string | null>;
  /** On disk when it resolves. @throws likewise */
  writeNote(text: string): Promise<void>;
  close(): Promise<void>;
}

/** The log is this process's alone, and so is the job. */
const alone: Lease = {
  held: () => true,
  whileHeld: (signal, work) => work(signal),
};

function ownJob(file: string): LeasedJob {
  return {
    lease: alone,
    readNote: () =>
      readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      }),
    writeNote: (text) => writePrivateFile(file, text),
    close: async () => undefined,
  };
}

/** `name` is the file's, and the stream's: one word. */
export async function openJob(
  config: { readonly store: string; readonly dataDir: string },
  name: string,
): Promise<LeasedJob> {
  if (!isShared(config)) return ownJob(join(config.dataDir, `${name}.json`));
  const { kurrentJob } = await import('./kurrentdb/job.ts');
  return kurrentJob(config.store, name);
}
