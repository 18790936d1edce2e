/** Holds answers back to the next beat of a clock that began with the question, so that their time tells nothing. */

/**
 * Acts, and passes its outcome on: at once where it `mayShowItsTime`, else at the next beat since it began. Who
 * fails waits for the beat as well. The timer starts before the work, so its end depends on nothing in it.
 */
export type Pace = <Result>(
  act: () => Promise<Result>,
  mayShowItsTime: (result: Result) => boolean,
) => Promise<Result>;

/** `beatMs` 0: nothing is held back. */
export const createPace =
  (beatMs: number): Pace =>
  async (act, mayShowItsTime) => {
    if (beatMs === 0) return await act();
    let beat = Promise.withResolvers<void>();
    const timer = setInterval(() => {
      beat.resolve();
      beat = Promise.withResolvers<void>();
    }, beatMs);
    try {
      const result = await act();
      if (!mayShowItsTime(result)) await beat.promise;
      return result;
    } catch (error) {
      await beat.promise;
      throw error;
    } finally {
      clearInterval(timer);
    }
  };
