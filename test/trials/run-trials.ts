/**
 * Runs trials as the command line asks, and prints their table: names choose among them, `--seed` repeats a run,
 * `--share 0.1` runs a tenth of each, `--list` names them. Ends with 1 where something was not survived.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { patience } from '../support/process.ts';
import { chanceOf } from './random.ts';
import type { Told, Trial } from './trial.ts';

const violationsShown = 5;
const wholeRunMsMax = 6 * 3_600_000;

function asked(trials: readonly Trial[]) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      share: { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.filter((wanted) => !trials.some(({ name }) => name === wanted));
  if (unknown.length > 0) {
    console.error(`No trial is named ${unknown.join(', ')}. --list names them.`);
    process.exit(2);
  }
  const wanted = trials.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  return { wanted, list: values.list, seed: Number(values.seed), share: Number(values.share) };
}

async function toldBy({ run }: Trial, seed: number, share: number): Promise<Told> {
  try {
    return await run({ chance: chanceOf(seed), share });
  } catch (error) {
    return { rounds: 0, figures: '', violations: [String((error as Error).stack)] };
  }
}

export async function runTrials(trials: readonly Trial[]): Promise<never> {
  const { wanted, list, seed, share } = asked(trials);
  if (list) {
    for (const { name, title } of trials) console.log(`${name.padEnd(12)}${title}`);
    process.exit(0);
  }
  patience.ms = wholeRunMsMax;
  console.log(`seed ${seed}, share ${share}`);
  console.log('trial                                     rounds  survived  seconds  figures');
  let failed = 0;
  for (const trial of wanted) {
    const began = performance.now();
    const { rounds, figures, violations } = await toldBy(trial, seed, share);
    const seconds = ((performance.now() - began) / 1_000).toFixed(0);
    const survived = violations.length === 0 ? 'yes' : 'NO';
    console.log(
      [
        ...[trial.title.padEnd(40), String(rounds).padStart(7), survived.padStart(9)],
        ...[seconds.padStart(8), figures],
      ].join(' '),
    );
    for (const violation of violations.slice(0, violationsShown)) console.log(`    ${violation}`);
    if (violations.length > 0) failed++;
  }
  process.exit(failed > 0 ? 1 : 0);
}
