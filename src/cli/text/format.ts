/** How the command line shows times, durations, counts and lists. */

const units: readonly [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** A duration in its two largest units: `4 min 12 s`, `5 min`, `2 d 3 h`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.max(0, Math.round(durationMs))} ms`;
  let restMs = Math.round(durationMs / 1_000) * 1_000;
  const first = units.findIndex(([, unitMs]) => restMs >= unitMs);
  const parts: string[] = [];
  for (const [name, unitMs] of units.slice(first, first + 2)) {
    const whole = Math.floor(restMs / unitMs);
    restMs -= whole * unitMs;
    if (whole > 0) parts.push(`${whole} ${name}`);
  }
  return parts.join(' ');
}

/** How long ago, in one unit: `12 s`, `1 min`, `3 d`. */
export function agoText(instant: string | null, now: Date): string {
  if (instant === null) return '–';
  const agoMs = Math.max(0, now.getTime() - Date.parse(instant));
  const [name, unitMs] = units.find(([, ms]) => agoMs >= ms) ?? ['s', 1_000];
  return `${Math.floor(agoMs / unitMs)} ${name}`;
}

const pad = (part: number) => String(part).padStart(2, '0');
const dateOf = (at: Date) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
const timeOf = (at: Date) => [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(':');

/** How far the clock on the wall is ahead of UTC: `+01:00`. */
function offsetOf(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const ahead = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(ahead / 60))}:${pad(ahead % 60)}`;
}

/** `2026-11-23 14:30:22+01:00`, local time; options take it as it stands. */
export function dateTimeText(instant: string | null): string {
  const at = new Date(instant ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? '–' : `${dateOf(at)} ${timeOf(at)}${offsetOf(at)}`;
}

/** The time of day, with the date when it is another day than today. */
export function momentText(instant: string | null, now: Date): string {
  const at = new Date(instant ?? Number.NaN);
  if (Number.isNaN(at.getTime())) return '–';
  return dateOf(at) === dateOf(now) ? timeOf(at) : dateTimeText(instant);
}

/** Two groups, as devices show it: `a1b 2c3`. */
export const pairingText = (pairingId: string | null): string =>
  pairingId === null ? '–' : `${pairingId.slice(0, 3)} ${pairingId.slice(3)}`;

/** The first items, and how many more there are. */
export const shortened = (items: readonly string[], max: number): string[] =>
  items.length <= max ? [...items] : [...items.slice(0, max), `… ${items.length - max} more`];

export const countText = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;

/** One word as a shell takes it, quoted where it has to be. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

const byteUnits = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const;

/** `87 MB`, by thousands. */
export function bytesText(bytes: number): string {
  let [amount, unit] = [bytes, 0];
  for (; amount >= 1_000 && unit < byteUnits.length - 1; unit += 1) amount /= 1_000;
  return `${amount < 10 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${byteUnits[unit]}`;
}
