/** When users were last seen: of so many, those who came last. */
import { BoundedMap } from '../../platform/bounded-map.ts';

export class LastSeen {
  readonly #atMs: BoundedMap<string, number>;

  constructor(max: number) {
    this.#atMs = new BoundedMap(max);
  }

  note(username: string, atMs: number): void {
    this.#atMs.set(username, atMs);
  }

  /** Milliseconds since the epoch; null: not seen, or too long ago to be remembered. */
  of(username: string): number | null {
    return this.#atMs.get(username) ?? null;
  }
}
