/** CONNECTs that are being judged, by username: a change of the account meanwhile overtakes them. */

export interface Attempt {
  overtaken: boolean;
}

export class Attempts {
  readonly #running = new Map<string, Set<Attempt>>();

  /** Begins to judge a CONNECT; changes of the account until `over` show in `overtaken`. */
  begin(username: string): { attempt: Attempt; over(): void } {
    const attempt: Attempt = { overtaken: false };
    const others = this.#running.get(username) ?? new Set();
    this.#running.set(username, others.add(attempt));
    return {
      attempt,
      over: () => {
        others.delete(attempt);
        if (others.size === 0 && this.#running.get(username) === others)
          this.#running.delete(username);
      },
    };
  }

  overtake(username: string): void {
    for (const attempt of this.#running.get(username) ?? []) attempt.overtaken = true;
  }
}
