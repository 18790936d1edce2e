/** A log of one's own in a server that others use too: other stream names, and nobody else's events. */
import { randomUUID } from 'node:crypto';
import {
  beginning,
  type EventStore,
  noStream,
  type Position,
  type StoredEvent,
  type VaultChange,
} from '../../../src/store/event-store.ts';
import { newEvent } from '../stored-events.ts';

export interface Room {
  /** The same room through another connection. */
  readonly through: (store: EventStore) => EventStore;
}

export async function makeRoom(first: EventStore): Promise<Room> {
  const id = randomUUID();
  const inside = (stream: string) => stream.replace('-', `-${id}-`);
  const outside = (stream: string) => stream.replace(`-${id}-`, '-');
  const isOurs = ({ stream }: { stream: string }) => stream.includes(`-${id}-`);
  const event = (stored: StoredEvent): StoredEvent => ({
    ...stored,
    stream: outside(stored.stream),
  });
  const change = (kept: VaultChange): VaultChange =>
    kept.kind === 'deleted'
      ? { ...kept, stream: outside(kept.stream) }
      : { ...kept, stream: outside(kept.stream), event: event(kept.event) };
  // Everything in the room comes after this.
  const { position: floor } = await first.append(`registry-floor-${id}`, noStream, [newEvent()]);
  const from = (after: Position) => (after === beginning ? floor : after);

  async function pageOf<Item extends { stream: string; position: Position }>(
    after: Position,
    limit: number,
    read: (after: Position) => Promise<readonly Item[]>,
  ): Promise<Item[]> {
    const found: Item[] = [];
    for (let place = from(after); found.length < limit; ) {
      const page = await read(place);
      found.push(...page.filter(isOurs));
      const last = page.at(-1);
      if (last === undefined) break;
      place = last.position;
    }
    return found.slice(0, limit);
  }

  async function* following<Item extends { stream: string }>(
    batches: AsyncIterable<readonly Item[]>,
  ): AsyncGenerator<readonly Item[]> {
    for await (const batch of batches) {
      const ours = batch.filter(isOurs);
      if (ours.length > 0) yield ours;
    }
  }

  async function* mapped<One, Other>(
    batches: AsyncIterable<readonly One[]>,
    convert: (item: One) => Other,
  ): AsyncGenerator<readonly Other[]> {
    for await (const batch of batches) yield batch.map(convert);
  }

  return {
    through: (store) => ({
      logId: store.logId,
      append: (stream, revision, events, secrets = []) =>
        store.append(
          inside(stream),
          revision,
          events,
          secrets.map((secret) => ({ ...secret, stream: inside(secret.stream) })),
        ),
      read: async (stream) => (await store.read(inside(stream))).map(event),
      readAll: async (after, limit) =>
        (await pageOf(after, limit, (place) => store.readAll(place, limit))).map(event),
      async head() {
        const all = await pageOf(beginning, Number.POSITIVE_INFINITY, (place) =>
          store.readAll(place, 1_000),
        );
        // Also asks the store, as long as it is open.
        return all.at(-1)?.position ?? beginning;
      },
      follow: (after, signal) => mapped(following(store.follow(from(after), signal)), event),
      deleteStream: (stream) => store.deleteStream(inside(stream)),
      readVault: async (after, limit) =>
        (await pageOf(after, limit, (place) => store.readVault(place, limit))).map(change),
      followVault: (after, signal) =>
        mapped(following(store.followVault(from(after), signal)), change),
      close: () => store.close(),
    }),
  };
}
