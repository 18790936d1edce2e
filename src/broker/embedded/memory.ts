/**
 * The embedded broker's state in bounded memory: subscriptions, queues and message ids of sessions, and
 * retained messages. It implements what aedes needs of a persistence.
 */
import { Readable } from 'node:stream';
import aedesMemory from 'aedes-persistence';
import { mqttUnstoredTopics } from '../../limits/mqtt.ts';
import type { MqttLimit, RenderedMessages } from '../ports/embedded.ts';
import type { RetainedAsking } from './fairness/fairness.ts';
import { type Packet, type QueueLimits, Queues } from './queues.ts';
import { Received } from './received.ts';
import { type RetainedLimits, retainedMessages } from './retained.ts';

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

export interface MemoryLimits extends QueueLimits, RetainedLimits {
  readonly receivedIds: number;
}

export interface Memory {
  /** Deletes everything of a session. */
  forget(clientId: string): void;
  /** What a session subscribed to. */
  filtersOf(clientId: string): Promise<string[]>;
  subscriptionsByTopic(topic: string): Promise<readonly Subscription[]>;
  removeSubscriptions(client: ById, filters: readonly string[]): Promise<void>;
  /** Whether a stored session may read a topic; true where it is not known. */
  isStored(topic: string): boolean;
  /** Keeps the id of a message of QoS 2 until it is released; false: there are too many of them. */
  received(clientId: string, messageId: number | undefined): boolean;
  /** Whether a message of QoS 2 came before, and was not released. */
  isRepeated(clientId: string, messageId: number | undefined): boolean;
  /** What it holds, for metrics and tests; `queues` in both directions. */
  counts(): {
    queues: number;
    queuedMessages: number;
    queuedBytes: number;
    retainedMessages: number;
    retainedBytes: number;
  };
}

interface MemoryRules {
  /** The user of a session; undefined: there is none any more. */
  ownerOf(clientId: string): string | undefined;
  /** Whether a session was granted the filter. */
  subscribed(clientId: string, filter: string): boolean;
  /** A session is subscribed to these no longer. */
  unsubscribed(clientId: string, filters: readonly string[]): void;
  /** Told each time that something is refused or dropped by a limit. */
  reached(limit: MqttLimit): void;
  readonly rendered?: RenderedMessages | undefined;
  /** For whose SUBSCRIBE the retained messages are that are asked for now. */
  asking?(): RetainedAsking | null;
  /** What a connection is sent of what its session is owed, each when it is taken; null: as it is stored. */
  owed?(client: ById): AsyncIterable<object> | null;
  /** Told of each message of a session that was acknowledged, or is not to be sent. */
  released?(client: ById, messageId: number): void;
}

/** For most subscriptions nothing is retained, and a stream takes more than all else of them. */
const nothingRetained: Pick<Readable, 'pipe'> = { pipe: (to) => to };

/** Owns what was retained by a message whose session had ended when it was stored. */
const nobody = '';

