/** A map of bounded size: beyond it, what was set longest ago is forgotten. */

/** `set` puts an entry last in line, also one that is there already; `get` leaves it where it is. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #max: number;
  /** Stands where the oldest entry is: a new walk would step over the place of each entry that left before it. */
  #walk: MapIterator<Key> | undefined;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    while (this.size > this.#max) this.forgetOldest();
    return this;
  }

  /** What was forgotten; undefined: there was nothing. */
  forgetOldest(): Value | undefined {
    let oldest = this.#walk?.next();
    if (oldest === undefined || oldest.done) {
      this.#walk = this.keys();
      oldest = this.#walk.next();
    }
    if (oldest.done) return undefined;
    const value = this.get(oldest.value);
    this.delete(oldest.value);
    return value;
  }
}
