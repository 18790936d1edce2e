/** Ids of events: UUIDs of version 7, which sort by the time they were made. */
import { randomUUID } from 'node:crypto';

/**
 * Those of one time stand beside each other in the index of the log, where random ones would touch a page each.
 * Beside the time 74 bits are random.
 */
export function newEventId(nowMs = Date.now()): string {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
