/** Names and passwords of devices that are made by number, the same in every process. */
import { createHash } from 'node:crypto';

export const deviceName = (n: number): string => `device-${n}`;

/** 32 hex digits: by its form a machine-made password, whose verifier is quick. */
export const secretOf = (n: number): string =>
  createHash('sha256').update(`bench ${n}`).digest('hex').slice(0, 32);
