/** Retained messages in bounded memory: one a topic, with limits on each user and on all. */
import type { MqttLimit } from '../ports/embedded.ts';
import { TopicTree } from './topic-tree.ts';

/** A message as the broker stores it; `clientId` is absent on the registry's own. */
export interface KeptMessage {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly properties?: object | undefined;
  readonly clientId?: string | undefined;
}

interface RetainedMessages<Message extends KeptMessage> {
  readonly size: number;
  readonly bytes: number;
  /**
   * Stores a message, or deletes that of its topic where the payload is empty [MQTT-3.3.1-6]. Otherwise the
   * limit that does not allow it: then its topic has none. The registry's own messages (`owner` null) are
   * always stored.
   */
  keep(message: Message, owner: string | null): MqttLimit | null;
  has(topic: string): boolean;
  /**
   * Those that a filter matches; wildcards at the first level match no `$` topic [MQTT-4.7.2-1]. Null: so much was looked
   * at that others may come between.
   */
  matching(filter: string): Generator<Message | null, void, void>;
}

export interface RetainedLimits {
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  readonly retainedMessagesPerUser: number;
  readonly retainedBytesPerUser: number;
}

/** What a stored message takes, each of its user properties, and each level of a topic beyond those of most, in bytes. */
const messageOverhead = 256;
const userPropertyOverhead = 128;
const levelOverhead = 192;
const commonLevels = 8;

/** Bytes that a stored message takes, its overhead included. */
export function bytesKept(message: KeptMessage): number {
  const { topic, properties } = message;
  let bytes = messageOverhead + bytesSent(message);
  if (properties !== undefined && 'userProperties' in properties)
    bytes += userPropertyOverhead * userPropertyCount(properties.userProperties);
  if (topic.length > commonLevels)
    bytes += levelOverhead * Math.max(0, topic.split('/').length - commonLevels);
  return bytes;
}

/** One name may stand several times. */
export function userPropertyCount(userProperties: unknown): number {
  if (typeof userProperties !== 'object' || userProperties === null) return 0;
  let count = 0;
  for (const texts of Object.values(userProperties))
    count += Array.isArray(texts) ? texts.length : 1;
  return count;
}

/** Bytes of the PUBLISH that carries a message, at most: names and lengths of properties are rounded up. */
export function bytesSent({ topic, payload, properties }: KeptMessage): number {
  let bytes = 10 + Buffer.byteLength(topic) + payload.length;
  for (const value of Object.values(properties ?? {})) {
    if (typeof value === 'string') bytes += 3 + Buffer.byteLength(value);
    else if (Buffer.isBuffer(value)) bytes += 3 + value.length;
    else if (typeof value !== 'object' || value === null) bytes += 5;
    else
      for (const [name, texts] of Object.entries(value))
        for (const text of [texts].flat())
          bytes += 5 + Buffer.byteLength(name) + Buffer.byteLength(String(text));
  }
  return bytes;
}

/** How many messages and bytes there are, of one user or of all. */
interface RetainedShare {
  messages: number;
  bytes: number;
}

export function retainedMessages<Message extends KeptMessage>(
  limits: RetainedLimits,
): RetainedMessages<Message> {
  /** `owner`: who published it. */
  const tree = new TopicTree<{ readonly message: Message; readonly owner: string | null }>();
  const all: RetainedShare = { messages: 0, bytes: 0 };
  /** By username; who has none is not in it. */
  const byOwner = new Map<string, RetainedShare>();

  function count(owner: string | null, messages: 1 | -1, bytes: number): void {
    all.messages += messages;
    all.bytes += bytes;
    if (owner === null) return;
    const own = byOwner.get(owner) ?? { messages: 0, bytes: 0 };
    own.messages += messages;
    own.bytes += bytes;
    if (own.messages === 0) byOwner.delete(owner);
    else byOwner.set(owner, own);
  }

  function limitFor(owner: string | null, bytes: number): MqttLimit | null {
    if (owner === null) return null;
    const { messages, bytes: held } = byOwner.get(owner) ?? { messages: 0, bytes: 0 };
    const { retainedMessagesPerUser, retainedBytesPerUser, retainedMessages, retainedBytes } =
      limits;
    if (messages >= retainedMessagesPerUser || held + bytes > retainedBytesPerUser)
      return 'retained-per-user';
    return all.messages >= retainedMessages || all.bytes + bytes > retainedBytes
      ? 'retained'
      : null;
  }

  function forget(topic: string): void {
    const kept = tree.remove(topic);
    if (kept !== undefined) count(kept.owner, -1, -bytesKept(kept.message));
  }

  return {
    get size() {
      return all.messages;
    },
    get bytes() {
      return all.bytes;
    },
    keep(message, owner) {
      forget(message.topic);
      if (message.payload.length === 0) return null;
      const bytes = bytesKept(message);
      const limit = limitFor(owner, bytes);
      if (limit !== null) return limit;
      tree.set(message.topic, { message, owner });
      count(owner, 1, bytes);
      return null;
    },
    has: (topic) => tree.has(topic),
    *matching(filter) {
      for (const kept of tree.matching(filter)) yield kept?.message ?? null;
    },
  };
}
