/** Reads the times that people type, by the clock on their wall. */
import { parseDuration } from '../../config/values.ts';
import { MistypedError } from './mistyped.ts';

/** Days from today that a word stands for. */
const dayWords = { yesterday: -1, today: 0, tomorrow: 1 } as const;

/** Whether a bare duration or time of day lies ahead or behind. */
type Lies = 'ahead' | 'behind';

const atDay = (now: Date, days: number, [hours = 0, minutes = 0, seconds = 0]: number[] = []) =>
  new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hours, minutes, seconds);

function timeOfDay(text: string): number[] | null {
  const [, hours, minutes, seconds = '0'] =
    /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text) ?? [];
  return hours === undefined ? null : [Number(hours), Number(minutes), Number(seconds)];
}

/** `12:00`, `yesterday`, `tomorrow 06:30`; a bare time of day is the next one, or the last one. */
function wallClock(text: string, now: Date, lies: Lies): Date | null {
  const [first = '', second] = text.toLowerCase().split(' ', 2);
  if (first === 'now' && second === undefined) return now;
  if (Object.hasOwn(dayWords, first)) {
    const days = dayWords[first as keyof typeof dayWords];
    const time = second === undefined ? [] : timeOfDay(second);
    return time && atDay(now, days, time);
  }
  const time = second === undefined ? timeOfDay(first) : null;
  if (time === null) return null;
  const today = atDay(now, 0, time);
  if (lies === 'ahead') return today > now ? today : atDay(now, 1, time);
  return today <= now ? today : atDay(now, -1, time);
}

/** `2h`, `in 2h`, `2h ago`. */
function fromNow(text: string, now: Date, lies: Lies): Date | null {
  const [, ahead, amount = '', ago] = /^(in )?(\S+?)( ago)?$/.exec(text) ?? [];
  const durationMs = parseDuration(amount);
  if (durationMs === null || (ahead !== undefined && ago !== undefined)) return null;
  const isBehind = ago !== undefined || (ahead === undefined && lies === 'behind');
  return new Date(now.getTime() + (isBehind ? -durationMs : durationMs));
}

const calendar = /^(\d{4}-\d\d-(\d\d))([T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** A day (its start) or an instant; without an offset by the clock on the wall. */
function calendarTime(text: string): Date | null {
  const [, day, dayOfMonth, time, offset = ''] = calendar.exec(text) ?? [];
  if (day === undefined || (time === undefined && offset !== '')) return null;
  // The calendar of JavaScript goes on into the next month.
  if (new Date(`${day}T00:00Z`).getUTCDate() !== Number(dayOfMonth)) return null;
  return new Date(`${day}${(time ?? 'T00:00').replace(' ', 'T')}${offset}`);
}

function instant(text: string, now: Date, lies: Lies): string {
  const typed = text.trim();
  const at = fromNow(typed, now, lies) ?? wallClock(typed, now, lies) ?? calendarTime(typed);
  if (at === null || Number.isNaN(at.getTime()))
    throw new MistypedError(
      `"${text}" is no time. Give a duration (30d), a time of day (12:00, yesterday 14:30), a day (2026-12-31) or an instant (2026-12-31T12:00:00Z).`,
    );
  return at.toISOString();
}

/** What a person means by a time that is to come: a duration counts from now. @throws MistypedError */
export const instantOf = (text: string, now: Date): string => instant(text, now, 'ahead');

/** The same of what has been: a duration counts back from now. @throws MistypedError */
export const pastInstantOf = (text: string, now: Date): string => instant(text, now, 'behind');
