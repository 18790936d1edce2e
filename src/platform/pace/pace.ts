/** Holds answers back to a beat that is fixed when the question comes, so that their time tells nothing. */
import type { Soon } from '../soon.ts';
import { clock } from './clock.ts';
import { monotonicMs } from './monotonic.ts';

/**
 * Acts, and passes its outcome on: at once where it `mayShowItsTime`, else at the first beat of the clock after so many
 * milliseconds, or as many again where it took longer. Who fails waits for the beat as well. `begunMs`: when the question
 * came, where something of it was done before.
 */
export type Pace = <Result>(
  act: () => Soon<Result>,
  mayShowItsTime: (result: Result) => boolean,
  begunMs?: number,
) => Soon<Result>;

/** `heldMs` 0: nothing is held back. */
export function createPace(heldMs: number): Pace {
  const beatAfter = (begunMs: number) => {
    const times = Math.max(1, Math.ceil((monotonicMs() - begunMs) / heldMs));
    return clock.beat(begunMs + times * heldMs);
  };

  /** What was known at once, or went wrong at once. */
  async function held(begunMs: number): Promise<void> {
    clock.use();
    try {
      await beatAfter(begunMs);
    } finally {
      clock.leave();
    }
  }

  async function whenDone<Result>(
    acting: Promise<Result>,
    mayShowItsTime: (result: Result) => boolean,
    begunMs: number,
  ): Promise<Result> {
    clock.use();
    try {
      const result = await acting;
      if (!mayShowItsTime(result)) await beatAfter(begunMs);
      return result;
    } catch (error) {
      await beatAfter(begunMs);
      throw error;
    } finally {
      clock.leave();
    }
  }

  return (act, mayShowItsTime, begunMs = monotonicMs()) => {
    if (heldMs === 0) return act();
    try {
      const result = act();
      if (result instanceof Promise) return whenDone(result, mayShowItsTime, begunMs);
      return mayShowItsTime(result) ? result : held(begunMs).then(() => result);
    } catch (error) {
      return held(begunMs).then(() => {
        throw error;
      });
    }
  };
}
