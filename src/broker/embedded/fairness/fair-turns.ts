/**
 * Shares the one processor between users: of each turn of the event loop a user has so many milliseconds, over all of its sessions;
 * what is left of its work waits for the next turn, in which everybody else comes first. Who is alone waits for nobody: turns
 * follow each other at once.
 */
import { mqttSlowedAgainMs, mqttSlowedForMs, mqttSlowedWindowMs } from '../../../limits/mqtt.ts';

/** First in, first out; taking one does not move the others. */
export class InOrder<Item> {
  #items: Item[] = [];
  #taken = 0;

  get size(): number {
    return this.#items.length - this.#taken;
  }

  get first(): Item | undefined {
    return this.#items[this.#taken];
  }

  add(item: Item): void {
    this.#items.push(item);
  }

  take(): Item | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#taken++];
    if (this.#taken * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}

export interface TurnLimits {
  /** Milliseconds of one user in one turn, and of everybody's waiting work together. */
  readonly turnMs: number;
  readonly turnAllMs: number;
}

/** Works until it is done, or its user's time is over: then it says that there is more. */
type Work = () => boolean;

/** What one user has had, and what waits. */
export interface Share {
  readonly username: string;
  turn: number;
  spentMs: number;
  /** Messages for its sessions, which come before what would make more of them. */
  readonly deliveries: InOrder<Work>;
  readonly waiting: InOrder<Work>;
  isInLine: boolean;
  sinceMs: number;
  /** How long work waited since `windowMs`, and when that was told last. */
  windowMs: number;
  waitedMs: number;
  toldMs: number;
}

export interface TurnsTold {
  /** Work of some user waited for so long. */
  waited(seconds: number): void;
  /** Work of this user waits most of the time. */
  slowed(username: string): void;
}

export class FairTurns {
  readonly #limits: TurnLimits;
  readonly #told: TurnsTold;
  readonly #clockMs: () => number;
  readonly #shares = new WeakMap<object, Share>();
  readonly #line = new InOrder<Share>();
  #turn = 0;
  #isTicking = false;
  /** Whoever works now, and when its time is over. */
  #working: Share | null = null;
  #overMs = 0;

  constructor(
    limits: TurnLimits,
    told: TurnsTold,
    clockMs: () => number = () => performance.now(),
  ) {
    this.#limits = limits;
    this.#told = told;
    this.#clockMs = clockMs;
  }

  /** The same for all sessions of a user. */
  shareOf(user: { readonly username: string }): Share {
    const known = this.#shares.get(user);
    if (known !== undefined) return known;
    const share: Share = {
      ...{ username: user.username, turn: 0, spentMs: 0 },
      ...{ deliveries: new InOrder(), waiting: new InOrder(), isInLine: false },
      ...{ sinceMs: 0, windowMs: 0, waitedMs: 0, toldMs: Number.NEGATIVE_INFINITY },
    };
    this.#shares.set(user, share);
    return share;
  }

  /** Whether who works now has had its time. */
  isOver(): boolean {
    return this.#clockMs() >= this.#overMs;
  }

  /** Works at once where this user has time and nothing waits; else in its turn, after what waits already. */
  run(share: Share, work: Work): void {
    if (!this.#runsNow(share, work, share.deliveries.size + share.waiting.size)) {
      share.waiting.add(work);
      this.#wait(share);
    }
  }

  /** Whether a message is delivered now: its user has time, and none waits before it. */
  delivers(share: Share, deliver: () => void): boolean {
    return this.#runsNow(
      share,
      () => {
        deliver();
        return false;
      },
      share.deliveries.size,
    );
  }

  deliverLater(share: Share, deliver: () => void): void {
    share.deliveries.add(() => {
      deliver();
      return false;
    });
    this.#wait(share);
  }

  /** For work that is done where no clock sees it. */
  charge(share: Share, milliseconds: number): void {
    share.spentMs += milliseconds;
  }

  /** False: nothing was done, or there is more. */
  #runsNow(share: Share, work: Work, before: number): boolean {
    if (before > 0 || !this.#hasTime(share)) return false;
    // Its time is counted already.
    return !(share === this.#working ? work() : this.#work(share, work));
  }

  #wait(share: Share): void {
    if (share.isInLine) return;
    share.isInLine = true;
    share.sinceMs = this.#clockMs();
    this.#line.add(share);
    this.#tick();
  }

  #hasTime(share: Share): boolean {
    if (share === this.#working) return !this.isOver();
    if (share.turn !== this.#turn) {
      share.turn = this.#turn;
      share.spentMs = 0;
    }
    return share.spentMs < this.#limits.turnMs;
  }

  #work(share: Share, work: Work): boolean {
    const beganMs = this.#clockMs();
    // A publisher's work has that of its readers within it.
    const [outer, outerMs] = [this.#working, this.#overMs];
    this.#working = share;
    this.#overMs = beganMs + this.#limits.turnMs - share.spentMs;
    this.#tick();
    try {
      return work();
    } finally {
      this.#working = outer;
      this.#overMs = outerMs;
      share.spentMs += this.#clockMs() - beganMs;
    }
  }

  #tick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    setImmediate(this.#next);
  }

  /** In the phase of the event loop after that in which sockets are read. */
  readonly #next = (): void => {
    this.#isTicking = false;
    this.#turn += 1;
    const endMs = this.#clockMs() + this.#limits.turnAllMs;
    for (let left = this.#line.size; left > 0 && this.#clockMs() < endMs; left--) {
      const share = this.#line.take();
      if (share === undefined) break;
      this.#serve(share);
    }
    if (this.#line.size > 0) this.#tick();
  };

  #serve(share: Share): void {
    this.#count(share);
    share.turn = this.#turn;
    share.spentMs = 0;
    while (share.spentMs < this.#limits.turnMs) {
      const work = share.deliveries.take() ?? share.waiting.take();
      if (work === undefined) break;
      if (this.#work(share, work)) share.waiting.add(work);
    }
    share.isInLine = share.deliveries.size + share.waiting.size > 0;
    if (!share.isInLine) return;
    share.sinceMs = this.#clockMs();
    this.#line.add(share);
  }

  #count(share: Share): void {
    const nowMs = this.#clockMs();
    const waitedMs = nowMs - share.sinceMs;
    this.#told.waited(waitedMs / 1_000);
    if (nowMs - share.windowMs > mqttSlowedWindowMs) {
      share.windowMs = nowMs;
      share.waitedMs = 0;
    }
    share.waitedMs += waitedMs;
    if (share.waitedMs < mqttSlowedForMs || nowMs - share.toldMs < mqttSlowedAgainMs) return;
    share.toldMs = nowMs;
    this.#told.slowed(share.username);
  }
}
