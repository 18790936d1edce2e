/** Events to store, and what tests look at in a store. */
import { randomUUID } from 'node:crypto';
import { readBatchMax } from '../../src/limits/store.ts';
import {
  beginning,
  type EventStore,
  type NewEvent,
  type Position,
  type StoredEvent,
} from '../../src/store/event-store.ts';
import { assert, type suite } from './suite.ts';

export interface Made {
  readonly store: EventStore;
  /** Closes the store and opens the same log again. */
  readonly reopen: () => Promise<EventStore>;
  readonly dispose: () => Promise<void>;
}

export type ContractTest = ReturnType<typeof suite<{ made: Made }>>;

export const newEvent = (data: Record<string, unknown> = {}, type = 'Tested'): NewEvent => ({
  eventId: randomUUID(),
  type,
  data,
  metadata: { correlationId: randomUUID(), causationId: null },
});

export const newEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, number) => newEvent({ number }));

/** A name that no other test of this process or log has used. */
export const streamOf = (category: string): string => `${category}-${randomUUID()}`;

export const ids = (events: readonly { eventId: string }[]): string[] =>
  events.map(({ eventId }) => eventId);

/** Everything outside the vault, page by page. */
export async function wholeLog(store: EventStore, limit = readBatchMax): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let after = beginning; ; ) {
    const page = await store.readAll(after, limit);
    assert.ok(page.length <= limit, 'no page is longer than asked for');
    const last = page.at(-1);
    if (!last) return all;
    all.push(...page);
    after = last.position;
  }
}

/** What the port promises of an event: one that is followed may say more. */
function promisedOf<Item>(item: Item): Item {
  const event = item as Partial<StoredEvent>;
  if (event.metadata === undefined) return item;
  const { eventId, type, data, metadata, stream, revision, position } = event;
  return { eventId, type, data, metadata, stream, revision, position } as Item;
}

/** Takes batches until it has `count` items; an endless wait fails by the runner's time limit. */
export async function take<Item>(
  count: number,
  start: (signal: AbortSignal) => AsyncIterable<readonly Item[]>,
  pause?: () => Promise<unknown>,
): Promise<Item[]> {
  const stop = new AbortController();
  const taken: Item[] = [];
  for await (const batch of start(stop.signal)) {
    assert.ok(
      batch.length > 0 && batch.length <= readBatchMax,
      'a batch is neither empty nor huge',
    );
    taken.push(...batch.map(promisedOf));
    if (taken.length >= count) stop.abort();
    await pause?.();
  }
  return taken;
}

export async function rejects(
  promise: Promise<unknown>,
  Expected: abstract new (...values: never[]) => Error,
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, Expected, `${error}`);
}

export const sorted = (positions: readonly Position[]) => [...positions].sort();
const unique = (values: readonly string[]) => new Set(values).size === values.length;

export function assertInOrder(events: readonly { position: Position }[]): void {
  const positions = events.map(({ position }) => position);
  assert.equal(positions, sorted(positions));
  assert.ok(unique(positions), 'no position comes twice');
  for (const position of positions) assert.is(position.length, beginning.length);
}