export function boundedMemory(limits: MemoryLimits, allows: MemoryRules) {
  const subscriptions = (aedesMemory as unknown as () => Subscriptions)();
  const queues = new Queues(limits, allows.reached);
  const received = new Received(limits.receivedIds);
  const retained = retainedMessages<Packet>(limits);
  const unstored = new UnstoredTopics();
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

    ...retaining(retained, allows),
    ...subscribing(subscriptions, allows, unstored),
    isStored: (topic: string) => !unstored.has(topic),
    received: (clientId: string, messageId: number | undefined) =>
      received.add(clientId, messageId),
    isRepeated: (clientId: string, messageId: number | undefined) =>
      received.has(clientId, messageId),
    owed: (clientId: string) => queues.owed(clientId),
    ...outgoing(queues, allows),
    ...incoming(received, allows),

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

const retaining = (retained: ReturnType<typeof retainedMessages<Packet>>, allows: MemoryRules) => {
  /** Whether a filter may match what is retained; without a wildcard it is a topic. */
  const mayMatch = (filter: string): boolean =>
    filter.includes('+') ||
    filter.includes('#') ||
    retained.has(filter) ||
    allows.rendered?.has(filter) === true;
  return {
    async storeRetained(packet: Packet) {
      if (allows.rendered?.has(packet.topic)) return;
      const { clientId } = packet;
      const owner = clientId === undefined ? null : (allows.ownerOf(clientId) ?? nobody);
      const limit = retained.keep(packet.payload.length === 0 ? packet : ownCopy(packet), owner);
      if (limit !== null) allows.reached(limit);
    },
    createRetainedStream: (filter: string) =>
      Readable.from(matchingAny([filter], retained.matching, allows.rendered, null)),
    createRetainedStreamCombi(filters: readonly string[]): Pick<Readable, 'pipe'> {
      const asking = allows.asking?.() ?? null;
      if (!filters.some(mayMatch)) {
        asking?.ended();
        return nothingRetained;
      }
      const stream = Readable.from(
        matchingAny(filters, retained.matching, allows.rendered, asking),
      );
      if (asking !== null) stream.once('close', asking.ended);
      return stream;
    },
  };
};

/**
 * In the place of the subscriptions of a stored session that has none: aedes tells a client that its session is present only where it finds
 * some [MQTT-3.2.2-2]. In no version is this one granted.
 */
const noSubscription: Subscription = { topic: '$share//', qos: 0 };

/** Topics that no stored session reads. Most messages are of few topics, and few sessions are stored. */
class UnstoredTopics {
  readonly #topics = new Set<string>();
  #additions = 0;

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Another subscription is stored: nothing is known any more. */
  forget(): void {
    this.#additions += 1;
    this.#topics.clear();
  }

  /** Looks for who reads a topic, and remembers where it is nobody. */
  async look(topic: string, subscriptions: Subscriptions): Promise<readonly Subscribed[]> {
    const additions = this.#additions;
    const found = await subscriptions.subscriptionsByTopic(topic);
    if (found.length > 0 || additions !== this.#additions) return found;
    if (this.#topics.size >= mqttUnstoredTopics) this.#topics.clear();
    this.#topics.add(topic);
    return found;
  }
}

const subscribing = (
  subscriptions: Subscriptions,
  allows: MemoryRules,
  unstored: UnstoredTopics,
) => ({
  async addSubscriptions(client: ById, wanted: readonly Subscription[]) {
    // aedes hands over all of a SUBSCRIBE as soon as one of it was granted.
    const granted = wanted.filter(({ topic }) => allows.subscribed(client.id, topic));
    unstored.forget();
    await subscriptions.addSubscriptions(client, granted);
  },
  async removeSubscriptions(client: ById, filters: readonly string[]) {
    // Now: of a connection that ends before it is done aedes tells nothing.
    allows.unsubscribed(client.id, filters);
    await subscriptions.removeSubscriptions(client, filters);
  },
  async filtersOf(id: string) {
    return (await subscriptions.subscriptionsByClient({ id })).map(({ topic }) => topic);
  },
  /** Asked for stored sessions alone. */
  async subscriptionsByClient(client: ById): Promise<readonly Subscription[]> {
    const found = await subscriptions.subscriptionsByClient(client);
    return found.length > 0 ? found : [noSubscription];
  },
  subscriptionsByTopic: (topic: string) => unstored.look(topic, subscriptions),
  cleanSubscriptions: (client: ById) => subscriptions.cleanSubscriptions(client),
});

const outgoing = (queues: Queues, allows: MemoryRules) => ({
  async outgoingEnqueue({ clientId }: { clientId: string }, packet: Packet) {
    const owner = allows.ownerOf(clientId);
    if (owner !== undefined) queues.add(clientId, owner, ownCopy(packet));
  },
  async outgoingEnqueueCombi(readers: readonly Subscribed[], packet: Packet) {
    let copy: Packet | undefined;
    for (const { clientId, qos, nl } of readers) {
      if (nl === true && packet.clientId === clientId) continue;
      const owner = allows.ownerOf(clientId);
      if (owner === undefined) continue;
      copy ??= ownCopy(packet);
      queues.add(clientId, owner, { ...copy, qos: Math.min(qos, packet.qos) });
    }
  },
  async outgoingUpdate({ id }: ById, packet: Packet) {
    queues.update(id, packet);
  },
  async outgoingClearMessageId(client: ById, packet: Packet) {
    queues.acknowledged(client.id, packet);
    if (packet.messageId !== undefined) allows.released?.(client, packet.messageId);
    // A packet returned here would wait in a stream that aedes never reads, and stall the reconnect.
    return undefined;
  },
  outgoingStream(client: ById) {
    return Readable.from(allows.owed?.(client) ?? queues.owed(client.id).packets());
  },
});

const incoming = (received: Received, allows: MemoryRules) => ({
  /** Rejects where aedes has to close the connection: MQTT 3 cannot be told a receive maximum. */
  async incomingStorePacket({ id }: ById, { messageId }: Packet) {
    if (allows.ownerOf(id) === undefined) throw new Error('the session is over');
    if (received.add(id, messageId)) return;
    allows.reached('received-per-session');
    throw new Error('too many messages of QoS 2 that were not released');
  },
  async incomingGetPacket({ id }: ById, packet: Packet) {
    if (!received.has(id, packet.messageId)) throw new Error('no such packet');
    // Now: what comes right behind its PUBREL is a message of its own.
    if (packet.cmd === 'pubrel') received.released(id, packet.messageId);
    return packet;
  },
  async incomingDelPacket() {},
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

/** What is stored before what is rendered, filter by filter. */
async function* matchingAny(
  filters: readonly string[],
  stored: (filter: string) => Generator<Packet | null, void, void>,
  rendered: RenderedMessages | undefined,
  asking: RetainedAsking | null,
): AsyncGenerator<Pick<Packet, 'cmd' | 'qos' | 'retain' | 'topic' | 'payload'>, void, void> {
  for (const filter of filters) {
    for (const packet of stored(filter))
      if (packet !== null) yield packet;
      else await asking?.turn();
    if (rendered === undefined) continue;
    for await (const { topic, payload } of rendered.matching(filter))
      yield { cmd: 'publish', qos: 1, retain: true, topic, payload: Buffer.from(payload) };
  }
}
