/** Checks an export against checkpoints and an earlier export, offline: what fits, and what does not. */
import { restoresShownMax } from '../../limits/audit.ts';
import type { Checkpoint } from './checkpoint.ts';
import { comparison, type EventDifference } from './difference.ts';
import { isLeaf } from './leaf.ts';
import { Frontier, leafHash } from './merkle.ts';
import type { Line } from './ndjson.ts';

export { type EventDifference, NothingTrusted } from './difference.ts';

interface Restore {
  readonly restoreId: string;
  /** Of the event that says so: as many events the backup had. */
  readonly index: number;
  /** When the backup was taken, and when it was restored; ISO. */
  readonly takenAt: string;
  readonly at: string;
}

export interface Verdict {
  /** Whole lines. */
  readonly size: number;
  /** Base64. */
  readonly rootHash: string;
  /** Sizes of the checkpoints that fit. */
  readonly fitting: readonly number[];
  /** The first that does not; the fault is in the events from `after` up to `size`, that one left out. */
  readonly misfit: {
    readonly size: number;
    readonly after: number;
    /** Who signed it. */
    readonly origin: string;
  } | null;
  /** The first size of which two checkpoints have different roots: two histories were signed. */
  readonly forkedAt: number | null;
  /** Whole lines are fewer than a checkpoint or the trusted export says. */
  readonly cutOff: { readonly size: number; readonly expected: number } | null;
  /** The file ends in the middle of a line. */
  readonly brokenLine: boolean;
  /** The first line, counted from 0, that no event was exported as; looked for where no checkpoint tells. */
  readonly notAnEvent: number | null;
  readonly event: EventDifference | null;
  /** Where the export itself says that the log was put back to a backup; whether that is true, people know. */
  readonly restores: readonly Restore[];
  /** Whether nothing at all differs. */
  readonly untouched: boolean;
}

/** The first size that one log was signed with two roots of; null: none. */
function forkIn(bySize: readonly Checkpoint[]): number | null {
  const forked = bySize.find(({ size, root, origin }, at) => {
    const before = bySize[at - 1];
    return before?.size === size && before.origin === origin && !before.root.equals(root);
  });
  return forked?.size ?? null;
}

const beyondOf = ({ size, origin }: Checkpoint) => ({ size, origin });

const restoredType = Buffer.from('"type":"LogRestored"');

/** The event of a line that names its type, unless the words stand in a text. */
function restoreIn(bytes: Buffer, index: number): Restore[] {
  if (!bytes.includes(restoredType)) return [];
  const { type, stream, data } = isLeaf(bytes) ? JSON.parse(bytes.toString()) : {};
  if (type !== 'LogRestored' || !String(stream).startsWith('backup-')) return [];
  return [
    {
      restoreId: String(data.restoreId),
      index,
      takenAt: String(data.takenAt),
      at: String(data.at),
    },
  ];
}

/**
 * Reads `lines` to the end. Checkpoints must be of one log and what it was restored to, their signatures checked before.
 * `trusted` is an earlier export of it, or its leaf hashes.
 * @throws NothingTrusted where `trusted` is neither, or not whole
 */
export async function verifyExport(options: {
  readonly lines: AsyncIterable<Line>;
  readonly checkpoints: readonly Checkpoint[];
  readonly trusted?: AsyncIterable<Line> | undefined;
  readonly onProgress?: (size: number) => void;
}): Promise<Verdict> {
  const bySize = options.checkpoints.toSorted(
    (a, b) => a.size - b.size || (a.origin < b.origin ? -1 : 1),
  );
  const newest = bySize.at(-1)?.size ?? 0;
  const forkedAt = forkIn(bySize);
  const trusted = options.trusted && comparison(options.trusted[Symbol.asyncIterator]());
  const frontier = new Frontier();
  const fitting: number[] = [];
  let misfit: Verdict['misfit'] = null;
  let brokenLine = false;
  let notAnEvent: number | null = null;
  const restores: Restore[] = [];
  let due = 0;

  const check = () => {
    for (; bySize[due]?.size === frontier.size; due += 1) {
      const { root, origin } = bySize[due] as Checkpoint;
      const fits = root.equals(frontier.root());
      if (fits && !misfit) fitting.push(frontier.size);
      else misfit ??= { size: frontier.size, after: fitting.at(-1) ?? 0, origin };
    }
  };

  check();
  for await (const { bytes, isWhole } of options.lines) {
    if (!isWhole) {
      brokenLine = true;
      break;
    }
    const index = frontier.size;
    // A checkpoint rules over what it covers; the first line tells whether this is an export at all.
    if (notAnEvent === null && (index === 0 || index >= newest) && !isLeaf(bytes))
      notAnEvent = index;
    const hash = leafHash(bytes);
    if (restores.length < restoresShownMax) restores.push(...restoreIn(bytes, index));
    await trusted?.take(index, hash);
    frontier.add(hash);
    check();
    options.onProgress?.(frontier.size);
  }

  const { size } = frontier;
  // A checkpoint of more events than there are does not fit either.
  const beyond = bySize[due];
  if (beyond) misfit ??= { ...beyondOf(beyond), after: fitting.at(-1) ?? 0 };
  const compared = (await trusted?.ended()) ?? { event: null, size: 0 };
  const expected = Math.max(newest, compared.size);
  const cutOff = expected > size ? { size, expected } : null;
  const { event } = compared;
  return {
    ...{ size, rootHash: frontier.root().toString('base64'), fitting, misfit, cutOff, brokenLine },
    ...{ forkedAt, notAnEvent, event, restores },
    untouched:
      !misfit &&
      forkedAt === null &&
      !cutOff &&
      !brokenLine &&
      notAnEvent === null &&
      event === null,
  };
}
