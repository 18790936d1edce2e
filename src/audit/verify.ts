/** Checks an export against checkpoints and an earlier export, offline: what fits, and what does not. */
import type { Checkpoint } from './checkpoint.ts';
import { Frontier, type Hash, leafHash } from './merkle.ts';
import type { Line } from './ndjson.ts';

export type EventFault = 'changed' | 'missing' | 'inserted' | 'swapped';

/** The first event that differs from the trusted export. */
export interface EventDifference {
  readonly index: number;
  readonly kind: EventFault;
  /** What the trusted export has there; nulls where it holds hashes only. */
  readonly type: string | null;
  readonly stream: string | null;
  readonly eventId: string | null;
}

export interface Verdict {
  /** Whole lines. */
  readonly size: number;
  /** Base64. */
  readonly rootHash: string;
  /** Sizes of the checkpoints that fit. */
  readonly fitting: readonly number[];
  /** The first that does not; the fault is in the events from `after` up to `size`, that one left out. */
  readonly misfit: { readonly size: number; readonly after: number } | null;
  /** Whole lines are fewer than a checkpoint or the trusted export says. */
  readonly cutOff: { readonly size: number; readonly expected: number } | null;
  /** The file ends in the middle of a line. */
  readonly brokenLine: boolean;
  readonly event: EventDifference | null;
  /** Whether nothing at all differs. */
  readonly untouched: boolean;
}

/** A line of a trusted file: of an export, or a leaf hash in base64. */
const trustedHash = ({ bytes }: Line): Hash =>
  bytes.length === 44 && bytes[43] === 0x3d
    ? Buffer.from(bytes.toString('latin1'), 'base64')
    : leafHash(bytes);

function named(line: Line | undefined): Pick<EventDifference, 'type' | 'stream' | 'eventId'> {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  try {
    const event = JSON.parse(line?.bytes.toString() ?? '') as Record<string, unknown>;
    return { type: text(event.type), stream: text(event.stream), eventId: text(event.eventId) };
  } catch {
    return { type: null, stream: null, eventId: null };
  }
}

interface Pair {
  readonly trusted: Line;
  readonly trustedHash: Hash;
  readonly hash: Hash;
}

/** What happened at the first difference, seen from it and the pair that follows. */
function kindOf(first: Pair, next: Pair | undefined): EventFault {
  const movedUp = next !== undefined && first.hash.equals(next.trustedHash);
  const movedDown = next?.hash.equals(first.trustedHash) === true;
  if (movedUp && movedDown) return 'swapped';
  if (movedUp) return 'missing';
  return movedDown ? 'inserted' : 'changed';
}

/**
 * Reads `lines` to the end. Checkpoints must be of one log, their signatures checked before.
 * `trusted` is an earlier export of it, or its leaf hashes.
 */
export async function verifyExport(options: {
  readonly lines: AsyncIterable<Line>;
  readonly checkpoints: readonly Checkpoint[];
  readonly trusted?: AsyncIterable<Line> | undefined;
  readonly onProgress?: (size: number) => void;
}): Promise<Verdict> {
  const bySize = options.checkpoints.toSorted((a, b) => a.size - b.size);
  const trusted = options.trusted?.[Symbol.asyncIterator]();
  const frontier = new Frontier();
  const fitting: number[] = [];
  let misfit: Verdict['misfit'] = null;
  let brokenLine = false;
  let difference: { index: number; first: Pair } | undefined;
  let event: EventDifference | null = null;
  let trustedSize = 0;
  let due = 0;

  const settle = (next: Pair | undefined) => {
    if (!difference || event) return;
    const { index, first } = difference;
    event = { index, kind: kindOf(first, next), ...named(first.trusted) };
  };
  const compare = async (index: number, hash: Hash) => {
    const got = event || !trusted ? undefined : await trusted.next();
    if (got === undefined || got.done === true || !got.value.isWhole) return settle(undefined);
    trustedSize = index + 1;
    const pair: Pair = {
      // The reader reuses nothing, but a part of a chunk would keep the whole of it.
      trusted: { ...got.value, bytes: Buffer.from(got.value.bytes) },
      trustedHash: trustedHash(got.value),
      hash,
    };
    if (difference) settle(pair);
    else if (!pair.hash.equals(pair.trustedHash)) difference = { index, first: pair };
  };
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
    const hash = leafHash(bytes);
    await compare(frontier.size, hash);
    frontier.add(hash);
    check();
    options.onProgress?.(frontier.size);
  }
  settle(undefined);

  const { size } = frontier;
  // What the trusted export has beyond this one is gone from here.
  if (trusted && !event && trustedSize === size)
    for (let got = await trusted.next(); got.done !== true; got = await trusted.next())
      if (got.value.isWhole) trustedSize += 1;
  const expected = Math.max(bySize.at(-1)?.size ?? 0, trustedSize);
  const cutOff = expected > size ? { size, expected } : null;
  return {
    ...{ size, rootHash: frontier.root().toString('base64'), fitting, misfit, cutOff, brokenLine },
    event,
    untouched: !misfit && !cutOff && !brokenLine && event === null,
  };
}
