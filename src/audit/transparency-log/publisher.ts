/** Signs checkpoints of the tree, and publishes them to an append-only file and to listeners. */
import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { checkpointEveryEvents, checkpointEveryMs } from '../../limits/audit.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { writePrivateFile } from '../../platform/private-file.ts';
import { checkpointsIn, checkpointText, joined } from './checkpoint.ts';
import { isSignedBy, MalformedNote, type Signer } from './signed-note.ts';
import type { Tree } from './tree.ts';

/** The log is not the one that was published: somebody wrote its history anew, or cut it off. */
class LogRewritten extends Error {
  override name = 'LogRewritten';
}

export interface Published {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly rootHash: string;
  /** The signed note itself. */
  readonly note: string;
}

export interface Checkpoints {
  /** A signed checkpoint of the log as it is now. @throws LogRewritten */
  current(): string;
  /** A signed checkpoint of the first events; null: they do not have this root (base64), or nothing is signed any more. */
  signedAt(size: number, rootHash: string): string | null;
  /** The newest one that was published; null: none yet. */
  latest(): Published | null;
  /**
   * Compares the log with the newest checkpoint of the file, once the tree is as far as the log.
   * Nothing is signed any more when they do not fit.
   */
  begin(): Promise<LogRewritten | null>;
  fault(): LogRewritten | null;
  /** Event `index` of the log is not the one that the tree was grown by: nothing is signed any more. */
  differs(index: number): void;
  /** Publishes when enough is new; `always` also when little is. */
  publish(always?: boolean): Promise<Published | null>;
}

/** Null: there is something else among them. */
function readable(text: string): ReturnType<typeof checkpointsIn> | null {
  try {
    return checkpointsIn(text);
  } catch (error) {
    if (error instanceof MalformedNote) return null;
    throw error;
  }
}

type PublishedCheckpoint = ReturnType<typeof checkpointsIn>[number];

/** Why a checkpoint that was published is none of this log; null: it is one. */
function misfitOf(
  { size, root, note }: PublishedCheckpoint,
  { tree, signer, file }: { readonly tree: Tree; readonly signer: Signer; readonly file: string },
): LogRewritten | null {
  if (!isSignedBy(note, signer))
    return new LogRewritten(`${basename(file)} ends with a checkpoint that this key did not sign`);
  if (size > tree.size())
    return new LogRewritten(`the log ends after ${tree.size()} events, and ${size} were published`);
  if (!tree.rootAt(size).equals(root))
    return new LogRewritten(`the first ${size} events are not those that were published`);
  return null;
}

const publishedOf = (
  { size, root, written }: PublishedCheckpoint,
  { name }: Signer,
): Published => ({
  origin: name,
  size,
  rootHash: root.toString('base64'),
  note: written,
});

/** The newest checkpoint of the file, which may be missing; one that was cut off is taken out of it. */
async function newestIn(file: string): Promise<PublishedCheckpoint | 'unreadable' | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (text.trim() === '') return undefined;
  const all = readable(text);
  if (all === null) return 'unreadable';
  const whole = all.map(({ written }) => joined(written)).join('');
  // The last one was cut off while it was written: what follows must not run into it.
  if (whole !== text) await writePrivateFile(file, whole);
  return all.at(-1);
}

export function createCheckpoints(options: {
  readonly tree: Tree;
  readonly signer: Signer;
  /** Where checkpoints are appended, an empty line after each. */
  readonly file: string;
  /** Monotonic milliseconds. */
  readonly clockMs?: () => number;
}): Checkpoints {
  const { tree, signer, file, clockMs = () => performance.now() } = options;
  let latest: Published | null = null;
  let fault: LogRewritten | null = null;
  let newSinceMs: number | null = null;

  const signed = (): Published => {
    if (fault) throw fault;
    const size = tree.size();
    const root = tree.root();
    const note = signer.sign(checkpointText({ origin: signer.name, size, root }));
    return { origin: signer.name, size, rootHash: root.toString('base64'), note };
  };

  function isDue(): boolean {
    const fresh = tree.size() - (latest?.size ?? 0);
    if (fresh === 0) {
      newSinceMs = null;
      return false;
    }
    newSinceMs ??= clockMs();
    return fresh >= checkpointEveryEvents || clockMs() - newSinceMs >= checkpointEveryMs;
  }

  return {
    current: () => signed().note,
    signedAt(size, rootHash) {
      if (fault !== null || size > tree.size()) return null;
      const root = tree.rootAt(size);
      if (root.toString('base64') !== rootHash) return null;
      return signer.sign(checkpointText({ origin: signer.name, size, root }));
    },
    latest: () => latest,
    fault: () => fault,
    differs(index) {
      fault ??= new LogRewritten(`event ${index} is not the one that was recorded`);
    },

    async begin() {
      const newest = await newestIn(file);
      if (newest === undefined) return null;
      if (newest === 'unreadable') {
        fault = new LogRewritten(`${basename(file)} holds something that is no checkpoint`);
        return fault;
      }
      fault ??= misfitOf(newest, options);
      if (fault === null) latest = publishedOf(newest, signer);
      return fault;
    },

    async publish(always = false) {
      if (fault || !(isDue() || (always && newSinceMs !== null))) return null;
      const published = signed();
      await using handle = await open(file, 'a', 0o600);
      await handle.appendFile(joined(published.note));
      await handle.sync();
      latest = published;
      newSinceMs = null;
      return published;
    },
  };
}

const tickMs = 1_000;

/** Publishes until the signal aborts, and once more then; resolves when that is done. */
export async function startCheckpoints(options: {
  readonly checkpoints: Checkpoints;
  /** Whether the tree is as far as the log was a moment ago. */
  readonly caughtUp: () => Promise<boolean>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onPublished: (published: Published) => Promise<void>;
}): Promise<void> {
  const { checkpoints, caughtUp, logger, signal, onPublished } = options;
  const publish = async (always: boolean) => {
    try {
      const published = await checkpoints.publish(always);
      if (published) await onPublished(published);
    } catch (error) {
      logger.warn('A checkpoint could not be published; trying again', { error });
    }
  };
  while (!signal.aborted && !(await caughtUp().catch(() => false)));
  if (signal.aborted) return;
  const rewritten = await checkpoints.begin().catch((error: unknown) => {
    logger.error('The checkpoints cannot be read; none are published', { error });
    return undefined;
  });
  if (rewritten === undefined) return;
  let logged: LogRewritten | null = null;
  const logFault = () => {
    const error = checkpoints.fault();
    if (error && error !== logged)
      logger.error('The log is not the one that was published', { error });
    logged = error;
  };
  logFault();
  const newest = checkpoints.latest();
  // Retained messages do not outlive the process: what was published last is published anew.
  if (newest) await onPublished(newest).catch(() => undefined);
  while (!signal.aborted) {
    await publish(false);
    logFault();
    await pause(tickMs, signal);
  }
  await publish(true);
}
