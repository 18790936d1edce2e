/** When users were last seen, for a limited number of them: the most recent ones. */
import { BoundedMap } from '../../platform/bounded-map.ts';

export class LastSeen {
  readonly #atMs: BoundedMap<string, number>;

  constructor(max: number) {
    this.#atMs = new BoundedMap(max);
  }

  record(username: string, atMs: number): void {
    this.#atMs.set(username, atMs);
  }

  /** Milliseconds since the epoch; null: not seen, or evicted since. */
  of(username: string): number | null {
    return this.#atMs.get(username) ?? null;
  }
}
