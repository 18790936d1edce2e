/** Counts the attempts of each source, so that those that matched nothing stay within a minute's limit. */
import { sourcesCountedMax } from '../limits/doors.ts';
import { BoundedMap } from './bounded-map.ts';

const windowMs = 60_000;

interface Throttle {
  /** Seconds until `key` may try again; 0: now. */
  waitSeconds(key: string): number;
  count(key: string): void;
}

/**
 * At most `perMinute` counted attempts in the minute that begins with a key's first; 0: no limit. Keys are
 * bounded: beyond that the one that began first is forgotten.
 */
export function createThrottle(
  perMinute: number,
  nowMs: () => number = () => performance.now(),
): Throttle {
  const counts = new BoundedMap<string, { since: number; count: number }>(sourcesCountedMax);
  return {
    waitSeconds(key) {
      // Nearly always nobody is counted: then the key need not even be hashed.
      if (perMinute === 0 || counts.size === 0) return 0;
      const entry = counts.get(key);
      if (!entry || entry.count < perMinute) return 0;
      const left = entry.since + windowMs - nowMs();
      if (left <= 0) return 0;
      return Math.ceil(left / 1000);
    },
    count(key) {
      const now = nowMs();
      const entry = counts.get(key);
      if (entry && now - entry.since < windowMs) {
        entry.count++;
        return;
      }
      counts.set(key, { since: now, count: 1 });
    },
  };
}
