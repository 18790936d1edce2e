/** Parses what people type: durations, permissions, networks and numbers. */
import { isIP } from 'node:net';
import { type Permission, permissionFromText } from '../../../domain/permission.ts';
import { Cidr } from '../../../domain/window.ts';
import { parseDuration } from '../../config/values.ts';
import { MistypedError } from './mistyped.ts';

/** @throws MistypedError */
export function durationOf(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === null)
    throw new MistypedError(`"${text}" is no duration. Give one such as 90s, 5m, 24h or 30d.`);
  return durationMs;
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

/** One address alone is the network of itself; any other text stays as it is. */
export function networkOf(text: string): string {
  const bits = { 4: 32, 6: 128 }[isIP(text)];
  return bits === undefined ? text : `${text}/${bits}`;
}

/** A network, or one address. @throws MistypedError */
export function cidrOf(text: string): string {
  const network = networkOf(text);
  if (!Cidr.safeParse(network).success)
    throw new MistypedError(
      `"${text}" is no network. Give one such as 10.0.0.0/8, or one address such as 192.168.1.7.`,
    );
  return network;
}

/** @throws MistypedError */
export function countOf(text: string, min: number, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= min && count <= max))
    throw new MistypedError(`"${text}" is not a number from ${min} to ${max}.`);
  return count;
}
