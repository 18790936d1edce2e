/** Compares an export with an earlier, trusted one: the first event that differs, and what happened to it. */
import { differenceEventsMax } from '../../limits/audit.ts';
import { isLeaf } from './leaf.ts';
import { type Hash, leafHash } from './merkle.ts';
import type { Line } from './ndjson.ts';

type EventFault = 'changed' | 'missing' | 'inserted' | 'swapped';

/** The first event that differs from the trusted export. */
export interface EventDifference {
  readonly index: number;
  readonly kind: EventFault;
  /** How many events are missing, or were inserted; 1 for the other kinds. */
  readonly count: number;
  /** The event that it changed places with; null: none. */
  readonly other: number | null;
  /** What the trusted export has there; nulls where it holds hashes only. */
  readonly type: string | null;
  readonly stream: string | null;
  readonly eventId: string | null;
}

/** What is given as trusted is neither an export nor leaf hashes, or not all of it. */
export class NothingTrusted extends Error {
  override name = 'NothingTrusted';
}

/** A line of a trusted file: of an export, or a leaf hash in base64 or hex. @throws NothingTrusted */
function trustedHash({ bytes, isWhole }: Line, index: number): Hash {
  const text = bytes.length <= 64 ? bytes.toString('latin1') : '';
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return Buffer.from(text, 'base64');
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  // Without a line end the last line is judged by what it holds: editors take the line end away, and broken transfers more.
  if (bytes[0] === 0x7b && (isWhole || isLeaf(bytes))) return leafHash(bytes);
  if (bytes[0] === 0x7b)
    throw new NothingTrusted(
      `line ${index + 1} of what is trusted is cut off: give the whole file, or take that line away`,
    );
  throw new NothingTrusted(
    `line ${index + 1} of what is trusted is neither an event nor a leaf hash in base64 or hex`,
  );
}

function named(line: Line): Pick<EventDifference, 'type' | 'stream' | 'eventId'> {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  try {
    const event = JSON.parse(line.bytes.toString()) as Record<string, unknown>;
    return { type: text(event.type), stream: text(event.stream), eventId: text(event.eventId) };
  } catch {
    return { type: null, stream: null, eventId: null };
  }
}

const areSame = (a: Hash | undefined, b: Hash | undefined): boolean =>
  a !== undefined && b !== undefined && a.equals(b);

/** How far `from` stands behind its place in `to`: what is first there comes so many later here; 0: nowhere. */
function shiftOf(from: readonly Hash[], to: readonly Hash[]): number {
  const at = to.findIndex(
    (hash, index) =>
      index > 0 &&
      areSame(hash, from[0]) &&
      (from[1] === undefined || to[index + 1] === undefined || areSame(from[1], to[index + 1])),
  );
  return Math.max(at, 0);
}

/** What happened at the first difference, seen from it and the events that follow. */
function faultOf(
  got: readonly Hash[],
  trusted: readonly Hash[],
): { kind: EventFault; count: number; swappedWith: number } {
  const swappedWith = got.findIndex(
    (hash, index) => index > 0 && areSame(hash, trusted[0]) && areSame(got[0], trusted[index]),
  );
  if (swappedWith > 0) return { kind: 'swapped', count: 1, swappedWith };
  const missing = shiftOf(got, trusted);
  if (missing > 0) return { kind: 'missing', count: missing, swappedWith: 0 };
  const inserted = shiftOf(trusted, got);
  if (inserted > 0) return { kind: 'inserted', count: inserted, swappedWith: 0 };
  return { kind: 'changed', count: 1, swappedWith: 0 };
}

/** Reads `trusted` beside an export, in constant memory. */
export function comparison(trusted: AsyncIterator<Line>) {
  const got: Hash[] = [];
  const hashes: Hash[] = [];
  let first: { readonly index: number; readonly line: Line } | undefined;
  let size = 0;
  let isOver = false;

  const next = async (): Promise<{ line: Line; hash: Hash } | undefined> => {
    const found = isOver ? undefined : await trusted.next();
    if (found === undefined || found.done === true) {
      isOver = true;
      return undefined;
    }
    const hash = trustedHash(found.value, size);
    size += 1;
    return { line: found.value, hash };
  };
  const lookAhead = async () => {
    if (hashes.length >= differenceEventsMax) return;
    const found = await next();
    if (found) hashes.push(found.hash);
  };

  return {
    /** The next event of the export. @throws NothingTrusted */
    async take(index: number, hash: Hash): Promise<void> {
      if (first !== undefined) {
        if (got.length < differenceEventsMax) got.push(hash);
        return await lookAhead();
      }
      const found = await next();
      if (found === undefined || found.hash.equals(hash)) return;
      // The reader reuses nothing, but a part of a chunk would keep the whole of it.
      first = { index, line: { ...found.line, bytes: Buffer.from(found.line.bytes) } };
      got.push(hash);
      hashes.push(found.hash);
    },
    /**
     * Once the export is over; `size`: how many events the trusted one has, if nothing differs.
     * @throws NothingTrusted
     */
    async ended(): Promise<{ event: EventDifference | null; size: number }> {
      if (first === undefined) {
        while ((await next()) !== undefined);
        if (size === 0) throw new NothingTrusted('what is trusted is empty');
        return { event: null, size };
      }
      while (!isOver && hashes.length < differenceEventsMax) await lookAhead();
      const { index, line } = first;
      const { kind, count, swappedWith } = faultOf(got, hashes);
      const other = swappedWith > 0 ? index + swappedWith : null;
      return { event: { index, kind, count, other, ...named(line) }, size: 0 };
    },
  };
}
