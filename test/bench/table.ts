/** Runs a line's contestants in turn, and prints what came out as rows of one table. */

import { medians, type Sample } from '../../src/bench/sample.ts';
import type { Contestant, Context, Line } from './line.ts';

export interface Row extends Sample {
  readonly line: string;
  readonly title: string;
  readonly contestant: string;
  readonly rounds: number;
  /** Our rate by that of what stands beside. */
  readonly ratio?: number;
  readonly goals: readonly { readonly text: string; readonly met: boolean | null }[];
}

const roundsUsual = 5;
const roundsQuick = 2;

/** Each round has every contestant once, so that what disturbs the machine disturbs all of them. */
export async function rowsOf(line: Line, options: Omit<Context, 'atEnd'>): Promise<Row[]> {
  await using ends = new AsyncDisposableStack();
  const context: Context = {
    ...options,
    atEnd: (stop) => ends.defer(async () => void (await stop())),
  };
  const usual = line.rounds ?? roundsUsual;
  const rounds = context.quick ? Math.min(usual, roundsQuick) : usual;
  const contestants = await line.contestants(context);
  const samples = new Map<Contestant, Sample[]>(contestants.map((one) => [one, []]));
  for (let number = 0; number < rounds; number++)
    for (const one of contestants) samples.get(one)?.push(await one.round(number));
  const measured = contestants.map((one) => ({ one, sample: medians(samples.get(one) ?? []) }));
  const peers = measured.filter(({ one }) => !one.ours);
  const base = peers.find(({ one }) => one.name === (line.base ?? peers[0]?.one.name))?.sample;
  const besideOf = (mine: Contestant) =>
    Object.fromEntries(
      measured.filter(({ one }) => one !== mine).map(({ one, sample }) => [one.name, sample]),
    );
  return measured.map(({ one, sample }) => ({
    ...{ line: line.name, title: line.title, contestant: one.name, rounds, ...sample },
    ...(one.ours && base?.perSecond && sample.perSecond
      ? { ratio: sample.perSecond / base.perSecond }
      : {}),
    goals: one.ours
      ? line.goals.map(({ text, met }) => ({
          text,
          met: met({ ours: sample, beside: besideOf(one) }),
        }))
      : [],
  }));
}

const columns = [34, 24, 11, 9, 9, 9, 7] as const;
const heading = ['', '', 'a second', 'p50 ms', 'p99 ms', 'p99.9 ms', 'ratio'];

function printed(cells: readonly string[], end: string): void {
  const padded = cells.map((cell, index) => {
    const width = columns[index] ?? 0;
    return index < 2 ? cell.padEnd(width) : cell.padStart(width);
  });
  console.log(`${padded.join(' ')}  ${end}`.trimEnd());
}

export const printHeading = () => printed(heading, 'goal · other figures');

const number = (value: number | undefined, digits: number) =>
  value === undefined
    ? ''
    : value.toLocaleString('en', { maximumFractionDigits: value >= 1_000 ? 0 : digits });

const verdicts = { true: 'met', false: 'NOT MET', null: 'not measured' };

export function printRows(rows: readonly Row[]): void {
  for (const [index, row] of rows.entries()) {
    const cells = [
      index === 0 ? row.title : '',
      row.contestant,
      number(row.perSecond, 1),
      number(row.p50Ms, 2),
      number(row.p99Ms, 2),
      number(row.p999Ms, 2),
      number(row.ratio, 2),
    ];
    const goals = row.goals.map(({ text, met }) => `${text}: ${verdicts[`${met}`]}`);
    const figures = Object.entries(row.figures ?? {}).map(
      ([name, value]) => `${name} ${number(value, 2)}`,
    );
    printed(cells, [...goals, ...figures].join(' · '));
  }
}
