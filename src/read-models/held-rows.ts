/**
 * Rows held parsed in memory, so that looking at one costs no JSON; those longest not looked at are forgotten. And the
 * keys that have none: a name that is new is looked for several times on its way in.
 */

/** A row, and the number of the event that made it. */
export interface HeldRow<Row> {
  readonly born: number;
  readonly row: Row;
}

interface SizedRow<Row> {
  readonly value: HeldRow<Row>;
  readonly size: number;
}

/** What one held row costs beside its text. */
const sizeBeside = 256;

/**
 * Two generations: a row that is looked at moves into the young one; when that has half of the room, it
 * becomes the old one, and the old one is forgotten. So a look costs one map, and never a list.
 */
export class HeldRows<Row> {
  readonly #generationSizeMax: number;
  #young = new Map<string, SizedRow<Row>>();
  #youngSize = 0;
  #old = new Map<string, SizedRow<Row>>();

  /** @param sizeMax characters of all of them together, as JSON */
  constructor(sizeMax: number) {
    this.#generationSizeMax = sizeMax / 2;
  }

  get(key: string): HeldRow<Row> | undefined {
    const young = this.#young.get(key);
    if (young) return young.value;
    const old = this.#old.get(key);
    if (!old) return undefined;
    this.#add(key, old);
    return old.value;
  }

  /** @param length characters of the row as JSON */
  set(key: string, value: HeldRow<Row>, length: number): void {
    this.#add(key, { value, size: length + sizeBeside });
  }

  #add(key: string, held: SizedRow<Row>): void {
    // An older one among the old is hidden by this one, and forgotten before it.
    this.#youngSize += held.size - (this.#young.get(key)?.size ?? 0);
    this.#young.set(key, held);
    if (this.#youngSize < this.#generationSizeMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngSize = 0;
  }

  delete(key: string): void {
    this.#youngSize -= this.#young.get(key)?.size ?? 0;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#youngSize = 0;
    this.#old.clear();
  }
}

/** Keys of which it is known that they have no row, those asked for last; room for so many and once more. */
export class AbsentKeys {
  readonly #countMax: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  add(key: string): void {
    if (this.#young.size >= this.#countMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(key);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
