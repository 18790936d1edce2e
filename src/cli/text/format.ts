/** How the command line says times, durations, rights and counts. */

import type { Permission } from '../../../domain/permission.ts';
import { isCidr, parseDuration } from '../../config/values.ts';
import type { ShownRights } from './rights.ts';

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

/** `2026-11-23 14:30:22`, local time. */
export function dateTimeText(instant: string | null): string {
  const at = new Date(instant ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? '–' : `${dateOf(at)} ${timeOf(at)}`;
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

export const permissionText = ({ context, operation, resource }: Permission): string =>
  `${context}:${operation}:${resource}`;

/** `role press, mqtt:read:plant/#, prefix line4/, until 2026-12-01 12:00:00`; empty when there is nothing. */
export function rightsText(rights: Partial<ShownRights>): string {
  const roles = rights.roles ?? [];
  return [
    ...(roles.length > 0 ? [`${roles.length === 1 ? 'role' : 'roles'} ${roles.join(' ')}`] : []),
    ...shortened((rights.permissions ?? []).map(permissionText), 6),
    ...(rights.mqttPublishPrefix ? [`prefix ${rights.mqttPublishPrefix}`] : []),
    ...(rights.mqttClientId ? [`client id ${rights.mqttClientId}`] : []),
    ...(rights.expiresAt ? [`until ${dateTimeText(rights.expiresAt)}`] : []),
  ].join(', ');
}

/** The first items, and how many more there are. */
export const shortened = (items: readonly string[], max: number): string[] =>
  items.length <= max ? [...items] : [...items.slice(0, max), `… ${items.length - max} more`];

export const countText = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;

/** A text that was typed is not what it should be; the message says what it should be. */
export class MistypedError extends Error {
  override name = 'MistypedError';
}

/** @throws MistypedError */
export function durationOf(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === null)
    throw new MistypedError(`"${text}" is no duration. Give one such as 90s, 5m, 24h or 30d.`);
  return durationMs;
}

/** An instant, a day (its start, local time) or a duration from now, as an instant. @throws MistypedError */
export function instantOf(text: string, now: Date): string {
  const durationMs = parseDuration(text);
  const isDate = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(
    text,
  );
  const at =
    durationMs !== null
      ? new Date(now.getTime() + durationMs)
      : new Date(
          isDate ? (text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN,
        );
  if (Number.isNaN(at.getTime()))
    throw new MistypedError(
      `"${text}" is no time. Give a duration (30d), a day (2026-12-31) or an instant (2026-12-31T12:00:00Z).`,
    );
  return at.toISOString();
}

/** The same of what has been: a duration counts back from now. @throws MistypedError */
export function pastInstantOf(text: string, now: Date): string {
  const durationMs = parseDuration(text);
  return durationMs === null
    ? instantOf(text, now)
    : new Date(now.getTime() - durationMs).toISOString();
}

/** Reads `mqtt:readWrite:plant/#`. @throws MistypedError */
export function permissionOf(text: string): Permission {
  const [, context, operation, resource] =
    /^(mqtt|http):(read|write|readWrite):(.+)$/su.exec(text) ?? [];
  if (resource === undefined)
    throw new MistypedError(
      `"${text}" is no permission. Give CONTEXT:OPERATION:RESOURCE such as mqtt:readWrite:plant/# (mqtt or http; read, write or readWrite).`,
    );
  return {
    context: context as Permission['context'],
    operation: operation as Permission['operation'],
    resource,
  };
}

/** @throws MistypedError */
export function cidrOf(text: string): string {
  if (!isCidr(text))
    throw new MistypedError(`"${text}" is no CIDR. Give one such as 10.0.0.0/8 or 192.168.1.7/32.`);
  return text;
}

/** @throws MistypedError */
export function countOf(text: string, min: number, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= min && count <= max))
    throw new MistypedError(`"${text}" is not a number from ${min} to ${max}.`);
  return count;
}
