/** When a device asks again: never before it is told, and not when all others do. */
import { retryAfterMs } from '../../../src/device/retry-after.ts';
import { retryInMs } from '../../../src/device/waiting.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('client: waiting');

test('Retry-After is seconds, or a date in each of its three forms', () => {
  const nowMs = Date.parse('1994-11-06T08:49:07Z');
  for (const [text, afterMs] of [
    ['0', 0],
    ['30', 30_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['-1', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ] as const)
    assert.is(retryAfterMs(text, undefined, nowMs), afterMs, `${text}`);
});

test('a date is compared with the date of the answer: the clock of a device may be wrong', () => {
  const date = 'Sun, 06 Nov 1994 08:49:07 GMT';
  const after = 'Sun, 06 Nov 1994 08:49:37 GMT';
  for (const wrong of ['1970-01-01T00:00:00Z', '2036-01-01T00:00:00Z'])
    assert.is(retryAfterMs(after, date, Date.parse(wrong)), 30_000, wrong);
  assert.is(retryAfterMs(after, 'today', Date.parse('1994-11-06T08:49:27Z')), 10_000);
});

test('after a failure a time by chance below a back-off that doubles to a minute', () => {
  for (const [failures, mostMs] of [
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [7, 60_000],
    [4_000, 60_000],
  ] as const) {
    assert.is(retryInMs(null, failures, 0), 250);
    assert.is(retryInMs(null, failures, 1), mostMs);
    // What the registry asks for comes first.
    assert.is(retryInMs(90_000, failures, 0), 90_000);
    assert.is(retryInMs(90_000, failures, 1), 90_000 + mostMs);
  }
});

test('without a failure up to a fifth is added, and an hour is the most', () => {
  assert.equal([retryInMs(null, 0, 0), retryInMs(null, 0, 1)], [5_000, 6_000]);
  assert.equal([retryInMs(30_000, 0, 0), retryInMs(30_000, 0, 1)], [30_000, 36_000]);
  assert.is(retryInMs(0, 0, 1), 250);
  assert.is(retryInMs(999_999_000, 0, 0), 3_600_000);
});

test.run();
