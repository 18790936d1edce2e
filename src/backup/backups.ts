/** The running service's backups: one at a time, from its own log, rows and folders. */
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import manifest from '../../package.json' with { type: 'json' };
import { positionWaitMs } from '../limits/http.ts';
import { backupKeyFilesMax } from '../limits/operating.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import type { EventStore } from '../store/event-store.ts';
import { KeyFileLine } from './content.ts';
import { backupOf } from './write.ts';

interface TakenBackup {
  readonly bytes: AsyncIterable<Buffer>;
  /** Must be called, whether it was read to its end or not: then the next one can be taken. */
  end(): Promise<void>;
}

export interface Backups {
  readonly isTaking: () => boolean;
  /** Null: one is being taken. */
  begin(options: {
    readonly backupId: string;
    readonly takenAt: string;
    readonly withKeys: boolean;
  }): TakenBackup | null;
}

interface BackupsOptions {
  readonly store: Pick<EventStore, 'readAll' | 'readVault' | 'head'>;
  readonly readModels: Pick<ReadModels, 'reached' | 'resume' | 'models'>;
  readonly keysDir: string;
  /** Where checkpoints are published. */
  readonly checkpointFile: string;
  /** A signed checkpoint of the log's first events; null: they do not have this root, or nothing is signed any more. */
  readonly signedAt: (size: number, rootHash: string) => string | null;
  readonly now: () => string;
}

/** Drafts of a key that is being made begin with a dot. @throws the system's error */
async function keyFilesIn(dir: string): Promise<KeyFileLine[]> {
  const names = (await readdir(dir, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
  if (names.length > backupKeyFilesMax)
    throw new Error(`${dir} has ${names.length} files: it is no key folder of Gatebook`);
  const files: KeyFileLine[] = [];
  for (const name of names)
    files.push(KeyFileLine.parse({ name, text: await readFile(join(dir, name), 'utf8') }));
  return files;
}

async function* linesOf(file: string): AsyncGenerator<string, void, void> {
  const stream = createReadStream(file, 'utf8');
  try {
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    // None was published yet.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    stream.destroy();
  }
}

export function createBackups(options: BackupsOptions): Backups {
  const { store, readModels, keysDir, checkpointFile, signedAt, now } = options;
  let isTaking = false;

  /** Ends once, also where nobody ever read from it: a generator that was not begun has no end of its own. */
  function taking(bytes: AsyncGenerator<Buffer, void, void>): TakenBackup {
    return {
      bytes,
      async end() {
        await bytes.return();
        isTaking = false;
      },
    };
  }

  return {
    isTaking: () => isTaking,
    begin({ backupId, takenAt, withKeys }) {
      if (isTaking) return null;
      isTaking = true;
      return taking(
        backupOf({
          ...{ store, backupId },
          header: { takenAt, gatebook: manifest.version, encryption: null },
          keyFiles: withKeys ? () => keyFilesIn(keysDir) : null,
          checkpointLines: () => linesOf(checkpointFile),
          async ending({ position, events, rootHash }) {
            await readModels.reached(position, positionWaitMs);
            const rows = readModels.resume();
            return {
              checkpoint: signedAt(events, rootHash),
              readModels: {
                ...{ position: rows.position, events: rows.index },
                models: [...readModels.models()],
              },
              endedAt: now(),
            };
          },
        }),
      );
    },
  };
}
