/** When those who wait shall come again: the more of them came lately, the later, so that they stay few a second. */

const slotSeconds = 10;

interface ReturnTimeOptions {
  /** The least that is told. */
  readonly baseSeconds: number;
  readonly maxSeconds: number;
  /** About so many may come each second: they come in waves, so it is no bound. */
  readonly perSecond: number;
  readonly nowMs?: () => number;
}

/** Counts one who came, and says in how many seconds they shall come again; by the count alone. */
export type ReturnTime = () => number;

/**
 * The shortest time, in steps of the base, in which no more came than may come in as long: whoever comes each time
 * they are told to is counted once in it.
 */
export function createReturnTime(options: ReturnTimeOptions): ReturnTime {
  const { baseSeconds, maxSeconds, perSecond, nowMs = () => performance.now() } = options;
  /** The newest first. */
  const counts = new Array<number>(Math.ceil(maxSeconds / slotSeconds) + 2).fill(0);
  let newest = Math.floor(nowMs() / 1_000 / slotSeconds);

  function moveTo(slot: number): void {
    const passed = Math.min(slot - newest, counts.length);
    if (passed <= 0) return;
    counts.copyWithin(passed, 0);
    counts.fill(0, 0, passed);
    newest = slot;
  }

  return () => {
    moveTo(Math.floor(nowMs() / 1_000 / slotSeconds));
    counts[0] = (counts[0] ?? 0) + 1;
    let came = 0;
    let slot = 0;
    for (let seconds = baseSeconds; seconds < maxSeconds; seconds += baseSeconds) {
      const looked = Math.max(seconds, slotSeconds);
      // One slot more, since the newest is not over.
      for (; (slot - 1) * slotSeconds < looked; slot++) came += counts[slot] ?? 0;
      if (came <= perSecond * looked) return seconds;
    }
    return maxSeconds;
  };
}
