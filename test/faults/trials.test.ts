/** A short run of every trial of `npm run faults`, from a seed of its own that a failure names. */
import '@kurrent/kurrentdb-client';
import { randomInt } from 'node:crypto';
import { assert, suite } from '../support/suite.ts';
import { chanceOf } from './random.ts';
import { trials } from './trials.ts';

const test = suite('trials of faults');
const share = 0.02;

for (const { name, title, run } of trials)
  test(title, async () => {
    const seed = randomInt(2 ** 31);
    const { violations, figures } = await run({ chance: chanceOf(seed), share });
    console.log(`  ${title}: ${figures}`);
    assert.equal(violations, [], `npm run faults -- ${name} --seed ${seed} --share ${share}`);
  });

test.run();
