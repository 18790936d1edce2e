/**
 * What the embedded broker remembers, in bounded memory: subscriptions, queues and message ids of
 * sessions, and retained messages. It has the shape that aedes asks of a persistence.
 */
import { Readable } from 'node:stream';
import aedesMemory from 'aedes-persistence';
import { bytesKept, type KeptMessage, retainedMessages } from './embedded-retained.ts';

/** A packet as aedes hands it over: a PUBLISH, or the PUBREL that took its place. */
export interface Packet extends KeptMessage {
  readonly cmd: string;
  readonly brokerCounter: number;
  readonly retain: boolean;
  qos: number;
  dup: boolean;
  messageId?: number | undefined;
}

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

export interface MemoryLimits {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly queuedBytesTotal: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

export interface Memory {
  /** Forgets all that belongs to a session. */
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

/** One session's unacknowledged messages in order, also found by the message id they were sent with. */
interface Queue {
  readonly packets: Map<number, Packet>;
  readonly counterOfId: Map<number, number>;
  bytes: number;
}

/**
 * `mayQueue`: whether there still is such a session; `subscribed`: whether it was granted the filter. A full queue drops the newest message: it reaches a session that is there, but is not
 * sent again.
 */
export function boundedMemory(
  limits: MemoryLimits,
  allows: {
    mayQueue(clientId: string): boolean;
    subscribed(clientId: string, filter: string): boolean;
  },
) {
  const subscriptions = (aedesMemory as unknown as () => Subscriptions)();
  const queues = new Map<string, Queue>();
  const receivedIds = new Map<string, Set<number>>();
  const retained = retainedMessages<Packet>({
    messages: limits.retainedMessages,
    bytes: limits.retainedBytes,
  });
  let queuedMessages = 0;
  let queuedBytes = 0;

  function enqueue(clientId: string, packet: Packet): void {
    const bytes = bytesKept(packet);
    let queue = queues.get(clientId);
    const full =
      queuedBytes + bytes > limits.queuedBytesTotal ||
      (queue !== undefined &&
        (queue.packets.size >= limits.queuedMessages || queue.bytes + bytes > limits.queuedBytes));
    if (full) return;
    if (queue === undefined) {
      queue = { packets: new Map(), counterOfId: new Map(), bytes: 0 };
      queues.set(clientId, queue);
    }
    if (queue.packets.has(packet.brokerCounter)) return;
    queue.packets.set(packet.brokerCounter, packet);
    queue.bytes += bytes;
    queuedBytes += bytes;
    queuedMessages += 1;
  }

  function drop(queue: Queue, counter: number): Packet | undefined {
    const packet = queue.packets.get(counter);
    if (packet === undefined) return undefined;
    queue.packets.delete(counter);
    if (packet.messageId !== undefined && queue.counterOfId.get(packet.messageId) === counter)
      queue.counterOfId.delete(packet.messageId);
    const bytes = bytesKept(packet);
    queue.bytes -= bytes;
    queuedBytes -= bytes;
    queuedMessages -= 1;
    return packet;
  }

  function forget(clientId: string): void {
    void subscriptions.cleanSubscriptions({ id: clientId });
    receivedIds.delete(clientId);
    const queue = queues.get(clientId);
    if (queue === undefined) return;
    queuedBytes -= queue.bytes;
    queuedMessages -= queue.packets.size;
    queues.delete(clientId);
  }

  const received = (clientId: string) => receivedIds.get(clientId);

  return {
    forget,
    counts: () => ({
      queues: queues.size + receivedIds.size,
      queuedMessages,
      queuedBytes,
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

    async outgoingEnqueue({ clientId }: { clientId: string }, packet: Packet) {
      if (allows.mayQueue(clientId)) enqueue(clientId, ownCopy(packet));
    },
    async outgoingEnqueueCombi(readers: readonly Subscribed[], packet: Packet) {
      let copy: Packet | undefined;
      for (const { clientId, qos, nl } of readers) {
        if (nl === true && packet.clientId === clientId) continue;
        if (!allows.mayQueue(clientId)) continue;
        copy ??= ownCopy(packet);
        enqueue(clientId, { ...copy, qos: Math.min(qos, packet.qos) });
      }
    },

    /** Notes the message id that a message is sent with, or puts a PUBREL in its place. */
    async outgoingUpdate({ id }: ById, packet: Packet) {
      const queue = queues.get(id);
      if (queue === undefined || packet.messageId === undefined) return;
      if (packet.cmd === 'publish') {
        const held = queue.packets.get(packet.brokerCounter);
        if (held === undefined) return;
        held.messageId = packet.messageId;
        // [MQTT-3.8.4-8]: no more than the subscription's QoS.
        packet.qos = held.qos;
        queue.counterOfId.set(packet.messageId, packet.brokerCounter);
        return;
      }
      const counter = queue.counterOfId.get(packet.messageId);
      if (counter === undefined || drop(queue, counter) === undefined) return;
      enqueue(id, { ...packet, topic: '', payload: '', brokerCounter: counter });
      queue.counterOfId.set(packet.messageId, counter);
    },
    async outgoingClearMessageId({ id }: ById, { messageId, brokerCounter }: Packet) {
      const queue = queues.get(id);
      if (queue === undefined) return undefined;
      const counter = messageId === undefined ? brokerCounter : queue.counterOfId.get(messageId);
      if (counter !== undefined) drop(queue, counter);
      if (queue.packets.size === 0) queues.delete(id);
      // A packet given back would wait in a stream that aedes never reads, and stall the reconnect.
      return undefined;
    },
    /** What a session that comes back is owed; what was sent before is marked so [MQTT-3.3.1-1]. */
    outgoingStream({ id }: ById) {
      const packets = [...(queues.get(id)?.packets.values() ?? [])];
      return Readable.from(
        packets.map((packet) => ({
          ...packet,
          dup: packet.cmd === 'publish' && packet.messageId !== undefined,
          ...(packet.properties === undefined ? {} : { properties: { ...packet.properties } }),
        })),
      );
    },

    // Of QoS 2 messages that came in, only the ids are needed to tell a repetition [MQTT-4.3.3-10].
    async incomingStorePacket({ id }: ById, packet: Packet) {
      const ids = received(id);
      if (ids === undefined) receivedIds.set(id, new Set([packet.messageId ?? 0]));
      else ids.add(packet.messageId ?? 0);
    },
    async incomingGetPacket({ id }: ById, packet: Packet) {
      if (!received(id)?.has(packet.messageId ?? 0)) throw new Error('no such packet');
      return packet;
    },
    async incomingDelPacket({ id }: ById, packet: Packet) {
      received(id)?.delete(packet.messageId ?? 0);
    },

    // A will stays with its connection and its session; nothing outlives the process.
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
