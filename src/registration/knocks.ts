/** Knocks: attempts that were turned away at the gate, counted in memory and shown; never stored one by one. */

import type { DoorName } from '../../domain/client/door-name.ts';
import type { TurnedAway } from '../../domain/window.ts';
import { knocksMax } from '../limits/doors.ts';

/** Why a client that is known is turned away: it shows its own credential, and that opens nothing any more. */
type OverReason = 'suspended' | 'denied' | 'revoked' | 'expired';

export interface Knock {
  readonly username: string;
  readonly source: string;
  readonly flow: 'explicit' | 'implicit';
  readonly door: DoorName;
  readonly reason: 'locked' | 'filtered' | 'full' | OverReason;
  readonly attemptCount: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface Knocks {
  count(knock: Omit<Knock, 'attemptCount' | 'firstAt' | 'lastAt'>, at: string): void;
  /** Forgets the knocks of a name: it waits for a decision now, or was erased. */
  forget(username: string): void;
  /** Forgets that a client was turned away here because its access was over: it has access again. */
  admitted(username: string, source: string): void;
  /** The newest attempt first. */
  all(): readonly Knock[];
  size(): number;
  /** What was counted here while this window was open. */
  turnedAway(windowId: string): TurnedAway;
}

const isOfWindow = ({ reason }: Pick<Knock, 'reason'>) =>
  reason === 'filtered' || reason === 'full';
const isOver = (knock: Knock) => knock.reason !== 'locked' && !isOfWindow(knock);

const oneMore = (before: TurnedAway | null, windowId: string): TurnedAway => ({
  windowId,
  attemptCount: (before?.windowId === windowId ? before.attemptCount : 0) + 1,
});

type OfSource = Pick<Knock, 'username' | 'source'>;
const keyOf = ({ username, source }: OfSource) => `${username}\0${source}`;

/** In the order of the newest attempts; a name's are found without looking at the others, since each poll asks. */
class KnocksByName {
  readonly #knocks = new Map<string, Knock>();
  readonly #perName = new Map<string, number>();

  get size(): number {
    return this.#knocks.size;
  }

  get(of: OfSource): Knock | undefined {
    if (!this.#perName.has(of.username)) return undefined;
    return this.#knocks.get(keyOf(of));
  }

  /** Puts a knock that is counted once more behind all others, or a new one. */
  set(knock: Knock): void {
    const key = keyOf(knock);
    if (!this.#knocks.delete(key)) this.#count(knock, 1);
    this.#knocks.set(key, knock);
    if (this.#knocks.size <= knocksMax) return;
    const [oldest] = this.#knocks;
    if (oldest !== undefined) this.#delete(...oldest);
  }

  delete(knock: Knock): void {
    this.#delete(keyOf(knock), knock);
  }

  forget(username: string): void {
    if (!this.#perName.has(username)) return;
    for (const [key, knock] of this.#knocks)
      if (knock.username === username) this.#delete(key, knock);
  }

  all(): readonly Knock[] {
    return [...this.#knocks.values()].reverse();
  }

  #delete(key: string, knock: Knock): void {
    if (this.#knocks.delete(key)) this.#count(knock, -1);
  }

  #count({ username }: Knock, difference: number): void {
    const count = (this.#perName.get(username) ?? 0) + difference;
    if (count === 0) this.#perName.delete(username);
    else this.#perName.set(username, count);
  }
}

/** One entry for each name and source; beyond the limit the one that was quiet longest is forgotten. */
export function createKnocks(
  onKnock?: (knock: Knock) => void,
  newestWindowId: () => string | null = () => null,
): Knocks {
  const knocks = new KnocksByName();
  let inWindow: TurnedAway | null = null;
  return {
    count(knock, at) {
      const windowId = isOfWindow(knock) ? newestWindowId() : null;
      if (windowId !== null) inWindow = oneMore(inWindow, windowId);
      const before = knocks.get(knock);
      const counted = {
        ...knock,
        attemptCount: (before?.attemptCount ?? 0) + 1,
        firstAt: before?.firstAt ?? at,
        lastAt: at,
      };
      knocks.set(counted);
      onKnock?.(counted);
    },
    forget: (username) => knocks.forget(username),
    admitted(username, source) {
      const knock = knocks.get({ username, source });
      if (knock !== undefined && isOver(knock)) knocks.delete(knock);
    },
    all: () => knocks.all(),
    size: () => knocks.size,
    turnedAway: (windowId) =>
      inWindow?.windowId === windowId ? inWindow : { windowId, attemptCount: 0 },
  };
}
