/** When a schedule opens: once at an instant, or each week at a time of day somewhere in the world. */
import { z } from 'zod';
import { Instant, Text } from '../values.ts';

export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

/** By the clock on the wall. */
export const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'must be a time of day such as 02:30' });

const Weekly = z.object({
  kind: z.literal('weekly'),
  weekday: z.enum(weekdays),
  time: TimeOfDay,
  /** A name of the IANA time zone database. Whether this system knows it is looked at where it is used. */
  timeZone: Text(1, 64),
});
type Weekly = z.infer<typeof Weekly>;

export const ScheduleTiming = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once'), opensAt: Instant }),
  Weekly,
]);
export type ScheduleTiming = z.infer<typeof ScheduleTiming>;

/** One time that a schedule opens, `from` included, `until` not. */
export interface Occurrence {
  /** Its name: the day on the wall's calendar, so that a newer time zone database makes no second one of it. */
  readonly occurrence: string;
  /** ISO instants. */
  readonly from: string;
  readonly until: string;
}

const dayMs = 86_400_000;

type LocalClock = Intl.DateTimeFormat;

/** Made clocks: each takes a millisecond to make. They are forgotten together when there are so many. */
const clocks = new Map<string, LocalClock>();
const clocksMax = 64;

/** Undefined: this system knows no such zone. */
function clockIn(timeZone: string): LocalClock | undefined {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const made = newClock(timeZone);
  if (clocks.size >= clocksMax) clocks.clear();
  if (made !== undefined) clocks.set(timeZone, made);
  return made;
}

function newClock(timeZone: string): LocalClock | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  } catch {
    return undefined;
  }
}

/** Whether it names a zone by its place; an offset alone knows no summer. */
export const isTimeZone = (name: string): boolean =>
  /^[A-Za-z]/.test(name) && clockIn(name) !== undefined;

/** Year, month from 1, day, hour, minute and second that the wall's clock shows. */
function wallParts(clock: LocalClock, atMs: number): readonly number[] {
  const parts = new Map(clock.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  return (['year', 'month', 'day', 'hour', 'minute', 'second'] as const).map(
    (type) => parts.get(type) ?? 0,
  );
}

/** The same, as if it were UTC, in milliseconds. */
function wallMs(clock: LocalClock, atMs: number): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = wallParts(clock, atMs);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const padded = (value: number | undefined, width: number) =>
  String(value ?? 0).padStart(width, '0');

/** ISO text of what is milliseconds of UTC. */
function isoOf(utc: LocalClock, atMs: number): string {
  const [year, month, day, hour, minute, second] = wallParts(utc, atMs);
  const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
  const time = `${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}`;
  return `${date}T${time}.${padded(((atMs % 1_000) + 1_000) % 1_000, 3)}Z`;
}

/**
 * The instant at which the wall's clock shows something. A time that is skipped in spring is as long after midnight as
 * if nothing were skipped; of one that comes twice in autumn the first counts (RFC 5545, section 3.3.5).
 */
function instantMs(clock: LocalClock, wall: number): number {
  const offsetAt = (atMs: number) => wallMs(clock, atMs) - atMs;
  const [before, after] = [wall - offsetAt(wall - dayMs), wall - offsetAt(wall + dayMs)];
  const earliest = [before, after]
    .sort((a, b) => a - b)
    .find((atMs) => wallMs(clock, atMs) === wall);
  return earliest ?? before;
}

/** Days around one that hold the occurrence that is on, the one before and the one after it. */
const aroundDays = 8;

function weeklyFrom({ weekday, time, timeZone }: Weekly, utc: LocalClock, atMs: number) {
  const clock = clockIn(timeZone);
  if (clock === undefined) return [];
  const today = Math.floor(wallMs(clock, atMs) / dayMs) * dayMs;
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (
    Array.from({ length: 2 * aroundDays + 1 }, (_, at) => today + (at - aroundDays) * dayMs)
      // The first day of 1970 was a Thursday.
      .filter((midnight) => weekdays[(midnight / dayMs + 3) % 7] === weekday)
      .map((midnight) => ({
        occurrence: isoOf(utc, midnight).slice(0, 10),
        fromMs: instantMs(clock, midnight + (hours * 60 + minutes) * 60_000),
      }))
  );
}

/**
 * The occurrence that is on, and the next one; null: there is none.
 * @param at ISO instant
 */
export function occurrencesAt(
  { timing, durationMs }: { readonly timing: ScheduleTiming; readonly durationMs: number },
  at: string,
): { readonly current: Occurrence | null; readonly next: Occurrence | null } {
  const utc = clockIn('UTC');
  if (utc === undefined) return { current: null, next: null };
  const starts =
    timing.kind === 'once'
      ? [{ occurrence: timing.opensAt, fromMs: Date.parse(timing.opensAt) }]
      : weeklyFrom(timing, utc, Date.parse(at));
  const all = starts.map(({ occurrence, fromMs }) => ({
    occurrence,
    from: isoOf(utc, fromMs),
    until: isoOf(utc, fromMs + durationMs),
  }));
  return {
    current: all.findLast(({ from, until }) => from <= at && at < until) ?? null,
    next: all.find(({ from }) => from > at) ?? null,
  };
}
