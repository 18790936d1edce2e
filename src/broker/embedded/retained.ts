/** Retained messages in bounded memory, found by topic filter without a search through all of them. */

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
   * Stores a message, or deletes that of its topic where the payload is empty [MQTT-3.3.1-6]. False when
   * the limits do not allow it: then its topic has none. The registry's own messages are always stored.
   */
  keep(message: Message): boolean;
  /** Those that a filter matches; wildcards at the first level match no `$` topic [MQTT-4.7.2-1]. */
  matching(filter: string): Generator<Message, void, void>;
}

interface Branch<Message> {
  readonly branches: Map<string, Branch<Message>>;
  message: Message | undefined;
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

export function retainedMessages<Message extends KeptMessage>(limits: {
  messages: number;
  bytes: number;
}): RetainedMessages<Message> {
  const root: Branch<Message> = { branches: new Map(), message: undefined };
  let size = 0;
  let bytes = 0;

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
    size -= 1;
    bytes -= bytesKept(branch.message);
    branch.message = undefined;
    for (const [parent, level] of path.reverse()) {
      const child = parent.branches.get(level);
      if (child === undefined || child.message !== undefined || child.branches.size > 0) return;
      parent.branches.delete(level);
    }
  }

  return {
    get size() {
      return size;
    },
    get bytes() {
      return bytes;
    },
    keep(message) {
      forget(message.topic);
      if (message.payload.length === 0) return true;
      const full = size >= limits.messages || bytes + bytesKept(message) > limits.bytes;
      if (full && message.clientId !== undefined) return false;
      let branch = root;
      for (const level of message.topic.split('/')) {
        let next = branch.branches.get(level);
        if (next === undefined) {
          next = { branches: new Map(), message: undefined };
          branch.branches.set(level, next);
        }
        branch = next;
      }
      branch.message = message;
      size += 1;
      bytes += bytesKept(message);
      return true;
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
