/** Checks an export against checkpoints and an earlier export, offline: what fits, and what does not. */
import type { Checkpoint } from './checkpoint.ts';
import { comparison, type EventDifference } from './difference.ts';
import { isLeaf } from './leaf.ts';
import { Frontier, leafHash } from './merkle.ts';
import type { Line } from './ndjson.ts';

export { type EventDifference, NothingTrusted } from './difference.ts';

export interface Verdict {
  /** Whole lines. */
  readonly size: number;
  /** Base64. */
  readonly rootHash: string;
  /** Sizes of the checkpoints that fit. */
  readonly fitting: readonly number[];
  /** The first that does not; the fault is in the events from `after` up to `size`, that one left out. */
  readonly misfit: { readonly size: number; readonly after: number } | null;
  /** The first size of which two checkpoints have different roots: two histories were signed. */
  readonly forkedAt: number | null;
  /** Whole lines are fewer than a checkpoint or the trusted export says. */
  readonly cutOff: { readonly size: number; readonly expected: number } | null;
  /** The file ends in the middle of a line. */
  readonly brokenLine: boolean;
  /** The first line, counted from 0, that no event was exported as; looked for where no checkpoint tells. */
  readonly notAnEvent: number | null;
  readonly event: EventDifference | null;
  /** Whether nothing at all differs. */
  readonly untouched: boolean;
}

/**
 * Reads `lines` to the end. Checkpoints must be of one log, their signatures checked before.
 * `trusted` is an earlier export of it, or its leaf hashes.
 * @throws NothingTrusted where `trusted` is neither
 */
export async function verifyExport(options: {
  readonly lines: AsyncIterable<Line>;
  readonly checkpoints: readonly Checkpoint[];
  readonly trusted?: AsyncIterable<Line> | undefined;
  readonly onProgress?: (size: number) => void;
}): Promise<Verdict> {
  const bySize = options.checkpoints.toSorted((a, b) => a.size - b.size);
  const newest = bySize.at(-1)?.size ?? 0;
  const forked = bySize.find(({ size, root }, at) => {
    const before = bySize[at - 1];
    return before?.size === size && !before.root.equals(root);
  });
  const forkedAt = forked?.size ?? null;
  const trusted = options.trusted && comparison(options.trusted[Symbol.asyncIterator]());
  const frontier = new Frontier();
  const fitting: number[] = [];
  let misfit: Verdict['misfit'] = null;
  let brokenLine = false;
  let notAnEvent: number | null = null;
  let due = 0;

  const check = () => {
    for (; bySize[due]?.size === frontier.size; due += 1) {
      const fits = bySize[due]?.root.equals(frontier.root()) === true;
      if (fits && !misfit) fitting.push(frontier.size);
      else misfit ??= { size: frontier.size, after: fitting.at(-1) ?? 0 };
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
    await trusted?.take(index, hash);
    frontier.add(hash);
    check();
    options.onProgress?.(frontier.size);
  }

  const { size } = frontier;
  // A checkpoint of more events than there are does not fit either.
  const beyond = bySize[due];
  if (beyond) misfit ??= { size: beyond.size, after: fitting.at(-1) ?? 0 };
  const compared = (await trusted?.ended()) ?? { event: null, size: 0 };
  const expected = Math.max(newest, compared.size);
  const cutOff = expected > size ? { size, expected } : null;
  const { event } = compared;
  return {
    ...{ size, rootHash: frontier.root().toString('base64'), fitting, misfit, cutOff, brokenLine },
    ...{ forkedAt, notAnEvent, event },
    untouched:
      !misfit &&
      forkedAt === null &&
      !cutOff &&
      !brokenLine &&
      notAnEvent === null &&
      event === null,
  };
}
