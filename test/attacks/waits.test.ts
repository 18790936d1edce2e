/** The judge of `neighbours` finds what is planted. */
import { assert, suite } from '../support/suite.ts';
import { heldUp } from './waits.ts';

const test = suite('how long neighbours wait');

const waits = (tookMs: number, workedMs: number, others = 0) => ({
  tookMs: [...Array.from({ length: others }, () => 1), tookMs],
  workedMs: [...Array.from({ length: others }, () => 0), workedMs],
});
const quiet = waits(2, 0);

test('one that waited among many is none, two are', () => {
  const [once, twice] = [waits(9_000, 900, 99), waits(9_000, 900, 50)];
  assert.equal(heldUp('flood', quiet, once), []);
  const both = [...twice.tookMs, 9_000];
  assert.is(heldUp('flood', quiet, { tookMs: both, workedMs: [...twice.workedMs, 900] }).length, 2);
});

test('who waits as long as in quiet, or on a busy machine, is not held up', () => {
  assert.equal(heldUp('flood', quiet, waits(3, 4)), []);
  assert.equal(heldUp('flood', quiet, waits(400, 12)), []);
  assert.equal(heldUp('flood', waits(100, 0), waits(1_200, 0)), []);
});

test('who waits for the work of others, or far beyond quiet, is held up', () => {
  assert.match(heldUp('flood', quiet, waits(60, 80)).join(), 'worked 80 ms');
  assert.match(heldUp('flood', quiet, waits(600, 0)).join(), 'took 600 ms, 520');
  assert.is(heldUp('flood', quiet, { tookMs: [], workedMs: [] }).length, 1);
});

test.run();
