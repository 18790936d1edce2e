/** Asks KurrentDB again until it answers: for how long, and with which pauses. */
import { setTimeout as delay } from 'node:timers/promises';
import { isUnanswered, unavailableFrom } from './errors.ts';

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** Milliseconds before the next try: longer each time, and never the same for all who wait. */
export const backOffMs = (failures: number): number =>
  Math.min(longestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + Math.random() / 2);

/**
 * Tries until there is an answer, and begins no try after `givenUpMs` on `performance.now()`, or once the
 * connection is `closed`. @throws StoreUnavailable when there was none.
 */
export async function retryUntil<Answer>(
  givenUpMs: number,
  closed: AbortSignal,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = backOffMs(failures);
      const isLast = closed.aborted || performance.now() + pauseMs > givenUpMs;
      if (isLast || !isUnanswered(error)) throw unavailableFrom(error);
      await delay(pauseMs, undefined, { signal: closed }).catch(() => {
        throw unavailableFrom(error);
      });
    }
  }
}
