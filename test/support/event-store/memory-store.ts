/** An event store in memory: a faithful fake of the whole port, for tests. */
import { randomUUID } from 'node:crypto';
import { readBatchMax } from '../../../src/limits/store.ts';
import {
  type Appended,
  beginning,
  Conflict,
  type EventStore,
  isVaultStream,
  type NewEvent,
  noStream,
  type Position,
  positionOf,
  type StoredEvent,
  StoreUnavailable,
  type VaultChange,
} from '../../../src/store/event-store.ts';

/** What stays when the store is closed. */
export const memoryDisk = () => ({
  logId: randomUUID() as string,
  streams: new Map<string, StoredEvent[]>(),
  deleted: new Set<string>(),
  log: [] as StoredEvent[],
  vault: [] as VaultChange[],
  lastPosition: 0,
});

export function memoryStore(disk = memoryDisk()): EventStore {
  const { streams, deleted, log } = disk;
  let closed = false;
  let changed = Promise.withResolvers<void>();

  const announce = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const requireOpen = () => {
    if (closed) throw new StoreUnavailable('the store is closed');
  };
  const eventsOf = (stream: string) => streams.get(stream) ?? [];
  const nextPosition = () => {
    disk.lastPosition += 1;
    return positionOf(disk.lastPosition);
  };
  // Through JSON, as in a real store: what does not survive the trip must fail in tests too.
  const copy = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value));

  async function* follow<Item extends { readonly position: Position }>(
    items: () => readonly Item[],
    after: Position,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Item[]> {
    requireOpen();
    let place = after;
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => aborted.resolve(), { once: true });
    while (!signal.aborted && !closed) {
      const more = changed.promise;
      const batch = page(items(), place, readBatchMax);
      place = batch.at(-1)?.position ?? place;
      if (batch.length > 0) yield copy(batch);
      else await Promise.race([more, aborted.promise]);
    }
  }

  async function append(
    stream: string,
    expectedRevision: number,
    events: readonly NewEvent[],
  ): Promise<Appended> {
    const existing = eventsOf(stream);
    const repeated = existing.slice(expectedRevision + 1, expectedRevision + 1 + events.length);
    const last = repeated.at(-1);
    if (
      last !== undefined &&
      events.every(({ eventId }, index) => repeated[index]?.eventId === eventId)
    ) {
      return { revision: last.revision, position: last.position };
    }
    if (deleted.has(stream)) throw new Conflict(`${stream} is deleted`);
    if (expectedRevision !== existing.length - 1) {
      throw new Conflict(`${stream} is not at ${expectedRevision}`);
    }
    const stored = events.map(objectsOnly).map((event, index) => ({
      ...copy(event),
      stream,
      revision: expectedRevision + 1 + index,
      position: nextPosition(),
    }));
    const end = [...existing, ...stored].at(-1);
    streams.set(stream, [...existing, ...stored]);
    if (isVaultStream(stream)) {
      for (const event of stored)
        disk.vault.push({ kind: 'kept', position: event.position, stream, event });
    } else log.push(...stored);
    announce();
    return { revision: end?.revision ?? noStream, position: end?.position ?? beginning };
  }

  return {
    logId: disk.logId,

    async append(stream, expectedRevision, events, secrets = []) {
      requireOpen();
      for (const secret of secrets) await append(secret.stream, noStream, [secret.event]);
      return await append(stream, expectedRevision, events);
    },

    async read(stream) {
      requireOpen();
      return copy(eventsOf(stream));
    },

    async readAll(after, limit) {
      requireOpen();
      return copy(page(log, after, limit));
    },

    async head() {
      requireOpen();
      return log.at(-1)?.position ?? beginning;
    },

    follow: (after, signal) => follow(() => log, after, signal),

    async deleteStream(stream) {
      requireOpen();
      if (!isVaultStream(stream)) throw new Error(`${stream} is not in the vault`);
      if (!streams.delete(stream)) return;
      deleted.add(stream);
      disk.vault = disk.vault.filter((change) => change.stream !== stream);
      disk.vault.push({ kind: 'deleted', position: nextPosition(), stream });
      announce();
    },

    async readVault(after, limit) {
      requireOpen();
      return copy(page(disk.vault, after, limit));
    },

    followVault: (after, signal) => follow(() => disk.vault, after, signal),

    async close() {
      closed = true;
      announce();
    },
  };
}

function objectsOnly(event: NewEvent): NewEvent {
  if (!/^\{/.test(JSON.stringify(event.data) ?? '')) throw new TypeError('data is no JSON object');
  return event;
}

const page = <Item extends { readonly position: Position }>(
  items: readonly Item[],
  after: Position,
  limit: number,
): readonly Item[] => {
  // Positions ascend: the first that is later is found by halving.
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.position ?? '') > after) high = middle;
    else low = middle + 1;
  }
  return items.slice(low, low + limit);
};
