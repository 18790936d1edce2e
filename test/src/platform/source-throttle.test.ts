import { createSourceThrottle } from '../../../src/platform/source-throttle.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('source throttle');

const [one, two, three] = ['2001:db8:7:1::/64', '2001:db8:7:2::/64', '2001:db8:7:3::/64'];
const other = '2001:db8:8:1::/64';
const made = (perMinute: number) => {
  const clock = { ms: 1_000_000 };
  const throttle = createSourceThrottle(perMinute, 2, () => clock.ms);
  const count = (source: string, times: number, name?: string) => {
    for (let time = 0; time < times; time++) throttle.count(source, name);
  };
  return { clock, throttle, count };
};

test('a network waits for what its sources did together, a source for its own', () => {
  const { throttle, count, clock } = made(3);
  count(one, 2);
  count(two, 2);
  assert.equal(throttle.wait(one), { own: 0, all: 0 });
  count(two, 2);
  clock.ms += 20_000;
  assert.equal(throttle.wait(one), { own: 0, all: 40 });
  assert.equal(throttle.wait(two), { own: 40, all: 40 });
  assert.equal(throttle.wait(three), { own: 0, all: 40 });
  assert.equal(throttle.wait(other), { own: 0, all: 0 });
  clock.ms += 40_000;
  assert.equal(throttle.wait(two), { own: 0, all: 0 });
});
test('each name has counts of its own, apart from those of all', () => {
  const { throttle, count } = made(3);
  for (const source of [one, two, three]) count(source, 2, 'anna');
  assert.equal(throttle.wait(one, 'anna'), { own: 0, all: 60 });
  for (const name of ['berta', undefined])
    assert.equal(throttle.wait(one, name), { own: 0, all: 0 });
});
test('addresses of IPv4 have no neighbours', () => {
  const { throttle, count } = made(3);
  for (const source of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) count(source, 2);
  assert.equal(throttle.wait('192.0.2.4'), { own: 0, all: 0 });
  count('192.0.2.1', 1);
  assert.equal(throttle.wait('192.0.2.1'), { own: 60, all: 60 });
});
test('nought is no limit', () => {
  const { throttle, count } = made(0);
  count(one, 1_000);
  assert.equal(throttle.wait(one), { own: 0, all: 0 });
});

test.run();
