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
  /** One of them: who is on its way in asks again and again. */
  #newest: string | undefined;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  has(key: string): boolean {
    return key === this.#newest || this.#young.has(key) || this.#old.has(key);
  }

  add(key: string): void {
    this.#newest = key;
    if (this.#young.size >= this.#countMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(key);
  }

  delete(key: string): void {
    if (key === this.#newest) this.#newest = undefined;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#newest = undefined;
    this.#young.clear();
    this.#old.clear();
  }
}

/**
 * The keys that a new file may hold a row of, in a few bits each (a Bloom filter): of the others it is certain that
 * there is none, without a look. Where there are too many it knows less and less, and is never wrong.
 */
export class KeysWritten {
  readonly #bits = new Uint32Array(keyBits / 32);
  /** Nothing was added: known without a look. */
  isEmpty = true;

  add(key: string): void {
    this.isEmpty = false;
    for (const bit of bitsOf(key))
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << bit);
  }

  mayHave(key: string): boolean {
    return bitsOf(key).every((bit) => ((this.#bits[bit >>> 5] ?? 0) & (1 << bit)) !== 0);
  }
}

const keyBits = 2 ** 24;

/** Two places, from the two halves of a hash (FNV-1a, with another seed for the second). */
function bitsOf(key: string): readonly [number, number] {
  let [one, other] = [0x811c9dc5, 0x2f0b4c47];
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit, 0x85ebca6b);
  }
  return [(one ^ (one >>> 15)) & (keyBits - 1), (other ^ (other >>> 13)) & (keyBits - 1)];
}
