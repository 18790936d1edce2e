/** When users were last seen, for a limited number of them: the most recent ones. */

export class LastSeen {
  readonly #max: number;
  readonly #atMs = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  record(username: string, atMs: number): void {
    this.#atMs.delete(username);
    this.#atMs.set(username, atMs);
    if (this.#atMs.size <= this.#max) return;
    for (const oldest of this.#atMs.keys()) {
      this.#atMs.delete(oldest);
      return;
    }
  }

  /** Milliseconds since the epoch; null: not seen, or evicted since. */
  of(username: string): number | null {
    return this.#atMs.get(username) ?? null;
  }
}
