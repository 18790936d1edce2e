/** Parses what people type: durations, instants, permissions, networks and numbers. */
import { type Permission, permissionFromText } from '../../../domain/permission.ts';
import { Cidr } from '../../../domain/window.ts';
import { parseDuration } from '../../config/values.ts';

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
  const permission = permissionFromText(text);
  if (permission === undefined)
    throw new MistypedError(
      `"${text}" is no permission. Give CONTEXT:OPERATION:RESOURCE such as mqtt:readWrite:plant/# (mqtt or http; read, write or readWrite).`,
    );
  return permission;
}

/** @throws MistypedError */
export function cidrOf(text: string): string {
  if (!Cidr.safeParse(text).success)
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
