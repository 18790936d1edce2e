/**
 * The Merkle tree of the log, kept beside the read models in their transaction. Each event has a row: the
 * roots of the complete subtrees that end with it (about two), so that every proof is read from here,
 * without the log; its position; and the newest `at` up to it, so that a moment is found at once.
 */
import type { DatabaseSync } from 'node:sqlite';
import { RowInserts } from '../../platform/sqlite/row-inserts.ts';
import type { CustomModel, CustomProjection } from '../../read-models/custom-projection.ts';
import type { WrittenHash } from '../../read-models/state-hash.ts';
import { beginning, positionOf, type StoredEvent } from '../../store/event-store.ts';
import { EventFromText } from '../../store/event-text.ts';
import { leafText, leafTextFrom } from './leaf.ts';
import {
  consistencyProof,
  Frontier,
  type Hash,
  hashBytes,
  inclusionProof,
  leafHashOfText,
  type NodeAt,
  rootAt,
} from './merkle.ts';

/** Numbers, where they say all that the text says: a third of its room. */
type NumberOrText = string | number;

const positionDigits = beginning.length;

/** Counted: this is done for each event of a log. */
function isNumber(text: string): boolean {
  if (text.length !== positionDigits) return false;
  for (let at = 0; at < positionDigits; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x30 || unit > 0x39) return false;
  }
  return true;
}

function shortPosition(position: string): NumberOrText {
  const place = isNumber(position) ? Number(position) : Number.NaN;
  return Number.isSafeInteger(place) ? place : position;
}
const wholePosition = (short: NumberOrText): string =>
  typeof short === 'number' ? positionOf(short) : short;

function shortMoment(at: string): NumberOrText {
  const ms = Date.parse(at);
  return Number.isSafeInteger(ms) && new Date(ms).toISOString() === at ? ms : at;
}
const wholeMoment = (short: NumberOrText): string =>
  typeof short === 'number' ? new Date(short).toISOString() : short;

const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Hash =>
  Buffer.from(buffer, byteOffset, length);

function leafHashOf(event: StoredEvent): Hash {
  if (event instanceof EventFromText) return event.leafHash ?? leafHashOfText(leafTextFrom(event));
  return leafHashOfText(leafText(event));
}

/** The hashes of their leaves, one after the other. */
export function leafHashesOf(events: readonly StoredEvent[]): Uint8Array {
  const hashes = new Uint8Array(events.length * hashBytes);
  for (const [at, event] of events.entries()) hashes.set(leafHashOf(event), at * hashBytes);
  return hashes;
}

/** One of these hashes. */
export const leafHashIn = ({ buffer, byteOffset }: Uint8Array, at: number): Hash =>
  Buffer.from(buffer, byteOffset + at * hashBytes, hashBytes);

export interface Tree {
  /** How many events it holds. */
  size(): number;
  root(): Hash;
  /** The root it had at an earlier size. */
  rootAt(size: number): Hash;
  leaf(index: number): Hash;
  /** The leaves of the events from `from` up to `to`, that one left out; fewer where there are no more. */
  leaves(from: number, to: number): Hash[];
  inclusion(index: number, size: number): Hash[];
  consistency(from: number, to: number): Hash[];
  /** The position of an event; undefined where there is none. */
  positionOf(index: number): string | undefined;
  /** The moment from which an event counts as happened (ISO): the newest `at` up to it. */
  momentOf(index: number): string;
  /** How many events had happened at `at` (ISO): the longest prefix whose newest `at` is not later. */
  sizeAt(at: string): number;
}

export const merkleTree: CustomProjection<Tree> = {
  name: 'merkle',
  version: 2,
  open: (database, written) => new TreeTable(database, written),
};

class TreeTable implements CustomModel, Tree {
  readonly #nodes: ReturnType<DatabaseSync['prepare']>;
  readonly #range: ReturnType<DatabaseSync['prepare']>;
  readonly #adds: RowInserts;
  readonly #newest: ReturnType<DatabaseSync['prepare']>;
  readonly #place: ReturnType<DatabaseSync['prepare']>;
  readonly #written: WrittenHash | undefined;
  /** Of the rows of the batch in hand, where they are hashed while they are written. */
  #toBeHashed: Buffer[] = [];
  #frontier: Frontier;
  #latest = '';
  #shortLatest: NumberOrText = '';

