/** Counts malformed requests: to say what is wrong costs more than to do what is right. */
import type { Soon } from '../../platform/soon.ts';
import { createThrottle } from '../../platform/throttle.ts';
import { Problem } from '../response/problem.ts';

/**
 * Parses for a sender; who sent too much in this minute that could not be read is not read.
 * @throws Problem `source-throttled`, and what `parse` throws or rejects with
 */
type MalformedCount = <T>(sender: string, parse: () => Soon<T>) => Soon<T>;

export function createMalformedCount(perMinute: number): MalformedCount {
  const throttle = createThrottle(perMinute);
  return (sender, parse) => {
    const retryAfterSeconds = throttle.waitSeconds(sender);
    if (retryAfterSeconds > 0)
      throw new Problem('source-throttled', {
        detail: 'Too many malformed requests came from here: mend them, wait, and try again.',
        retryAfterSeconds,
      });
    const failed = (error: unknown): never => {
      if (error instanceof Problem && error.code === 'request-malformed') throttle.count(sender);
      throw error;
    };
    try {
      const parsed = parse();
      return parsed instanceof Promise ? parsed.catch(failed) : parsed;
    } catch (error) {
      return failed(error);
    }
  };
}
