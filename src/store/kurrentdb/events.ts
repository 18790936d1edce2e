/** Events between the port and KurrentDB, and which of its streams are ours. */
import {
  type AllStreamResolvedEvent,
  type EventData,
  jsonEvent,
  type ReadPosition,
  type ResolvedEvent,
  START,
  streamNameFilter,
} from '@kurrent/kurrentdb-client';
import {
  beginning,
  categoryOf,
  type NewEvent,
  type Position,
  positionOf,
  type StoredEvent,
  vaultCategory,
} from '../event-store.ts';

/** What the audited log is made of. Anything else in the database is not Gatebook's. */
const logCategories = [
  'activation',
  'administrators',
  'backup',
  'client',
  'person',
  'policy',
  'preauthorization',
  'proposal',
  'registry',
  'revocations',
  'role',
  'schedule',
  'token',
] as const;

const prefixes = (categories: readonly string[]) => ({
  prefixes: categories.map((category) => `${category}-`),
});

/** How the server picks an order out of all that it keeps: by the beginning of the stream's name. */
const orders = {
  log: prefixes(logCategories),
  vault: prefixes([vaultCategory]),
} as const;

export type Order = keyof typeof orders;

export const filterOf = (order: Order) => streamNameFilter(orders[order]);

/** @throws TypeError for a stream that would stand in neither order. */
export function assertOurs(stream: string): void {
  if (typeof stream !== 'string') throw new TypeError('a stream is named by a string');
  if (![...logCategories, vaultCategory].some((category) => category === categoryOf(stream)))
    throw new TypeError(`${categoryOf(stream)} is no category of streams`);
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

/**
 * Copies an event as it is now, so that what the caller changes afterwards changes nothing.
 * @throws TypeError when its id is no UUID, or data or metadata are no objects of JSON.
 */
export function eventData({ eventId, type, data, metadata }: NewEvent): EventData {
  if (typeof eventId !== 'string' || !uuid.test(eventId) || typeof type !== 'string')
    throw new TypeError('an event has a UUID and a type');
  return jsonEvent({
    id: eventId,
    type,
    // The client takes no text for data; metadata it sends as the bytes that it is given.
    data: JSON.parse(jsonObject('data', data)),
    metadata: utf8.encode(jsonObject('metadata', metadata)),
  });
}

const utf8 = new TextEncoder();

function jsonObject(what: string, value: unknown): string {
  const json: unknown = JSON.stringify(value);
  if (typeof json !== 'string' || !json.startsWith('{'))
    throw new TypeError(`${what} of an event is a JSON object`);
  return json;
}

/** The store's own events, such as the tombstone of a stream. */
export const isSystem = (type: string): boolean => type.startsWith('$');

/** A recorded event, before anybody asked whether it is Gatebook's. */
export type Recorded = NonNullable<(ResolvedEvent | AllStreamResolvedEvent)['event']>;

export const isTombstone = ({ type }: Recorded): boolean => type === '$streamDeleted';

/** @throws Error when it is no event of Gatebook: somebody else wrote to its streams. */
export function storedFrom(recorded: Recorded): StoredEvent {
  const { id, streamId, type, data, metadata } = recorded;
  const revision = Number(recorded.revision);
  if (!recorded.isJson || !isObject(data) || !isObject(metadata))
    throw new Error(`${streamId} holds an event that is not Gatebook's, at revision ${revision}`);
  return {
    eventId: id,
    type,
    data,
    metadata: metadata as unknown as StoredEvent['metadata'],
    stream: streamId,
    revision,
    position: placeOf(recorded),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Error for a server so old that it does not say where an event stands. */
export function placeOf({ position }: Recorded): Position {
  if (position === undefined) throw new Error('EventStoreDB 22.6 or newer is needed');
  return positionOf(position.commit);
}

/** @throws TypeError for what is no position. */
export function readPosition(position: Position): ReadPosition {
  if (!/^\d{20}$/.test(position)) throw new TypeError('this is no position of a log');
  if (position === beginning) return START;
  const place = BigInt(position);
  return { commit: place, prepare: place };
}
