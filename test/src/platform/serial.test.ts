import { setImmediate as nextTurn } from 'node:timers/promises';
import { serial, serialByKey } from '../../../src/platform/serial.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('in turn');

test('one begins when the one before has ended', async () => {
  const run = serial();
  const told: string[] = [];
  const act = (name: string, turns: number) => async () => {
    told.push(`${name} begins`);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    told.push(`${name} ends`);
    return name;
  };
  assert.equal(await Promise.all([run(act('a', 5)), run(act('b', 0)), run(act('c', 2))]), [
    'a',
    'b',
    'c',
  ]);
  assert.equal(told, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
test('one that fails fails alone', async () => {
  const run = serial();
  const failed = run(() => Promise.reject(new Error('no')));
  const thrown = run(() => {
    throw new Error('neither');
  });
  const done = run(async () => 'yes');
  assert.is(await failed.catch(String), 'Error: no');
  assert.is(await thrown.catch(String), 'Error: neither');
  assert.is(await done, 'yes');
});
test('a queue that ran dry takes more', async () => {
  const run = serial();
  await run(async () => 1);
  assert.is(await run(async () => 2), 2);
});
test('two queues do not wait for one another', async () => {
  const [one, other] = [serial(), serial()];
  const stuck = Promise.withResolvers<void>();
  const first = one(() => stuck.promise);
  assert.is(await other(async () => 'free'), 'free');
  stuck.resolve();
  await first;
});

test('what concerns different things does not wait for one another', async () => {
  const run = serialByKey();
  const told: string[] = [];
  const act = (name: string, turns: number) => async () => {
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    told.push(name);
  };
  const failed = run('a', () => Promise.reject(new Error('no'))).catch(() => told.push('failed'));
  await Promise.all([failed, run('a', act('a', 9)), run('a', act('a2', 0)), run('b', act('b', 1))]);
  assert.equal(told, ['failed', 'b', 'a', 'a2']);
});
test.run();
