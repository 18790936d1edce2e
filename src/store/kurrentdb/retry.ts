/** Asking KurrentDB again: how long, how often, and in which order. */
import { setTimeout as delay } from 'node:timers/promises';
import { appendsWaitingMax, storeAppendsAtOnceMax } from '../../limits.ts';
import { StoreUnavailable } from '../event-store.ts';
import { isUnanswered, unavailableFrom } from './errors.ts';

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** Milliseconds before the next try: longer each time, and never the same for all who wait. */
export const backOffMs = (failures: number): number =>
  Math.min(longestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + Math.random() / 2);

/**
 * Tries until there is an answer, and begins no try after `givenUpMs` on `performance.now()`.
 * @throws StoreUnavailable when there was none.
 */
export async function retryUntil<Answer>(
  givenUpMs: number,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = backOffMs(failures);
      if (!isUnanswered(error) || performance.now() + pauseMs > givenUpMs)
        throw unavailableFrom(error);
      await delay(pauseMs);
    }
  }
}

export interface Turns {
  /**
   * Runs one thing of a stream at a time: a try that is repeated must not be overtaken by the append
   * that builds on it. @throws StoreUnavailable at once when too much waits.
   */
  readonly ofStream: <Result>(stream: string, work: () => Promise<Result>) => Promise<Result>;
  /** Lets `storeAppendsAtOnceMax` through at once; the others wait in order, and not for ever. */
  readonly toAsk: <Answer>(givenUpMs: number, ask: () => Promise<Answer>) => Promise<Answer>;
}

export function turns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  const waiting: (() => void)[] = [];
  let begun = 0;
  let asking = 0;
  return {
    async ofStream(stream, work) {
      if (begun >= appendsWaitingMax)
        throw new StoreUnavailable('too many appends wait for the event store');
      begun += 1;
      const mine = (last.get(stream) ?? Promise.resolve()).then(work);
      const settled = mine.then(
        () => undefined,
        () => undefined,
      );
      last.set(stream, settled);
      try {
        return await mine;
      } finally {
        begun -= 1;
        if (last.get(stream) === settled) last.delete(stream);
      }
    },

    async toAsk(givenUpMs, ask) {
      if (asking < storeAppendsAtOnceMax) asking += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        if (performance.now() > givenUpMs)
          throw new StoreUnavailable('the event store was too slow for all that waits for it');
        return await ask();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else asking -= 1;
      }
    },
  };
}
