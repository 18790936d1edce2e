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
    const { size } = this;
    super.set(key, value);
    if (this.size === size) {
      // It was there, and is last in line now.
      this.delete(key);
      super.set(key, value);
    }
    while (this.size > this.#max) this.delete(this.#oldest() as Key);
    return this;
  }

  /** What was forgotten; undefined: there was nothing. */
  forgetOldest(): Value | undefined {
    if (this.size === 0) return undefined;
    const oldest = this.#oldest() as Key;
    const value = this.get(oldest);
    this.delete(oldest);
    return value;
  }

  /** Undefined: there is none. */
  #oldest(): Key | undefined {
    let oldest = this.#walk?.next();
    if (oldest === undefined || oldest.done) {
      this.#walk = this.keys();
      oldest = this.#walk.next();
    }
    return oldest.value;
  }
}
