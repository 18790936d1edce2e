/** A hash over all rows of all read models: two that folded the same events have the same one. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';

export interface ReadModelState {
  readonly position: string;
  readonly stateHash: string;
  readonly items: readonly {
    readonly name: string;
    readonly version: number;
    readonly rowCount: number;
    readonly stateHash: string;
  }[];
}

/** Rows whose text SQLite puts together: half of the time that asking for each of them takes. */
const rowsAtOnce = 200;

export interface RowsHash {
  readonly rowCount: number;
  readonly stateHash: string;
}

/** Hashes the rows of some tables of a file that nobody writes, elsewhere than here. */
export interface HasherBeside {
  readonly names: readonly string[];
  /** Undefined: it cannot, and whoever asks may see why. */
  hash(file: string, names: readonly string[]): Promise<readonly RowsHash[] | undefined>;
}

/** Characters of rows that are hashed at once. */
const hashedAtOnce = 64 * 1024;

/** The hash of a table's rows, taken while they are written: in the order of their keys, each once and for ever. */
export class WrittenHash {
  readonly #hash = createHash('sha256');
  #rowCount = 0;
  /** What waits for `flush`: pieces of some size, and the one that is being put together. */
  #texts: string[] = [];
  #text = '';
  #last: string | number | undefined;
  #isOrdered = true;

  add(key: string | number, born: number, row: string): void {
    if (this.#last !== undefined && key <= this.#last) this.#isOrdered = false;
    this.#last = key;
    this.#rowCount += 1;
    this.#text += `${key}\0${born}\0${row}\n`;
    if (this.#text.length < hashedAtOnce) return;
    this.#texts.push(this.#text);
    this.#text = '';
  }

  /** After rows were written: SQLite has made one piece of the text of each, which need not be done again. */
  flush(): void {
    for (const text of this.#texts) this.#hash.update(text);
    this.#hash.update(this.#text);
    this.#texts = [];
    this.#text = '';
  }

  /** Of all of them; undefined: they came in another order, and have to be read. Once. */
  ofAll(): RowsHash | undefined {
    if (!this.#isOrdered) return undefined;
    this.flush();
    return { rowCount: this.#rowCount, stateHash: this.#hash.digest('hex') };
  }
}

/** Says hashes that are known; undefined: not of these names. */
export function hashedBefore(
  known: readonly (readonly [names: readonly string[], hashes: readonly RowsHash[] | undefined])[],
): HasherBeside {
  const byName = new Map(
    known.flatMap(([names, hashes = []]) =>
      hashes.map((hash, at) => [names[at] as string, hash] as const),
    ),
  );
  return {
    names: [...byName.keys()],
    hash: async (_file, names) => names.flatMap((name) => byName.get(name) ?? []),
  };
}

interface Page {
  readonly text: string;
  readonly rowCount: number;
  /** null: there is none left. */
  readonly last: string | number | null;
}

async function hashRows(database: DatabaseSync, name: string): Promise<RowsHash> {
  const hash = createHash('sha256');
  const page = (after: string) =>
    database.prepare(
      `SELECT group_concat(line, '') AS text, count(*) AS rowCount, max(key) AS last FROM
         (SELECT key, key || char(0) || born || char(0) || row || char(10) AS line
          FROM rows_${name} ${after} ORDER BY key LIMIT ${rowsAtOnce})`,
    );
  const next = page('WHERE key > ?');
  let rowCount = 0;
  let found = page('').get() as unknown as Page;
  while (found.last !== null) {
    hash.update(found.text);
    rowCount += found.rowCount;
    await breathe();
    found = next.get(found.last) as unknown as Page;
  }
  return { rowCount, stateHash: hash.digest('hex') };
}

async function hashAll(database: DatabaseSync, names: readonly string[]): Promise<RowsHash[]> {
  const hashes: RowsHash[] = [];
  for (const name of names) hashes.push(await hashRows(database, name));
  return hashes;
}

/** Of the rows of each of these. */
export async function hashesOf(file: string, names: readonly string[]): Promise<RowsHash[]> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return await hashAll(database, names);
  } finally {
    database.close();
  }
}

/** Reads a snapshot of the file beside the running service; writers go on meanwhile, but where another hashes too. */
export async function stateOf(
  file: string,
  projections: readonly { readonly name: string; readonly version: number }[],
  positionIn: (database: DatabaseSync) => string,
  beside?: HasherBeside,
): Promise<ReadModelState> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec('BEGIN');
    const position = positionIn(database);
    const names = projections.map(({ name }) => name);
    const theirs = names.filter((name) => beside?.names.includes(name));
    const ours = names.filter((name) => !theirs.includes(name));
    const [given, own] = await Promise.all([beside?.hash(file, theirs), hashAll(database, ours)]);
    const others = given ?? (await hashAll(database, theirs));
    const hashed = new Map(
      [...theirs, ...ours].map((name, at) => [name, [...others, ...own][at] as RowsHash]),
    );
    const items = projections.map(({ name, version }) => ({
      ...{ name, version },
      ...(hashed.get(name) as RowsHash),
    }));
    const whole = createHash('sha256');
    for (const item of items) whole.update(`${item.name} ${item.version} ${item.stateHash}\n`);
    return { position, stateHash: whole.digest('hex'), items };
  } finally {
    database.close();
  }
}
