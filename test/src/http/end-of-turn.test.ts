import { setImmediate as nextTurn } from 'node:timers/promises';
import { atEndOfTurn } from '../../../src/http/end-of-turn.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('end of a turn');

test('what is due in one turn is done at its end, in its order, and what that makes due after it', async () => {
  const done: string[] = [];
  atEndOfTurn(() => {
    done.push('first');
    atEndOfTurn(() => done.push('later'));
  });
  atEndOfTurn(() => done.push('second'));
  await Promise.resolve();
  assert.equal(done, []);
  await nextTurn();
  assert.equal(done, ['first', 'second', 'later']);
});

test('one that fails keeps nothing of a later turn waiting', async () => {
  const done: string[] = [];
  const failed = new Promise((resolve) => process.once('uncaughtException', resolve));
  atEndOfTurn(() => {
    throw new Error('it never does');
  });
  await failed;
  atEndOfTurn(() => done.push('next'));
  await nextTurn();
  assert.equal(done, ['next']);
});

test.run();
