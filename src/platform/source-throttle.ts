/** Counts the attempts of sources, and those of a whole network together: of many /64s one customer may have all. */
import { networkOf } from './networks.ts';
import { createThrottle } from './throttle.ts';

/** Seconds to wait; 0: none. */
interface SourceWait {
  /** For what the source did itself. */
  readonly own: number;
  /** For that, or for what its network did: the longer one. */
  readonly all: number;
}

/** `source` as `sourceKey` says it; with a name what is done to that name alone is counted. */
export interface SourceThrottle {
  wait(source: string, name?: string): SourceWait;
  count(source: string, name?: string): void;
}

/** @param neighboursFactor how many times as many a /48 may make as one source; `perMinute` 0: no limit */
export function createSourceThrottle(
  perMinute: number,
  neighboursFactor: number,
  nowMs?: () => number,
): SourceThrottle {
  const sources = createThrottle(perMinute, nowMs);
  const networks = createThrottle(perMinute * neighboursFactor, nowMs);
  const keyOf = (from: string, name: string | undefined) =>
    name === undefined ? from : `${from} ${name}`;

  return {
    wait(source, name) {
      const own = sources.waitSeconds(keyOf(source, name));
      const network = networkOf(source);
      if (network === source) return { own, all: own };
      return { own, all: Math.max(own, networks.waitSeconds(keyOf(network, name))) };
    },
    count(source, name) {
      sources.count(keyOf(source, name));
      const network = networkOf(source);
      if (network !== source) networks.count(keyOf(network, name));
    },
  };
}
