import { sourcesCountedMax } from '../../../src/limits/doors.ts';
import { createThrottle } from '../../../src/platform/throttle.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('throttle');

const at = (perMinute: number) => {
  const clock = { ms: 1_000_000 };
  const throttle = createThrottle(perMinute, () => clock.ms);
  const count = (key: string, times: number) => {
    for (let time = 0; time < times; time++) throttle.count(key);
  };
  return { clock, throttle, count };
};

test('up to the limit nobody waits', () => {
  const { throttle, count } = at(3);
  count('a', 2);
  assert.is(throttle.waitSeconds('a'), 0);
  count('a', 1);
  assert.is(throttle.waitSeconds('a'), 60);
});
test('it is over a minute after the first attempt', () => {
  const { clock, throttle, count } = at(3);
  count('a', 1);
  clock.ms += 30_000;
  count('a', 5);
  assert.is(throttle.waitSeconds('a'), 30);
  clock.ms += 29_001;
  assert.is(throttle.waitSeconds('a'), 1, 'never nought while it must wait');
  clock.ms += 998;
  assert.is(throttle.waitSeconds('a'), 1);
  clock.ms += 1;
  assert.is(throttle.waitSeconds('a'), 0);
});
test('then it counts anew', () => {
  const { clock, throttle, count } = at(3);
  count('a', 9);
  clock.ms += 60_000;
  count('a', 2);
  assert.is(throttle.waitSeconds('a'), 0);
  count('a', 1);
  assert.is(throttle.waitSeconds('a'), 60);
});
test('asking is no attempt', () => {
  const { throttle, count } = at(1);
  for (let time = 0; time < 9; time++) assert.is(throttle.waitSeconds('a'), 0);
  count('a', 1);
  assert.is(throttle.waitSeconds('a'), 60);
});
test('each key has its own count', () => {
  const { throttle, count } = at(1);
  count('a', 5);
  assert.is(throttle.waitSeconds('b'), 0);
});
test('nought is no limit', () => {
  const { throttle, count } = at(0);
  count('a', 10_000);
  assert.is(throttle.waitSeconds('a'), 0);
});
test('keys are bounded: the one that began first is forgotten', () => {
  const { clock, throttle, count } = at(1);
  count('first', 1);
  count('second', 1);
  for (let number = 2; number < sourcesCountedMax; number++) count(`k${number}`, 1);
  assert.is(throttle.waitSeconds('first'), 60, 'as many as there may be');
  count('one more', 1);
  assert.is(throttle.waitSeconds('first'), 0);
  assert.is(throttle.waitSeconds('second'), 60);
  assert.is(throttle.waitSeconds('one more'), 60);
  // A minute later it begins again: it is not the first any more.
  clock.ms += 60_000;
  count('second', 1);
  count('another', 1);
  assert.is(throttle.waitSeconds('second'), 60);
});

test.run();
