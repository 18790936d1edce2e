/** A cache of bounded size that forgets what was long not used. */
import { BoundedMap } from './bounded-map.ts';

export interface LruCache<Value> {
  readonly size: number;
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  /**
   * The value, read where it is not held. What was being read while anything was deleted is returned
   * but not held, so that a deletion is never undone by a read that began before it.
   */
  load(key: string, read: () => Promise<Value | undefined>): Promise<Value | undefined>;
}

/**
 * What is used is put last in line again only once an eighth of the line was put behind it: a Map keeps the place of
 * each entry that left until it is laid out anew, and looks for a key through all places that it left, so that putting
 * one behind again at each use took 60 µs among 20,000 others. What was used is so forgotten after seven
 * eighths of `max` others at the earliest. Nor is it put anywhere while a quarter of the line is empty: laying out 100,000
 * places anew takes 17 ms, and what was used last then is forgotten after that quarter at the earliest.
 */
export function lruCache<Value>(max: number): LruCache<Value> {
  const entries = new BoundedMap<string, { readonly value: Value; readonly place: number }>(max);
  let deletions = 0;
  let places = 0;
  const placesApart = Math.floor(max / 8);
  const roomyMax = Math.floor((max * 3) / 4);

  const set = (key: string, value: Value) => {
    places += 1;
    entries.set(key, { value, place: places });
  };
  const get = (key: string) => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    if (entries.size > roomyMax && places - entry.place > placesApart) set(key, entry.value);
    return entry.value;
  };

  return {
    get size() {
      return entries.size;
    },
    get,
    set,
    delete(key) {
      deletions += 1;
      entries.delete(key);
    },
    async load(key, read) {
      const held = get(key);
      if (held !== undefined) return held;
      const before = deletions;
      const value = await read();
      if (value !== undefined && before === deletions) set(key, value);
      return value;
    },
  };
}
