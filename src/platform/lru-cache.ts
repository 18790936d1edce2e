/** A cache of bounded size that forgets what was longest not used. */
import { BoundedMap } from './bounded-map.ts';

interface LruCache<Value> {
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

export function lruCache<Value>(max: number): LruCache<Value> {
  const values = new BoundedMap<string, Value>(max);
  let deletions = 0;
  /** What stands last in line: who is asked about is asked about several times, and need not be put there again. */
  let last: string | undefined;

  const set = (key: string, value: Value) => {
    values.set(key, value);
    last = key;
  };
  const get = (key: string) => {
    const value = values.get(key);
    if (value === undefined) return undefined;
    if (key !== last) set(key, value);
    return value;
  };

  return {
    get size() {
      return values.size;
    },
    get,
    set,
    delete(key) {
      deletions += 1;
      values.delete(key);
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
