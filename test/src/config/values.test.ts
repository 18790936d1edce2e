/** How the values of the configuration are read. */
import fc from 'fast-check';
import { parseDuration } from '../../../src/config/values.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('values of the configuration');

test('a duration is a whole number and its unit', () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 36_500 }),
      fc.constantFrom('ms', 's', 'm', 'h', 'd'),
      (count, unit) =>
        parseDuration(`${count}${unit}`) === count * units[unit as keyof typeof units],
    ),
  );
  for (const text of ['', 's', '1', '1 s', '+1s', '1S', '1.5s', '0ms', '36501d', '1h30m'])
    assert.is(parseDuration(text), null, text);
});

test.run();
