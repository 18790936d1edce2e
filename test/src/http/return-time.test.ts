/** When those who wait shall come again: by how many of them came lately, and nothing else. */

import { createReturnTime } from '../../../src/http/response/return-time.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('return time');

function world({ baseSeconds = 30 } = {}) {
  const clock = { seconds: 1_000_000 };
  const told = createReturnTime({
    ...{ baseSeconds, maxSeconds: 600, perSecond: 50 },
    nowMs: () => clock.seconds * 1_000,
  });
  return { clock, told, many: (count: number) => Array.from({ length: count }, told).at(-1) };
}

test('few are told the base', () => {
  const { many } = world();
  assert.is(many(1_500), 30);
});

test('more are told to come later, in steps of the base, at most the limit', () => {
  const { many } = world();
  assert.is(many(1_501), 60);
  assert.is(many(1_500), 90);
  assert.is(many(100_000), 600);
});

test('those who come each time they are told to are about so many a second', () => {
  const { clock, told } = world();
  const waiting = 12_000;
  /** When each comes. */
  const due = new Map<number, number>();
  const comeAt = (second: number) => due.set(second, (due.get(second) ?? 0) + 1);
  for (let one = 0; one < waiting; one++) comeAt(clock.seconds + (one % 30));
  let came = 0;
  for (let second = 0; second < 3_600; second++, clock.seconds++)
    for (let left = due.get(clock.seconds) ?? 0; left > 0; left--) {
      if (second >= 1_800) came += 1;
      comeAt(clock.seconds + told());
    }
  const perSecond = came / 1_800;
  assert.ok(perSecond > 30 && perSecond < 60, `${perSecond} a second`);
});

test('it forgets', () => {
  const { clock, many } = world();
  assert.is(many(100_000), 600);
  clock.seconds += 700;
  assert.is(many(1), 30);
  clock.seconds += 1_000_000;
  assert.is(many(1), 30);
});

test('a base of a second is told as such', () => {
  const { many } = world({ baseSeconds: 1 });
  assert.is(many(500), 1);
});

test.run();
