/** Finds the word that a mistyped one was meant to be. */

/** The candidate that the fewest keystrokes lead to, if they are few for its length; else null. */
export function nearestWord(word: string, candidates: readonly string[]): string | null {
  if (word.length > 100) return null;
  let nearest: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const keystrokes = distance(word.toLowerCase(), candidate.toLowerCase());
    if (keystrokes >= least) continue;
    nearest = candidate;
    least = keystrokes;
  }
  return nearest;
}

/** Letters to insert, remove, replace or swap with the next one (optimal string alignment). */
function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = next;
  }
  return last[to.length] ?? 0;
}
