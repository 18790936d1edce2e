/** Reads from KurrentDB: streams, pages of the two orders, and which vault streams are still there. */
import {
  BACKWARDS,
  END,
  type ReadPosition,
  type ReadStreamOptions,
} from '@kurrent/kurrentdb-client';
import { vaultLooksAtOnceMax } from '../../limits/credentials.ts';
import { readBatchMax } from '../../limits/store.ts';
import { beginning, type Position, type StoredEvent, type VaultChange } from '../event-store.ts';
import type { KurrentConnection } from './connection.ts';
import { isStreamDeleted, isStreamMissing } from './errors.ts';
import {
  filterOf,
  isSystem,
  isTombstone,
  type Order,
  placeOf,
  type Recorded,
  readPosition,
  storedFrom,
} from './events.ts';

const lastCountFirst = 2;
const lastCountGrowth = 16;

export type KurrentReading = ReturnType<typeof readingFrom>;

/** Every function throws StoreUnavailable when the store does not answer. */
export function readingFrom({ collect }: KurrentConnection) {
  const exists = async (stream: string): Promise<boolean> =>
    (await recordedIn(collect, stream, { maxCount: 1 })).length > 0;
  const changesBy = (events: readonly Recorded[], knownUntil?: Position) =>
    vaultChangesBy(exists, events, knownUntil);

  return {
    exists,
    changesBy,

    async stream(name: string, options: ReadStreamOptions = {}): Promise<StoredEvent[]> {
      return eventsOf(await recordedIn(collect, name, options));
    },

    log: (after: Position, limit: number) => itemsOf(collect, 'log', after, limit, eventsOf),

    vault: (after: Position, limit: number) =>
      itemsOf(collect, 'vault', after, limit, (events) => changesBy(events)),

    /** Whether there is an event at a position, on the disk of the node that answers. */
    async isThere(position: Position): Promise<boolean> {
      const fromPosition = readPosition(position);
      const [event] = recorded(
        await collect((client) => client.readAll({ fromPosition, maxCount: 1 })),
      );
      return event !== undefined && placeOf(event) === position;
    },

    /** What is left of the vault on the disk of the node that answers: until a scavenge, deleted streams too. */
    vaultLeft: (after: Position, limit: number) =>
      itemsOf(collect, 'vault', after, limit, eventsOf),

    head: () => lastBefore(collect, END),

    /** Where the last event of all stands, whosever it is; `beginning` when there is none. */
    async lastOfAll(): Promise<Position> {
      const [last] = recorded(
        await collect((client) =>
          client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }),
        ),
      );
      return last === undefined ? beginning : placeOf(last);
    },

    /** Where the last event of the log before a position stands; `beginning` when there is none. */
    async lastLogged(until: Position): Promise<Position> {
      return until === beginning ? beginning : lastBefore(collect, readPosition(until));
    },
  };
}

/** The events of Gatebook among those that are recorded. */
export const eventsOf = (events: readonly Recorded[]): StoredEvent[] =>
  events.filter(({ type }) => !isSystem(type)).map(storedFrom);

const recorded = (resolved: readonly { event?: Recorded }[]): Recorded[] =>
  resolved.flatMap(({ event }) => (event === undefined ? [] : [event]));

type Collect = KurrentConnection['collect'];

/** A stream that is not there, or no more, has no events. */
async function recordedIn(
  collect: Collect,
  stream: string,
  options: ReadStreamOptions,
): Promise<Recorded[]> {
  try {
    return recorded(await collect((client) => client.readStream(stream, options)));
  } catch (error) {
    if (isStreamMissing(error) || isStreamDeleted(error)) return [];
    throw error;
  }
}

/** Exactly `count` events after a position; fewer at the end. */
async function pageOf(
  collect: Collect,
  order: Order,
  after: Position,
  count: number,
): Promise<Recorded[]> {
  const fromPosition = readPosition(after);
  // Reading begins with the event at the position itself, if it is still there.
  const events = await collect((client) =>
    client.readAll({ fromPosition, maxCount: count + 1, filter: filterOf(order) }),
  );
  return recorded(events)
    .filter((event) => placeOf(event) > after)
    .slice(0, count);
}

/** Pages of an order until `limit` items are found in it, or its end. */
async function itemsOf<Item>(
  collect: Collect,
  order: Order,
  after: Position,
  limit: number,
  convert: (events: readonly Recorded[]) => Promise<readonly Item[]> | readonly Item[],
): Promise<Item[]> {
  const wanted = Math.max(0, Math.min(limit, readBatchMax));
  const found: Item[] = [];
  for (let from = after; found.length < wanted; ) {
    const count = wanted - found.length;
    const page = await pageOf(collect, order, from, count);
    found.push(...(await convert(page)));
    const last = page.at(-1);
    if (last === undefined || page.length < count) break;
    from = placeOf(last);
  }
  return found;
}

/** Where the last event of the log stands before a position. */
async function lastBefore(collect: Collect, fromPosition: ReadPosition): Promise<Position> {
  const filter = filterOf('log');
  for (let maxCount = lastCountFirst; ; maxCount *= lastCountGrowth) {
    const newest = recorded(
      await collect((client) =>
        client.readAll({ direction: BACKWARDS, fromPosition, maxCount, filter }),
      ),
    );
    const event = newest.find(({ type }) => !isSystem(type));
    if (event) return placeOf(event);
    if (newest.length < maxCount) return beginning;
  }
}

/**
 * What happened to the vault by these events. Until a scavenge, the order of all still has the
 * events of a deleted stream: each stream is asked itself, but where its deletion would still come after its event.
 * @param knownUntil deletions that stand after it come later; undefined: none come
 */
async function vaultChangesBy(
  exists: (stream: string) => Promise<boolean>,
  events: readonly Recorded[],
  knownUntil?: Position,
): Promise<VaultChange[]> {
  const gone = new Set(events.filter(isTombstone).map(({ streamId }) => streamId));
  const old =
    knownUntil === undefined ? events : events.filter((event) => placeOf(event) <= knownUntil);
  const streams = new Set(old.map(({ streamId }) => streamId)).difference(gone);
  await atOnce(vaultLooksAtOnceMax, [...streams], async (stream) => {
    if (!(await exists(stream))) gone.add(stream);
  });
  return events.flatMap((event): VaultChange[] => {
    const change = { position: placeOf(event), stream: event.streamId };
    if (isTombstone(event)) return [{ kind: 'deleted', ...change }];
    if (isSystem(event.type) || gone.has(event.streamId)) return [];
    return [{ kind: 'kept', ...change, event: storedFrom(event) }];
  });
}

/** Works through a list, so many at once. */
async function atOnce<Item>(
  max: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(max, items.length) }, worker));
}
