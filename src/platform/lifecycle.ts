/** Parts that start one after the other, and stop in reverse: at the end, or when a later one fails to start. */

type Undo = () => Promise<void> | void;

export class Lifecycle {
  readonly #ending = new AbortController();
  readonly #steps: Undo[] = [];

  /** Aborts when what runs until then is to end. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  add(undo: Undo): void {
    this.#steps.push(undo);
  }

  /** Of what runs until the signal aborts; `first` is done before its end is waited for. */
  runs(ended: Promise<unknown>, first?: Undo): void {
    this.add(async () => {
      this.#ending.abort();
      await first?.();
      await ended;
    });
  }

  /** @throws the first fault of a step; all steps are done */
  async stop(): Promise<void> {
    const faults: unknown[] = [];
    for (const undo of this.#steps.splice(0).reverse())
      try {
        await undo();
      } catch (error) {
        faults.push(error);
      }
    if (faults.length > 0) throw faults[0];
  }
}
