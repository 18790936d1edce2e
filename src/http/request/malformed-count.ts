/** Counts malformed requests: to say what is wrong costs more than to do what is right. */
import { createThrottle } from '../../platform/throttle.ts';
import { Problem } from '../response/problem.ts';

/**
 * Parses for a sender; who sent too much in this minute that could not be read is not read.
 * @throws Problem `source-throttled`, and what `parse` throws
 */
type MalformedCount = <T>(sender: string, parse: () => Promise<T>) => Promise<T>;

export function createMalformedCount(perMinute: number): MalformedCount {
  const throttle = createThrottle(perMinute);
  return async (sender, parse) => {
    const retryAfterSeconds = throttle.waitSeconds(sender);
    if (retryAfterSeconds > 0)
      throw new Problem('source-throttled', {
        detail: 'Too many malformed requests came from here: mend them, wait, and try again.',
        retryAfterSeconds,
      });
    try {
      return await parse();
    } catch (error) {
      if (error instanceof Problem && error.code === 'request-malformed') throttle.count(sender);
      throw error;
    }
  };
}
