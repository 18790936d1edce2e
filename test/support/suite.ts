/**
 * What test files have of their runner: the one import of uvu, so that another runner could take its place. Whatever
 * Gatebook answers in a test is held against the API's description when the test ends, and fails it.
 */
import { suite as uvuSuite } from 'uvu';
import { takeExchanges } from './described/tap.ts';

export * as assert from 'uvu/assert';

async function answersAreDescribed(): Promise<void> {
  const exchanges = takeExchanges();
  if (exchanges.length === 0) return;
  // Late: what tests nothing over HTTP needs none of it.
  const { faultsIn } = await import('./described/check.ts');
  const faults = [...new Set(faultsIn(exchanges))];
  if (faults.length > 0)
    throw new Error(`Not as the API's description says:\n${faults.slice(0, 20).join('\n')}`);
}

export const suite: typeof uvuSuite = (name, context) => {
  const made = uvuSuite(name, context);
  const { run } = made;
  made.after.each(answersAreDescribed);
  // The last of all: what an after() of the file asks is seen, too.
  made.run = () => {
    made.after(answersAreDescribed);
    run();
  };
  return made;
};
