/**
 * `npm run faults`: what the registry survives, as a table. Names of trials choose among them; `--seed` repeats a run,
 * `--share 0.1` runs a tenth of each, `--list` names them. Ends with 1 where something was not survived.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { chanceOf } from './random.ts';
import type { Told } from './trial.ts';
import { trials } from './trials.ts';

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    share: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
  },
});
const unknown = wanted.filter((name) => !trials.some((trial) => trial.name === name));
if (unknown.length > 0) {
  console.error(`No trial is named ${unknown.join(', ')}. --list names them.`);
  process.exit(2);
}
if (values.list) {
  for (const { name, title } of trials) console.log(`${name.padEnd(12)}${title}`);
  process.exit(0);
}

const violationsShown = 5;
const seed = Number(values.seed);
console.log(`seed ${seed}, share ${values.share}`);
console.log('trial                                    rounds  survived  seconds  figures');
let failed = 0;
for (const { name, title, run } of trials) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const began = performance.now();
  let told: Told;
  try {
    told = await run({ chance: chanceOf(seed), share: Number(values.share) });
  } catch (error) {
    told = { rounds: 0, figures: '', violations: [String((error as Error).stack)] };
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  const survived = told.violations.length === 0;
  console.log(
    [
      ...[title.padEnd(40), String(told.rounds).padStart(6), (survived ? 'yes' : 'NO').padStart(9)],
      ...[seconds.padStart(8), told.figures],
    ].join(' '),
  );
  for (const violation of told.violations.slice(0, violationsShown))
    console.log(`    ${violation}`);
  if (!survived) failed++;
}
process.exit(failed > 0 ? 1 : 0);
