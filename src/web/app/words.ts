/** Words and times as the page says them. */
import type { Request, Window } from '../../api/output.ts';

const pad = (value: number): string => String(value).padStart(2, '0');
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const clockTime = (iso: string): string => {
  const date = new Date(iso);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
};
const day = (date: Date): string => `${date.getDate()} ${months[date.getMonth()]}`;

/** `23 Nov, 14:31`, with the year where it is another one. */
export function dateTime(iso: string, nowMs: number): string {
  const date = new Date(iso);
  const year = date.getFullYear() === new Date(nowMs).getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${day(date)}${year}, ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** The exact time with its zone, as the title of every other one. */
export function exactTime(iso: string): string {
  const date = new Date(iso);
  const offset = -date.getTimezoneOffset();
  const zone =
    offset === 0
      ? 'UTC'
      : `UTC${offset > 0 ? '+' : '-'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clockTime(iso)} ${zone}`;
}

const dayMs = 86_400_000;

/** `8 s`, `1 min`, `3 h`; beyond a day the date. */
export function relativeTime(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  if (ms < 0 || ms >= dayMs) return dateTime(iso, nowMs);
  if (ms < 60_000) return `${Math.max(0, Math.floor(ms / 1_000))} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return `${Math.floor(ms / 3_600_000)} h`;
}

/** `3:48`, `1:03:48`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0
    ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}`
    : `${minutes}:${pad(seconds % 60)}`;
}

export function durationWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (ms < 60_000) return `${Math.round(ms / 1_000)} seconds`;
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}

export const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** A pairing ID as a display shows it: two groups. */
export const pairingGroups = (id: string): string => `${id.slice(0, 3)} ${id.slice(3)}`;
/** One character at a time, for a screen reader. */
export const pairingSpelled = (id: string): string => id.split('').join(' ');

/** What the find field asks for: a pairing ID may be typed with its gap. */
export function searchText(typed: string): string {
  const tight = typed.replaceAll(/\s/g, '');
  return /^[0-9a-f]{4,6}$/i.test(tight) ? tight.toLowerCase() : typed.trim();
}

const wordsOfDoors = { rest: 'REST', est: 'EST', mqtt: 'MQTT' } as const;
export const doorWords = (door: Request['door']): string => wordsOfDoors[door];

export function whereFrom({
  door,
  source,
  clientId,
}: Pick<Request, 'door' | 'source' | 'clientId'>): string {
  const from = source === null ? 'an address that you may not see' : source;
  return `${doorWords(door)} from ${from}${clientId === null ? '' : `, client id ${clientId}`}`;
}

export const wantsHttp = (
  request: Pick<Request, 'requestedRoles' | 'requestedPermissions'>,
): boolean =>
  request.requestedPermissions.some(({ context }) => context === 'http') ||
  request.requestedRoles.some((role) => ['administrator', 'registrar', 'auditor'].includes(role));

/** The registry counts the windows in which somebody else asked, not how often or how many they were. */
export const contestedWords = (conflictCount: number): string =>
  `Somebody else asked for this name too, with another credential${conflictCount > 1 ? `, in ${counted(conflictCount, 'window', 'windows')}` : ''}. This row is the first one. Compare the pairing ID at the device before you grant.`;
export const replacementWords = (username: string): string =>
  `${username} has access already; this is another credential. Re-imaged device, or somebody else? If you grant it, the old credential stops working at once.`;
export const httpWords =
  'It asks to administer this registry. Nothing that a device asks for applies until you tick it.';

export function activationWords(request: Pick<Request, 'activations' | 'kind'>): string {
  const of = (status: string) =>
    request.activations.filter((one) => one.status === status).map(({ broker }) => broker);
  const parts = [
    ...of('active').map((broker) => `active at ${broker}`),
    ...of('waiting').map((broker) => `waiting at ${broker}`),
    ...of('failed').map((broker) => `failed at ${broker}`),
    ...of('inactive').map((broker) => `no longer active at ${broker}`),
  ];
  const text = parts.join(', ');
  return text === '' ? '' : text[0]?.toUpperCase() + text.slice(1);
}

export const isFull = (window: Window): boolean =>
  window.status === 'unlocked' &&
  window.maxRequests !== null &&
  window.requestCount >= window.maxRequests;

export const operationWords = (
  operation: 'read' | 'write' | 'readWrite',
  context: string,
): string =>
  context === 'http'
    ? { read: 'Read', write: 'Change', readWrite: 'Read, change' }[operation]
    : { read: 'Subscribe', write: 'Publish', readWrite: 'Both' }[operation];

/** What stands for the client's own name, or its client id, in a permission. */
const template = (name: string): string => `$\{${name}}`;
export const ownName = template('username');
export const ownClientId = template('clientId');
