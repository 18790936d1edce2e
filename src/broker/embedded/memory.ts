/**
 * The embedded broker's state in bounded memory: subscriptions, queues and message ids of sessions, and
 * retained messages. It implements what aedes needs of a persistence.
 */
import { Readable } from 'node:stream';
import aedesMemory from 'aedes-persistence';
import { type Packet, type QueueLimits, Queues } from './queues.ts';
import { Received } from './received.ts';
import { retainedMessages } from './retained.ts';

interface Subscription {
  readonly topic: string;
  readonly qos: number;
}
type Subscribed = Subscription & { readonly clientId: string; readonly nl?: boolean };
type ById = { readonly id: string };

/** The part of aedes' own memory that is used here; its types describe older callbacks. */
interface Subscriptions {
  addSubscriptions(client: ById, subscriptions: readonly Subscription[]): Promise<void>;
  removeSubscriptions(client: ById, filters: readonly string[]): Promise<void>;
  subscriptionsByClient(client: ById): Promise<readonly Subscription[]>;
  subscriptionsByTopic(topic: string): Promise<readonly Subscribed[]>;
  cleanSubscriptions(client: ById): Promise<void>;
}

export interface MemoryLimits extends QueueLimits {
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

export interface Memory {
  /** Deletes everything of a session. */
  forget(clientId: string): void;
  subscriptionsByClient(client: ById): Promise<readonly Subscription[]>;
  removeSubscriptions(client: ById, filters: readonly string[]): Promise<void>;
  /** What it holds, for metrics and tests; `queues` in both directions. */
  counts(): {
    queues: number;
    queuedMessages: number;
    queuedBytes: number;
    retainedMessages: number;
    retainedBytes: number;
  };
}

/** `mayQueue`: whether there still is such a session; `subscribed`: whether it was granted the filter. */
interface MemoryRules {
  mayQueue(clientId: string): boolean;
  subscribed(clientId: string, filter: string): boolean;
}

export function boundedMemory(limits: MemoryLimits, allows: MemoryRules) {
  const subscriptions = (aedesMemory as unknown as () => Subscriptions)();
  const queues = new Queues(limits);
  const received = new Received();
  const retained = retainedMessages<Packet>({
    messages: limits.retainedMessages,
    bytes: limits.retainedBytes,
  });
  return {
    forget(clientId: string): void {
      void subscriptions.cleanSubscriptions({ id: clientId });
      received.forget(clientId);
      queues.forget(clientId);
    },
    counts: () => ({
      queues: queues.size + received.size,
      queuedMessages: queues.messages,
      queuedBytes: queues.bytes,
      retainedMessages: retained.size,
      retainedBytes: retained.bytes,
    }),

    async setup() {},
    async destroy() {},

    async storeRetained(packet: Packet) {
      retained.keep(packet.payload.length === 0 ? packet : ownCopy(packet));
    },
    createRetainedStream: (filter: string) => Readable.from(retained.matching(filter)),
    createRetainedStreamCombi: (filters: readonly string[]) =>
      Readable.from(matchingAny(filters, retained.matching)),

    ...subscribing(subscriptions, allows),
    ...outgoing(queues, allows),
    ...incoming(received),

    // A will is held by its connection and its session; nothing outlives the process.
    async putWill() {},
    async getWill() {
      return undefined;
    },
    async delWill() {
      return undefined;
    },
    streamWill: () => Readable.from([]),
  };
}

const subscribing = (subscriptions: Subscriptions, allows: MemoryRules) => ({
  async addSubscriptions(client: ById, wanted: readonly Subscription[]) {
    // aedes hands over all of a SUBSCRIBE as soon as one of it was granted.
    const granted = wanted.filter(({ topic }) => allows.subscribed(client.id, topic));
    await subscriptions.addSubscriptions(client, granted);
  },
  removeSubscriptions: (client: ById, filters: readonly string[]) =>
    subscriptions.removeSubscriptions(client, filters),
  subscriptionsByClient: (client: ById) => subscriptions.subscriptionsByClient(client),
  subscriptionsByTopic: (topic: string) => subscriptions.subscriptionsByTopic(topic),
  cleanSubscriptions: (client: ById) => subscriptions.cleanSubscriptions(client),
});

const outgoing = (queues: Queues, allows: MemoryRules) => ({
  async outgoingEnqueue({ clientId }: { clientId: string }, packet: Packet) {
    if (allows.mayQueue(clientId)) queues.add(clientId, ownCopy(packet));
  },
  async outgoingEnqueueCombi(readers: readonly Subscribed[], packet: Packet) {
    let copy: Packet | undefined;
    for (const { clientId, qos, nl } of readers) {
      if (nl === true && packet.clientId === clientId) continue;
      if (!allows.mayQueue(clientId)) continue;
      copy ??= ownCopy(packet);
      queues.add(clientId, { ...copy, qos: Math.min(qos, packet.qos) });
    }
  },
  async outgoingUpdate({ id }: ById, packet: Packet) {
    queues.update(id, packet);
  },
  async outgoingClearMessageId({ id }: ById, packet: Packet) {
    queues.acknowledged(id, packet);
    // A packet returned here would wait in a stream that aedes never reads, and stall the reconnect.
    return undefined;
  },
  outgoingStream: ({ id }: ById) => queues.owed(id),
});

const incoming = (received: Received) => ({
  async incomingStorePacket({ id }: ById, { messageId }: Packet) {
    received.add(id, messageId);
  },
  async incomingGetPacket({ id }: ById, packet: Packet) {
    if (!received.has(id, packet.messageId)) throw new Error('no such packet');
    return packet;
  },
  async incomingDelPacket({ id }: ById, { messageId }: Packet) {
    received.released(id, messageId);
  },
});

/** A payload is cut from what the socket read, up to 64 KiB, all of which it would hold in memory. */
function own<Value>(value: Value): Value {
  if (!Buffer.isBuffer(value)) return value;
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy as Value & Buffer;
}

function ownCopy(packet: Packet): Packet {
  const properties =
    packet.properties &&
    Object.fromEntries(
      Object.entries(packet.properties).map(([name, value]) => [name, own(value)]),
    );
  return {
    ...packet,
    payload: own(packet.payload),
    ...(properties === undefined ? {} : { properties }),
  };
}

function* matchingAny<Message>(
  filters: readonly string[],
  matching: (filter: string) => Generator<Message, void, void>,
): Generator<Message, void, void> {
  for (const filter of filters) yield* matching(filter);
}
