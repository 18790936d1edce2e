/** A short run of trials as tests, each from a seed of its own that a failure names. */
import { randomInt } from 'node:crypto';
import { assert, suite } from '../support/suite.ts';
import { chanceOf } from './random.ts';
import type { Trial } from './trial.ts';

/** `script`: of npm, that runs them whole. */
export function shortRuns(name: string, script: string, trials: readonly Trial[], share: number) {
  const test = suite(name);
  const inTurn = trials.filter((trial) => trial.inTurn === true);
  const chosen = inTurn[randomInt(Math.max(1, inTurn.length))];
  const short = trials.filter((trial) => trial.inTurn !== true || trial === chosen);
  for (const { name, title, run } of short)
    test(title, async () => {
      const seed = randomInt(2 ** 31);
      const { violations, figures } = await run({ chance: chanceOf(seed), share });
      console.log(`  ${title}: ${figures}`);
      assert.equal(violations, [], `npm run ${script} -- ${name} --seed ${seed} --share ${share}`);
    });
  test.run();
}
