import * as fc from 'fast-check';
import { isTimeZone, occurrencesAt, weekdays } from '../../../domain/schedules/occurrence.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('occurrences of a schedule');

const hourMs = 3_600_000;
const weekly = (time: string, timeZone = 'Europe/Berlin', durationMs = hourMs) => ({
  timing: { kind: 'weekly', weekday: 'sunday', time, timeZone } as const,
  durationMs,
});
const nextFrom = (rule: ReturnType<typeof weekly>, at: string) =>
  occurrencesAt(rule, at).next?.from;

test('once: before, at its beginning, at its end', () => {
  const opensAt = '2026-03-01T10:00:00.250Z';
  const once = { timing: { kind: 'once', opensAt } as const, durationMs: 60_000 };
  const occurrence = { occurrence: opensAt, from: opensAt, until: '2026-03-01T10:01:00.250Z' };
  const at = (instant: string) => occurrencesAt(once, instant);
  assert.equal(at('2026-03-01T10:00:00.249Z'), { current: null, next: occurrence });
  assert.equal(at(opensAt), { current: occurrence, next: null });
  assert.equal(at('2026-03-01T10:01:00.249Z'), { current: occurrence, next: null });
  assert.equal(at('2026-03-01T10:01:00.250Z'), { current: null, next: null });
});
test('each week at the same time on the wall, in summer and winter', () => {
  assert.is(nextFrom(weekly('02:30'), '2026-03-20T00:00:00.000Z'), '2026-03-22T01:30:00.000Z');
  assert.is(nextFrom(weekly('02:30'), '2026-04-01T00:00:00.000Z'), '2026-04-05T00:30:00.000Z');
});
test('a time that the clock skips in spring is as long after midnight all the same', () =>
  assert.is(nextFrom(weekly('02:30'), '2026-03-25T00:00:00.000Z'), '2026-03-29T01:30:00.000Z'));
test('a time that comes twice in autumn opens the first time alone', () => {
  const rule = weekly('02:30', 'Europe/Berlin', hourMs / 2);
  assert.is(nextFrom(rule, '2026-10-24T00:00:00.000Z'), '2026-10-25T00:30:00.000Z');
  const { current, next } = occurrencesAt(rule, '2026-10-25T01:30:00.000Z');
  assert.equal([current, next?.from], [null, '2026-11-01T01:30:00.000Z']);
});
test('the day is that of the place, on either side of the date line', () => {
  const east = occurrencesAt(weekly('00:15', 'Pacific/Kiritimati'), '2026-11-28T10:20:00.000Z');
  assert.equal(
    [east.current?.occurrence, east.current?.from],
    ['2026-11-29', '2026-11-28T10:15:00.000Z'],
  );
  const west = occurrencesAt(weekly('23:45', 'America/Los_Angeles'), '2026-11-30T08:10:00.000Z');
  assert.equal(
    [west.current?.occurrence, west.current?.from],
    ['2026-11-29', '2026-11-30T07:45:00.000Z'],
  );
});
test('a zone that this system does not know opens nothing', () => {
  const at = '2026-11-28T10:20:00.000Z';
  assert.equal(occurrencesAt(weekly('00:15', 'Mars/Base'), at), { current: null, next: null });
  const known = ['Europe/Berlin', 'UTC', 'Mars/Base', '+02:00', ''].map(isTimeZone);
  assert.equal(known, [true, true, false, false, false]);
});
test('whatever the place, day, time and moment: one each week, on from its beginning to its end', () =>
  fc.assert(
    fc.property(
      fc.record({
        weekday: fc.constantFrom(...weekdays),
        time: fc
          .tuple(fc.nat(23), fc.nat(59))
          .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':')),
        timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'),
      }),
      fc.integer({ min: 1, max: 24 * hourMs }),
      fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
      (place, durationMs, moment) => {
        const rule = { timing: { kind: 'weekly', ...place } as const, durationMs };
        const { next } = occurrencesAt(rule, moment.toISOString());
        assert.ok(next !== null);
        const waits = Date.parse(next?.from ?? '') - moment.getTime();
        assert.ok(waits > 0 && waits <= 7 * 24 * hourMs + hourMs, `${waits}`);
        assert.equal(occurrencesAt(rule, next?.from ?? '').current, next);
        assert.is.not(occurrencesAt(rule, next?.until ?? '').current?.from, next?.from);
      },
    ),
    { numRuns: 300 },
  ));

test.run();
