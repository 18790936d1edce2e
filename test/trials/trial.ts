/** What a trial of faults is given, and what it tells. */
import type { Chance } from './random.ts';

export interface Given {
  readonly chance: Chance;
  /** Of 1: how much of the whole trial is wanted. */
  readonly share: number;
}

export interface Told {
  readonly rounds: number;
  /** Figures in words, for the table. */
  readonly figures: string;
  /** What must not be; none when it survived. */
  readonly violations: readonly string[];
}

export interface Trial {
  /** As it is asked for. */
  readonly name: string;
  readonly title: string;
  /** Takes seconds in its shortest form: a short run has one of these, another each time. */
  readonly inTurn?: true;
  run(given: Given): Promise<Told>;
}
