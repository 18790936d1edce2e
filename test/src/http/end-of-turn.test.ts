import { setImmediate as nextTurn } from 'node:timers/promises';
import { atEndOfTurn } from '../../../src/http/end-of-turn.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('end of a turn');

test('what is due in one turn is done at its end, in its order, and what it makes due at the end of the next', async () => {
  const done: string[] = [];
  atEndOfTurn(() => {
    done.push('first');
    atEndOfTurn(() => done.push('later'));
  });
  atEndOfTurn(() => done.push('second'));
  await Promise.resolve();
  assert.equal(done, []);
  await nextTurn();
  assert.equal(done, ['first', 'second']);
  await nextTurn();
  assert.equal(done, ['first', 'second', 'later']);
});

test.run();
