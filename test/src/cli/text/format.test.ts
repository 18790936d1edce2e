import {
  agoText,
  dateTimeText,
  durationText,
  momentText,
  pairingText,
} from '../../../../src/cli/text/format.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('cli format');
const now = new Date('2026-11-23T10:00:00.000Z');

test('a duration is said in its two largest units', () => {
  const said: [number, string][] = [
    [0, '0 ms'],
    [500, '500 ms'],
    [12_000, '12 s'],
    [300_000, '5 min'],
    [252_000, '4 min 12 s'],
    [3_600_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [3_601_000, '1 h'],
    [183_600_000, '2 d 3 h'],
    [59_999, '1 min'],
  ];
  for (const [durationMs, text] of said) assert.is(durationText(durationMs), text);
});

test('how long ago is said in one unit, and never in the future', () => {
  assert.is(agoText('2026-11-23T09:59:48.000Z', now), '12 s');
  assert.is(agoText('2026-11-23T09:58:59.000Z', now), '1 min');
  assert.is(agoText('2026-11-20T09:00:00.000Z', now), '3 d');
  assert.is(agoText('2026-11-23T10:00:05.000Z', now), '0 s');
  assert.is(agoText(null, now), '–');
});

test('a moment of today is a time of day', () => {
  assert.match(momentText(now.toISOString(), now), /^\d\d:00:00$/);
  assert.match(momentText('2026-11-20T10:00:00.000Z', now), /^2026-11-20 \d\d:00:00[+-]\d\d:\d\d$/);
  assert.is(dateTimeText(null), '–');
  assert.is(dateTimeText('nonsense'), '–');
});

test('a pairing ID is shown in two groups', () => {
  assert.is(pairingText('a1b2c3'), 'a1b 2c3');
  assert.is(pairingText(null), '–');
});

test.run();
