/**
 * How many rows have each label: now from memory, and as it was after any event, so that what a count costs does not
 * grow with the rows. The past is kept in blocks: the counts before a block, and each change in it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Projection } from '../../projections/projection.ts';
import { tallyBlockChanges } from '../limits/rows.ts';

type LabelsOf<Row> = NonNullable<Projection<Row>['counted']>;
export type Counts = ReadonlyMap<string, number>;
/** The event that changed a count, the label, and by how much. */
type CountChange = readonly [index: number, label: string, difference: number];

interface Block {
  /** The event of its first change. */
  readonly first: number;
  readonly changeCount: number;
}

export class RowTally<Row> {
  readonly #counted: LabelsOf<Row>;
  readonly #counts = new Map<string, number>();
  readonly #stored: StatementSync;
  /** Labels that are counted for looking back. */
  readonly #always = new Set<string>();
  /** Those of them that were changed, as JSON. */
  readonly #texts = new Map<string, string>();
  readonly #put: StatementSync;
  readonly #begin: StatementSync;
  readonly #extend: StatementSync;
  readonly #blockAt: StatementSync;
  #block: Block | undefined;
  // Of the batch in hand:
  readonly #changed = new Set<string>();
  #before = '';
  #changes: CountChange[] = [];

  constructor(database: DatabaseSync, name: string, counted: LabelsOf<Row>) {
    const [counts, blocks] = [`counts_${name}`, `blocks_${name}`];
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${counts}
         (label TEXT PRIMARY KEY, always INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS ${blocks}
         (first INTEGER PRIMARY KEY, counts TEXT NOT NULL, changes TEXT NOT NULL);`,
    );
    this.#counted = counted;
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO ${counts} (label, always, count) VALUES (?, ?, ?)`,
    );
    this.#begin = database.prepare(
      `INSERT INTO ${blocks} (first, counts, changes) VALUES (?, ?, ?)`,
    );
    this.#extend = database.prepare(`UPDATE ${blocks} SET changes = changes || ? WHERE first = ?`);
    this.#blockAt = database.prepare(
      `SELECT first, counts, changes FROM ${blocks} WHERE first < ? ORDER BY first DESC LIMIT 1`,
    );
    this.#stored = database.prepare(`SELECT label, always, count FROM ${counts}`);
    this.#reload();
  }

  static drop(database: DatabaseSync, name: string): void {
    database.exec(`DROP TABLE IF EXISTS counts_${name}; DROP TABLE IF EXISTS blocks_${name};`);
  }

  /** Rows with each label now; of those that no row has it may say 0. */
  get counts(): Counts {
    return this.#counts;
  }

  /** Rows with each label that is counted always, when the log held so many events. */
  at(size: number): Counts {
    const block = this.#read(size);
    const counts = new Map(Object.entries(block?.counts ?? {}));
    for (const [index, label, difference] of block?.changes ?? []) {
      if (index >= size) break;
      counts.set(label, (counts.get(label) ?? 0) + difference);
    }
    return counts;
  }

  #read(size: number) {
    const found = this.#blockAt.get(size) as
      | { first: number; counts: string; changes: string }
      | undefined;
    return (
      found && {
        first: found.first,
        counts: JSON.parse(found.counts) as Record<string, number>,
        changes: JSON.parse(`[${found.changes.slice(0, -1)}]`) as CountChange[],
      }
    );
  }

  /** Event `index` made one row of another; undefined: there was none, or is none. */
  change(before: Row | undefined, after: Row | undefined, index: number): void {
    const { always, now } = this.#counted;
    for (const [label, difference] of differences(before, after, now)) this.#add(label, difference);
    for (const [label, difference] of differences(before, after, always)) {
      if (this.#changes.length === 0) this.#before = this.#alwaysAsText();
      this.#always.add(label);
      this.#add(label, difference);
      this.#changes.push([index, label, difference]);
    }
  }

  #add(label: string, difference: number): void {
    this.#changed.add(label);
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + difference);
  }

  /** Of the same few again and again. */
  #textOf(label: string): string {
    const known = this.#texts.get(label);
    if (known !== undefined) return known;
    const text = JSON.stringify(label);
    this.#texts.set(label, text);
    return text;
  }

  #alwaysAsText(): string {
    const counts = [...this.#always].map((label) => [label, this.#counts.get(label) ?? 0]);
    return JSON.stringify(Object.fromEntries(counts));
  }

  /** Writes what the batch changed, inside the caller's transaction. */
  flush(): void {
    for (const label of this.#changed)
      this.#put.run(label, this.#always.has(label) ? 1 : 0, this.#counts.get(label) ?? 0);
    this.#flushChanges();
    this.#changed.clear();
    this.#changes = [];
  }

  #flushChanges(): void {
    const changes = this.#changes;
    const [first] = changes;
    if (first === undefined) return;
    let text = '';
    for (const [index, label, difference] of changes)
      text += `[${index},${this.#textOf(label)},${difference}],`;
    const block = this.#block;
    // An event changes its counts in one batch, so no block begins with the event of another.
    if (block !== undefined && block.changeCount + changes.length <= tallyBlockChanges) {
      this.#extend.run(text, block.first);
      this.#block = { first: block.first, changeCount: block.changeCount + changes.length };
      return;
    }
    this.#begin.run(first[0], this.#before, text);
    this.#block = { first: first[0], changeCount: changes.length };
  }

  /** The batch in hand, or all that was not committed yet, was undone: goes back to what is written. */
  abandon(): void {
    this.#changed.clear();
    this.#changes = [];
    this.#reload();
  }

  #reload(): void {
    this.#counts.clear();
    this.#always.clear();
    const stored = this.#stored.all() as { label: string; always: number; count: number }[];
    for (const { label, always, count } of stored) {
      this.#counts.set(label, count);
      if (always === 1) this.#always.add(label);
    }
    const newest = this.#read(Number.MAX_SAFE_INTEGER);
    this.#block = newest && { first: newest.first, changeCount: newest.changes.length };
  }
}

const none: readonly never[] = [];

/** The labels that one row has and the other has not: most changes change none. */
function differences<Row>(
  before: Row | undefined,
  after: Row | undefined,
  labelsOf: (row: Row) => readonly string[],
): readonly (readonly [label: string, difference: number])[] {
  const had = before === undefined ? none : labelsOf(before);
  const has = after === undefined ? none : labelsOf(after);
  if (had.length === has.length && had.every((label, at) => label === has[at])) return none;
  return [
    ...had.filter((label) => !has.includes(label)).map((label) => [label, -1] as const),
    ...has.filter((label) => !had.includes(label)).map((label) => [label, 1] as const),
  ];
}
