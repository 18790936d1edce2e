/** Knocks: attempts that were turned away at the gate, counted in memory and shown; never stored one by one. */

import type { TurnedAway } from '../../domain/window.ts';
import { knocksMax } from '../limits.ts';
import { BoundedMap } from '../platform/bounded-map.ts';

export interface Knock {
  readonly username: string;
  readonly source: string;
  readonly flow: 'explicit' | 'implicit';
  readonly reason: 'locked' | 'filtered' | 'full';
  readonly attemptCount: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface Knocks {
  count(knock: Omit<Knock, 'attemptCount' | 'firstAt' | 'lastAt'>, at: string): void;
  /** Forgets the knocks of a name: it waits for a decision now, or was erased. */
  forget(username: string): void;
  /** The newest attempt first. */
  all(): readonly Knock[];
  size(): number;
  /** What was counted here while this window was open. */
  turnedAway(windowId: string): TurnedAway;
}

const oneMore = (before: TurnedAway | null, windowId: string): TurnedAway => ({
  windowId,
  attemptCount: (before?.windowId === windowId ? before.attemptCount : 0) + 1,
});

/** One entry for each name and source; beyond the limit the one that was quiet longest is forgotten. */
export function createKnocks(
  onKnock?: (knock: Knock) => void,
  newestWindowId: () => string | null = () => null,
): Knocks {
  const knocks = new BoundedMap<string, Knock>(knocksMax);
  let inWindow: TurnedAway | null = null;
  return {
    count(knock, at) {
      const windowId = knock.reason === 'locked' ? null : newestWindowId();
      if (windowId !== null) inWindow = oneMore(inWindow, windowId);
      const key = `${knock.username}\0${knock.source}`;
      const before = knocks.get(key);
      const counted = {
        ...knock,
        attemptCount: (before?.attemptCount ?? 0) + 1,
        firstAt: before?.firstAt ?? at,
        lastAt: at,
      };
      knocks.set(key, counted);
      onKnock?.(counted);
    },
    forget(username) {
      for (const [key, knock] of knocks) if (knock.username === username) knocks.delete(key);
    },
    all: () => [...knocks.values()].reverse(),
    size: () => knocks.size,
    turnedAway: (windowId) =>
      inWindow?.windowId === windowId ? inWindow : { windowId, attemptCount: 0 },
  };
}
