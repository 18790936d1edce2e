/** Ids that sort by the time they were made: UUIDs of version 7. */
import { randomUUID } from 'node:crypto';

/**
 * Those of one time stand beside each other in an index, where random ones would touch a page each.
 * Beside the time 74 bits are random.
 */
export function newOrderedId(nowMs = Date.now()): string {
  if (nowMs !== begunMs) {
    const time = nowMs.toString(16).padStart(12, '0');
    beginning = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    begunMs = nowMs;
  }
  return beginning + randomUUID().slice(15);
}

/** What the ids of the newest millisecond begin with: there are many of one. */
let beginning = '';
let begunMs: number | undefined;
