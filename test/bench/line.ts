/** What a line of the bench is: contestants that are measured in turn, and the goal for our ratio or figure. */
import type { Sample } from '../../src/bench/sample.ts';
import type { Checkout } from './served.ts';

export interface Contestant {
  readonly name: string;
  /** Gatebook, in this checkout or in another; all others are what it is measured beside. */
  readonly ours: boolean;
  /** `number`: which round, from 0. */
  round(number: number): Promise<Sample>;
}

/** What a goal looks at: the medians of one Gatebook and of all that stand beside it, by name, "before" among them. */
interface Measured {
  readonly ours: Sample;
  readonly beside: Readonly<Record<string, Sample>>;
}

export interface Goal {
  readonly text: string;
  /** Null: it could not be measured here. */
  met(measured: Measured): boolean | null;
}

export interface Context {
  readonly quick: boolean;
  /** This checkout, and the one that it is compared with. */
  readonly checkouts: readonly Checkout[];
  /** Ends what a line started, the newest first, also where the line fails. */
  atEnd(stop: () => Promise<unknown>): void;
  /** Says on stderr what could not be had or done. */
  note(text: string): void;
}

export interface Line {
  readonly name: string;
  readonly title: string;
  readonly goals: readonly Goal[];
  /** Takes part only where it is named: it takes hours, or needs a server that is given. */
  readonly onlyNamed?: true;
  /** The contestant whose rate our ratio is formed with; the first beside us unless named. */
  readonly base?: string;
  /** Rounds in turn; 5 unless given, and 2 when quick. */
  readonly rounds?: number;
  contestants(context: Context): Promise<readonly Contestant[]>;
}

/** At least so much of the rate of what stands beside. */
export const ratioAtLeast = (ratio: number, name: string): Goal => ({
  text: `≥ ${ratio} of ${name}`,
  met({ ours, beside }) {
    const theirs = beside[name]?.perSecond;
    if (theirs === undefined || ours.perSecond === undefined) return null;
    return ours.perSecond >= ratio * theirs;
  },
});

export const p99Below = (limitMs: number): Goal => ({
  text: `p99 < ${limitMs} ms`,
  met: ({ ours }) => (ours.p99Ms === undefined ? null : ours.p99Ms < limitMs),
});

export const figureAtMost = (name: string, most: number): Goal => ({
  text: `${name} ≤ ${most}`,
  met({ ours }) {
    const value = ours.figures?.[name];
    return value === undefined ? null : value <= most;
  },
});