  constructor(database: DatabaseSync, written?: WrittenHash) {
    this.#written = written;
    database.exec(
      `CREATE TABLE IF NOT EXISTS rows_merkle
         (key INTEGER PRIMARY KEY, born INTEGER GENERATED ALWAYS AS (key) VIRTUAL,
          row TEXT GENERATED ALWAYS AS (hex(hashes)) VIRTUAL,
          hashes BLOB NOT NULL, position NOT NULL, latest NOT NULL);`,
    );
    this.#nodes = database.prepare('SELECT hashes FROM rows_merkle WHERE key = ?');
    this.#range = database.prepare(
      'SELECT hashes FROM rows_merkle WHERE key >= ? AND key < ? ORDER BY key',
    );
    this.#place = database.prepare('SELECT position, latest FROM rows_merkle WHERE key = ?');
    this.#adds = new RowInserts(database, 'rows_merkle', ['key', 'hashes', 'position', 'latest']);
    this.#newest = database.prepare(
      'SELECT key, latest FROM rows_merkle ORDER BY key DESC LIMIT 1',
    );
    this.#frontier = new Frontier();
    this.abandon();
  }

  take(stored: StoredEvent, index: number): void {
    if (index !== this.#frontier.size)
      throw new Error(
        `the tree holds ${this.#frontier.size} events and cannot take event ${index}`,
      );
    const hashes = this.#frontier.add(leafHashOf(stored));
    const { at } = stored.data;
    if (typeof at === 'string' && at > this.#latest) this.#setLatest(shortMoment(at));
    if (this.#written !== undefined) this.#toBeHashed.push(hashes);
    this.#adds.add(index, hashes, shortPosition(stored.position), this.#shortLatest);
  }

  flush(): void {
    this.#adds.flush();
    if (this.#written === undefined) return;
    // As text all at once: for the few bytes of each it takes longer to ask than to write them.
    const text = Buffer.concat(this.#toBeHashed).toString('hex').toUpperCase();
    let index = this.#frontier.size - this.#toBeHashed.length;
    let from = 0;
    for (const { length } of this.#toBeHashed) {
      this.#written.add(index, index, text.slice(from, from + 2 * length));
      index += 1;
      from += 2 * length;
    }
    this.#toBeHashed = [];
    this.#written.flush();
  }

  #setLatest(short: NumberOrText): void {
    this.#shortLatest = short;
    this.#latest = wholeMoment(short);
  }

  abandon(): void {
    this.#adds.abandon();
    this.#toBeHashed = [];
    const newest = this.#newest.get() as { key: number; latest: NumberOrText } | undefined;
    this.#setLatest(newest?.latest ?? '');
    this.#frontier = Frontier.at(newest === undefined ? 0 : newest.key + 1, this.#nodeAt);
  }

  readonly #nodeAt: NodeAt = (level, index) => {
    const last = (index + 1) * 2 ** level - 1;
    const found = this.#nodes.get(last) as { hashes: Uint8Array } | undefined;
    const hash = found?.hashes.subarray(level * hashBytes, (level + 1) * hashBytes);
    if (hash?.length !== hashBytes) throw new RangeError(`the tree has no node ${level}:${index}`);
    return asBuffer(hash);
  };

  size = (): number => this.#frontier.size;
  root = (): Hash => this.#frontier.root();
  rootAt = (size: number): Hash => rootAt(this.#nodeAt, size);
  leaf = (index: number): Hash => this.#nodeAt(0, index);
  leaves = (from: number, to: number): Hash[] =>
    (this.#range.all(from, to) as { hashes: Uint8Array }[]).map(({ hashes }) =>
      asBuffer(hashes.subarray(0, hashBytes)),
    );
  inclusion = (index: number, size: number): Hash[] => inclusionProof(this.#nodeAt, index, size);
  consistency = (from: number, to: number): Hash[] => consistencyProof(this.#nodeAt, from, to);

  positionOf(index: number): string | undefined {
    const found = this.#place.get(index) as { position: NumberOrText } | undefined;
    return found && wholePosition(found.position);
  }

  momentOf = (index: number): string =>
    wholeMoment((this.#place.get(index) as { latest: NumberOrText } | undefined)?.latest ?? '');

  sizeAt(at: string): number {
    // The newest `at` never falls: the first event beyond a moment is found by halving.
    let [from, to] = [0, this.size()];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      if (this.momentOf(middle) > at) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}
