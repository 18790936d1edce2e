/** What an answer of the registry means for a device, and when it asks again. */
import { type DoorResponse, isTransient, textIn } from './http.ts';
import type { RegistrationStatus } from './registration.ts';

const retryMinMs = 250;
const retryDefaultMs = 5_000;
const backOffMaxMs = 60_000;
const retryMaxMs = 3_600_000;

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

/** Never earlier than the registry asked for, and not all devices at the same moment. */
export function retryInMs(retryAfterMs: number | null, failures: number): number {
  const backOffMs = Math.min(backOffMaxMs, 1_000 * 2 ** Math.min(failures - 1, 10));
  const askedMs = retryAfterMs ?? (failures > 0 ? backOffMs : retryDefaultMs);
  return Math.round(Math.max(retryMinMs, Math.min(askedMs, retryMaxMs)) * (1 + Math.random() / 5));
}
