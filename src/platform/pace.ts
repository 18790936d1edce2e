/** Holds answers back to the next beat of a clock that began with the question, so that their time tells nothing. */

/**
 * Acts, and passes its outcome on: at once where it `mayShowItsTime`, else at the next beat since it began. Who
 * fails waits for the beat as well. The clock starts before the work, so its beats depend on nothing in it.
 */
export type Pace = <Result>(
  act: () => Promise<Result>,
  mayShowItsTime: (result: Result) => boolean,
) => Promise<Result>;

/** A clock for all that began within one millisecond: it beats while any of them is at work. */
class Clock {
  readonly begunMs: number;
  readonly #timer: NodeJS.Timeout;
  #beat = Promise.withResolvers<void>();
  #users = 0;

  constructor(begunMs: number, beatMs: number) {
    this.begunMs = begunMs;
    this.#timer = setInterval(() => {
      this.#beat.resolve();
      this.#beat = Promise.withResolvers();
    }, beatMs);
  }

  get beat(): Promise<void> {
    return this.#beat.promise;
  }

  use(): void {
    this.#users++;
  }

  /** Whether nobody uses it any more: then it is stopped. */
  leave(): boolean {
    this.#users--;
    if (this.#users > 0) return false;
    clearInterval(this.#timer);
    return true;
  }
}

/** `beatMs` 0: nothing is held back. */
export const createPace = (beatMs: number): Pace => {
  /** The newest one, while anybody uses it. */
  let newest: Clock | undefined;

  function clockOf(nowMs: number): Clock {
    if (newest?.begunMs !== nowMs) newest = new Clock(nowMs, beatMs);
    newest.use();
    return newest;
  }

  return async (act, mayShowItsTime) => {
    if (beatMs === 0) return await act();
    const clock = clockOf(Math.floor(performance.now()));
    try {
      const result = await act();
      if (!mayShowItsTime(result)) await clock.beat;
      return result;
    } catch (error) {
      await clock.beat;
      throw error;
    } finally {
      if (clock.leave() && clock === newest) newest = undefined;
    }
  };
};
