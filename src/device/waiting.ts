/** What an answer of the registry means for a device, and when it asks again. */
import { type DoorResponse, isTransient, textIn } from './answer.ts';
import type { RegistrationStatus } from './registration.ts';

const retryMinMs = 250;
/** Where an answer asks to be asked again and does not say when. */
const retryDefaultMs = 5_000;
/** The back-off doubles from the first to the second. */
const backOffMinMs = 1_000;
const backOffMaxMs = 60_000;
/** Who asks for more is asked after this long all the same: it may be a fault, and nobody stands before the device. */
const retryAfterMaxMs = 3_600_000;

const isBusy = ({ status }: DoorResponse): boolean =>
  status === 408 || status === 429 || status === 503;

/**
 * The token has ended, or its request is over: ask with the password, which knows of what came after, such as
 * a request that nobody decided in time and a window in which another one may be made.
 */
export const isOver = (answer: DoorResponse): boolean =>
  answer.status !== 201 && statusOf(answer) === null;

/** What an answer that is no grant means for a device; null: it is final. */
export function statusOf(answer: DoorResponse): RegistrationStatus['status'] | null {
  if (answer.status === 0) return 'unreachable';
  if (isTransient(answer)) return isBusy(answer) ? 'busy' : 'faulty';
  if (answer.status === 202) return 'pending';
  if (answer.status === 423) return 'locked';
  if (answer.status === 409 && textIn(answer.body, 'code') === 'replacement-pending')
    return 'replacement-pending';
  return null;
}

/**
 * Never earlier than the registry asked for, and not all devices at the same moment: after a failure a time by chance
 * below the back-off (full jitter) comes on top, else up to a fifth.
 * @param chance from 0 to 1
 */
export function retryInMs(
  retryAfterMs: number | null,
  failures: number,
  chance: number = Math.random(),
): number {
  const askedMs = Math.min(retryAfterMs ?? (failures > 0 ? 0 : retryDefaultMs), retryAfterMaxMs);
  const backOffMs = Math.min(backOffMaxMs, backOffMinMs * 2 ** (failures - 1));
  const spreadMs = failures > 0 ? backOffMs : askedMs / 5;
  return Math.max(retryMinMs, Math.round(askedMs + chance * spreadMs));
}
