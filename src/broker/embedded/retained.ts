/** Retained messages in bounded memory, found by topic filter without a search through all of them. */
import type { MqttLimit } from '../ports/embedded.ts';

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
  /** Those that a filter matches; wildcards at the first level match no `$` topic [MQTT-4.7.2-1]. */
  matching(filter: string): Generator<Message, void, void>;
}

interface Branch<Message> {
  readonly branches: Map<string, Branch<Message>>;
  message: Message | undefined;
  /** Who published it. */
  owner: string | null;
}

export interface RetainedLimits {
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  readonly retainedMessagesPerUser: number;
  readonly retainedBytesPerUser: number;
}

/** Bytes that a stored message takes, its overhead included. */
export const bytesKept = (message: KeptMessage): number => 256 + bytesSent(message);

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
  const newBranch = (): Branch<Message> => ({
    branches: new Map(),
    message: undefined,
    owner: null,
  });
  const root = newBranch();
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
    const path: [Branch<Message>, string][] = [];
    let branch = root;
    for (const level of topic.split('/')) {
      const next = branch.branches.get(level);
      if (next === undefined) return;
      path.push([branch, level]);
      branch = next;
    }
    if (branch.message === undefined) return;
    count(branch.owner, -1, -bytesKept(branch.message));
    branch.message = undefined;
    for (const [parent, level] of path.reverse()) {
      const child = parent.branches.get(level);
      if (child === undefined || child.message !== undefined || child.branches.size > 0) return;
      parent.branches.delete(level);
    }
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
      let branch = root;
      for (const level of message.topic.split('/')) {
        let next = branch.branches.get(level);
        if (next === undefined) {
          next = newBranch();
          branch.branches.set(level, next);
        }
        branch = next;
      }
      branch.message = message;
      branch.owner = owner;
      count(owner, 1, bytes);
      return null;
    },
    matching: (filter) => below(root, filter.split('/'), 0),
  };
}

function* below<Message>(
  branch: Branch<Message>,
  filter: readonly string[],
  depth: number,
): Generator<Message, void, void> {
  // What follows `#` is `#` again.
  const level = filter[depth] ?? (filter.at(-1) === '#' ? '#' : undefined);
  if (level === undefined || level === '#') {
    // `a/#` matches `a` too [MQTT-4.7.1-2].
    if (branch.message !== undefined) yield branch.message;
    if (level === undefined) return;
  }
  if (level === '#' || level === '+') {
    for (const [name, next] of branch.branches)
      if (depth > 0 || !name.startsWith('$')) yield* below(next, filter, depth + 1);
  } else {
    const next = branch.branches.get(level);
    if (next !== undefined) yield* below(next, filter, depth + 1);
  }
}
