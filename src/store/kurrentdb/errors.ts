/** What KurrentDB's client throws, as the port's errors. */
import { StoreUnavailable } from '../event-store.ts';

/** Nothing came within the time: whether it was done is not known. */
export class Unanswered extends Error {
  override name = 'Unanswered';
}

/** `.type` of the client's errors, where nothing is known of what was asked. */
const unansweredTypes = new Set([
  'cancelled',
  'deadline-exceeded',
  'not-leader',
  'timeout',
  'unavailable',
  // Also "Server Is Busy" and "Server Is Not Ready", which the client does not recognize.
  'unknown',
]);

/** gRPC: cancelled, unknown, deadline exceeded, resource exhausted, aborted, internal, unavailable. */
const unansweredCodes = new Set([1, 2, 4, 8, 10, 13, 14]);

/** Faults of a connection that come without a code: no leader was found, the client was replaced. */
const faultWords = /^(?:Failed to discover|Channel has been shut down)/;

const typeOf = (error: unknown): unknown => (error as { type?: unknown } | null)?.type;

export const isStreamMissing = (error: unknown): boolean => typeOf(error) === 'stream-not-found';

export const isStreamDeleted = (error: unknown): boolean =>
  typeOf(error) === 'stream-deleted' || typeOf(error) === 'stream-tombstoned';

export const isWrongRevision = (error: unknown): boolean =>
  typeOf(error) === 'wrong-expected-version';

/** Whether the store did not answer, or said that it cannot now: worth asking again. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof Unanswered) return true;
  const type = typeOf(error);
  if (typeof type === 'string') return unansweredTypes.has(type);
  const { code } = error as { code?: unknown };
  return (typeof code === 'number' && unansweredCodes.has(code)) || faultWords.test(error.message);
}

const elsewhereTypes = new Set(['cancelled', 'not-leader', 'unavailable']);
const elsewhereCodes = new Set([1, 14]);

/**
 * Whether another connection may find what this one does not: the client keeps the address of a node that
 * is gone, or leads no more.
 */
export function isElsewhere(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof Unanswered) return true;
  const type = typeOf(error);
  if (typeof type === 'string') return elsewhereTypes.has(type);
  const { code } = error as { code?: unknown };
  return (typeof code === 'number' && elsewhereCodes.has(code)) || faultWords.test(error.message);
}

/** What the client's errors mean to an operator; their own message is the name of a class. */
const typeWords: Readonly<Record<string, string>> = {
  cancelled: 'it was cut off',
  'deadline-exceeded': 'no answer in time',
  'not-leader': 'no node leads',
  timeout: 'no answer in time',
  unavailable: 'nothing answers there',
  unknown: 'it is busy, or not ready yet',
};

function wordsOf(error: unknown): string {
  const type = typeOf(error);
  const known = typeof type === 'string' ? typeWords[type] : undefined;
  return known ?? (error instanceof Error ? error.message : '');
}

/** What the client threw, as the port's error where the store is at fault. */
export function unavailableFrom(error: unknown): unknown {
  if (typeOf(error) === 'access-denied')
    return new StoreUnavailable('the event store refuses this user and password');
  if (!isUnanswered(error)) return error;
  return new StoreUnavailable(`the event store does not answer now: ${wordsOf(error)}`);
}
