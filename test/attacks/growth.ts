/**
 * Whether the work that a text makes grows faster than the text: tried with long repetitions of each of some pieces, and told
 * by how many times as much processor time four times as much text takes, so that a slow machine makes no difference.
 */

/** `unit` many times, between `before` and a character that fits nothing. */
export interface Repetition {
  readonly before: string;
  readonly unit: string;
}

type Read = (text: string) => unknown;

const end = '\u0001';
/** Characters: so few that even doubling with each of them ends, then so many that it is told from a straight line. */
const [fewMax, many, manyMore] = [28, 2_000, 8_000] as const;
/** Four times as much text takes four times as long, or sixteen where each character looks at all others. */
const growthMax = 9;
/** Milliseconds below which time says nothing. */
const [fewMs, manyMs, manyMoreMs] = [8, 0.25, 2];
const repeats = 7;

export const textOf = ({ before, unit }: Repetition, length: number): string =>
  before + unit.repeat(Math.max(1, Math.ceil(length / unit.length))) + end;

/** Processor time: that of the process is exact to the microsecond on Linux, that of a thread is not. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

function msOf(read: Read, text: string, times: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    const beganMs = cpuMs();
    read(text);
    best = Math.min(best, cpuMs() - beganMs);
  }
  return best;
}

/** In words, how it grows; null: no faster than the text. */
export function growthFault(read: Read, repetition: Repetition): string | null {
  for (let length = 8; length <= fewMax; length += 4) {
    const few = textOf(repetition, length);
    if (msOf(read, few, 1) > fewMs && msOf(read, few, repeats) > fewMs)
      return `${length} characters take more than ${fewMs} ms`;
  }
  if (msOf(read, textOf(repetition, many), 1) < manyMs) return null;
  const [short, long] = [many, manyMore].map((length) =>
    msOf(read, textOf(repetition, length), repeats),
  ) as [number, number];
  const growth = long / short;
  return long > manyMoreMs && growth > growthMax
    ? `four times as much takes ${growth.toFixed(1)} times as long, ${long.toFixed(1)} ms`
    : null;
}
