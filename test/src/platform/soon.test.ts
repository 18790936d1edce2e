import { type Soon, soon } from '../../../src/platform/soon.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('soon');
const twice = (value: number): Soon<number> => value * 2;

test('with what is there it goes on at once, with what comes when it is there', async () => {
  assert.is(soon(2, twice), 4);
  const later = soon(Promise.resolve(2), twice);
  assert.instance(later, Promise);
  assert.is(await later, 4);
});

test('what is thrown at once is thrown, what is thrown later rejects', async () => {
  const failing = (): never => {
    throw new Error('no');
  };
  assert.throws(() => soon(1, failing), 'no');
  assert.is(await Promise.resolve(soon(Promise.resolve(1), failing)).catch(String), 'Error: no');
});

test.run();
