/** When users were last seen: of so many, those who came last. */

export class LastSeen {
  readonly #max: number;
  readonly #atMs = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  note(username: string, atMs: number): void {
    this.#atMs.delete(username);
    this.#atMs.set(username, atMs);
    if (this.#atMs.size <= this.#max) return;
    for (const oldest of this.#atMs.keys()) {
      this.#atMs.delete(oldest);
      return;
    }
  }

  /** Milliseconds since the epoch; null: not seen, or too long ago to be remembered. */
  of(username: string): number | null {
    return this.#atMs.get(username) ?? null;
  }
}
