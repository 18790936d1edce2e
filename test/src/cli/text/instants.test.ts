import { dateTimeText } from '../../../../src/cli/text/format.ts';
import { instantOf, pastInstantOf } from '../../../../src/cli/text/instants.ts';
import { MistypedError } from '../../../../src/cli/text/mistyped.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('cli instants');
/** Noon by the clock on the wall, wherever that hangs. */
const now = new Date(2026, 10, 23, 12);
const wall = (...parts: [number, number, number, number?, number?, number?]) =>
  new Date(...parts).toISOString();

test('an instant is read from a duration, a day or an instant', () => {
  assert.is(instantOf('30d', now), new Date(now.getTime() + 30 * 86_400_000).toISOString());
  assert.is(instantOf('2026-12-31T12:00:00Z', now), '2026-12-31T12:00:00.000Z');
  assert.is(instantOf('2026-12-31T12:00+01:00', now), '2026-12-31T11:00:00.000Z');
  assert.is(instantOf('2026-12-31', now), new Date(2026, 11, 31).toISOString());
  for (const text of [
    'someday',
    '25:00',
    'today noon',
    'in 2h ago',
    '2026-02-30',
    '2026-13-01',
    '31.12.2026',
    '',
    '2026',
  ])
    assert.throws(
      () => instantOf(text, now),
      (error: Error) => error instanceof MistypedError,
    );
});

test('of what has been, a duration counts back', () => {
  assert.is(pastInstantOf('30d', now), new Date(now.getTime() - 30 * 86_400_000).toISOString());
  assert.is(pastInstantOf('2026-11-01T12:00:00Z', now), '2026-11-01T12:00:00.000Z');
  assert.throws(
    () => pastInstantOf('last week', now),
    (error: Error) => error instanceof MistypedError,
  );
});

test('a time of day is the next one ahead, and the last one behind, by the clock on the wall', () => {
  assert.is(instantOf('14:30', now), wall(2026, 10, 23, 14, 30));
  assert.is(instantOf('9:00', now), wall(2026, 10, 24, 9));
  assert.is(pastInstantOf('14:30:05', now), wall(2026, 10, 22, 14, 30, 5));
  assert.is(pastInstantOf('09:00', now), wall(2026, 10, 23, 9));
});

test('days have names', () => {
  assert.is(pastInstantOf('now', now), now.toISOString());
  assert.is(pastInstantOf('today', now), wall(2026, 10, 23));
  assert.is(pastInstantOf('yesterday', now), wall(2026, 10, 22));
  assert.is(pastInstantOf('Yesterday 18:15', now), wall(2026, 10, 22, 18, 15));
  assert.is(instantOf('tomorrow 06:00', now), wall(2026, 10, 24, 6));
});

test('a duration says its own direction', () => {
  const ago = new Date(now.getTime() - 7_200_000).toISOString();
  assert.is(pastInstantOf('2h ago', now), ago);
  assert.is(instantOf('2h ago', now), ago);
  assert.is(pastInstantOf('in 2h', now), instantOf('2h', now));
});

test('what is shown can be typed again', () => {
  const shown = dateTimeText('2026-11-23T10:00:05.000Z');
  assert.match(shown, /^2026-11-2\d \d\d:\d\d:05[+-]\d\d:\d\d$/);
  assert.is(instantOf(shown, now), '2026-11-23T10:00:05.000Z');
});

test.run();
