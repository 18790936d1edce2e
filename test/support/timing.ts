/** Whether two kinds of answers can be told apart by their time alone. */

/** Standard deviations of the rank sum from what it is without a difference (Mann–Whitney, corrected for ties). */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, isA: 1 })), ...b.map((value) => ({ value, isA: 0 }))];
  all.sort((one, other) => one.value - other.value);
  let [ranksOfA, ties] = [0, 0];
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to++;
    const tied = to - from;
    for (const { isA } of all.slice(from, to)) ranksOfA += isA * ((from + 1 + to) / 2);
    ties += tied ** 3 - tied;
    from = to;
  }
  const [n, m] = [a.length, b.length];
  const total = n + m;
  const u = ranksOfA - (n * (n + 1)) / 2;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  return variance === 0 ? 0 : (u - (n * m) / 2) / Math.sqrt(variance);
}

export interface Timed {
  /** Milliseconds of each answer. */
  readonly known: number[];
  readonly unknown: number[];
}

/** Asks about a known and an unknown name in pairs, in an order drawn for each. */
export async function timed(
  pairs: number,
  probe: (which: 'known' | 'unknown', at: number) => Promise<unknown>,
): Promise<Timed> {
  const taken: Timed = { known: [], unknown: [] };
  for (let at = 0; at < pairs; at++) {
    const first = Math.random() < 0.5 ? 'known' : 'unknown';
    for (const which of [first, first === 'known' ? 'unknown' : 'known'] as const) {
      const begunMs = performance.now();
      await probe(which, at);
      taken[which].push(performance.now() - begunMs);
    }
  }
  return taken;
}
