/** What one round of a bench measured, and what several rounds say together. */

export interface Sample {
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly p999Ms?: number;
  /** Further figures by their name with the unit at its end, such as `residentMb`. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** The value that so great a share of sorted values does not exceed. */
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const median = (values: readonly number[]): number =>
  percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

/** Rate and latencies of calls that took so long, in so many seconds together. */
export function sampleOf(
  timesMs: readonly number[],
  seconds: number,
): Required<Omit<Sample, 'figures'>> {
  const sorted = [...timesMs].sort((a, b) => a - b);
  return {
    perSecond: timesMs.length / seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    p999Ms: percentile(sorted, 0.999),
  };
}

/** The median of each figure over the rounds. */
export function medians(rounds: readonly Sample[]): Sample {
  const of = (read: (sample: Sample) => number | undefined) => {
    const values = rounds.map(read).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const names = [...new Set(rounds.flatMap(({ figures = {} }) => Object.keys(figures)))];
  const common = (['perSecond', 'p50Ms', 'p99Ms', 'p999Ms'] as const).flatMap((name) => {
    const value = of((sample) => sample[name]);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(common),
    figures: Object.fromEntries(
      names.map((name) => [name, of(({ figures }) => figures?.[name]) ?? 0]),
    ),
  };
}

/** Runs `count` of anything, `atOnce` at a time, and times each. */
export async function timed(
  count: number,
  atOnce: number,
  act: (index: number) => Promise<unknown>,
): Promise<Required<Omit<Sample, 'figures'>>> {
  const timesMs: number[] = [];
  let next = 0;
  const beganMs = performance.now();
  const work = async () => {
    while (next < count) {
      const index = next++;
      const before = performance.now();
      await act(index);
      timesMs.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sampleOf(timesMs, (performance.now() - beganMs) / 1_000);
}
