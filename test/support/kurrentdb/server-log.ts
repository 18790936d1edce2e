/** What the test server keeps: streams in one order, by the rules that EventStoreDB 23.10 follows. */

export interface Message {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Stored extends Message {
  readonly stream: string;
  /** Decimal digits: a tombstone has the largest 64-bit number. */
  readonly revision: string;
  /** The commit position, which is the prepare position too. */
  readonly position: number;
  readonly createdMs: number;
}

export type Expected = number | 'any' | 'exists';

export type Written =
  | { readonly result: 'written'; readonly revision: number; readonly position: number }
  | { readonly result: 'wrong-version'; readonly current: number }
  | { readonly result: 'deleted' }
  | { readonly result: 'too-large' };

const tombstoneRevision = String(2n ** 63n - 1n);
export const appendBytesMax = 1024 * 1024;
/** A real server writes of itself between the events of others: every so many records. */
const noiseEvery = 3;

export function kurrentLog() {
  const all: Stored[] = [];
  const streams = new Map<string, Stored[]>();
  const deleted = new Set<string>();
  const listeners = new Set<() => void>();
  let position = 0;

  function put(stream: string, revision: string, message: Message): Stored {
    // Positions are bytes of a file: sparse, and ascending.
    position += 120 + message.data.length + message.metadata.length;
    const stored = { ...message, stream, revision, position, createdMs: Date.now() };
    all.push(stored);
    return stored;
  }

  function putNoise(): void {
    put('$stats-127.0.0.1:2113', '0', message('$statsCollected', '{"proc":{}}'));
    put('$$client-noise', '0', message('$metadata', '{"$maxCount":1}'));
  }

  function write(stream: string, messages: readonly Message[]): Written {
    const events = streams.get(stream) ?? [];
    streams.set(stream, events);
    for (const each of messages) events.push(put(stream, String(events.length), each));
    if (all.length % noiseEvery === 0) putNoise();
    for (const listener of [...listeners]) listener();
    return written(events.at(-1));
  }

  /** The same events at the same place, or at any place where none is asked for: a repeat. */
  function repeated(events: readonly Stored[], expected: Expected, messages: readonly Message[]) {
    const first =
      typeof expected === 'number'
        ? expected + 1
        : events.findIndex(({ id }) => id === messages[0]?.id);
    if (first < 0 || messages.length === 0) return undefined;
    const there = events.slice(first, first + messages.length);
    return messages.every(({ id }, at) => there[at]?.id === id) ? there.at(-1) : undefined;
  }

  /** What a scavenge takes: everything of a tombstoned stream but its tombstone. */
  const isWaste = ({ stream, type }: Stored): boolean =>
    deleted.has(stream) && type !== '$streamDeleted';

  putNoise();
  return {
    all,
    isDeleted: (stream: string): boolean => deleted.has(stream),
    /** Undefined: there is no such stream. */
    stream: (stream: string): readonly Stored[] | undefined => streams.get(stream),
    listeners,

    append(stream: string, expected: Expected, messages: readonly Message[]): Written {
      if (deleted.has(stream)) return { result: 'deleted' };
      const bytes = messages.reduce(
        (sum, { data, metadata }) => sum + data.length + metadata.length,
        0,
      );
      if (bytes > appendBytesMax) return { result: 'too-large' };
      const events = streams.get(stream) ?? [];
      const current = events.length - 1;
      if (expected === current) return write(stream, messages);
      const repeat = repeated(events, expected, messages);
      if (repeat) return written(repeat);
      if (expected === 'any' || (expected === 'exists' && current >= 0))
        return write(stream, messages);
      return { result: 'wrong-version', current };
    },

    tombstone(stream: string): Written {
      if (deleted.has(stream)) return { result: 'deleted' };
      deleted.add(stream);
      const stored = put(stream, tombstoneRevision, message('$streamDeleted', ''));
      for (const listener of [...listeners]) listener();
      return { result: 'written', revision: 0, position: stored.position };
    },

    /** Drops the events of tombstoned streams from the order of all, as a scavenge on every node does. */
    scavenge(): void {
      const kept = all.filter((stored) => !isWaste(stored));
      all.splice(0, all.length, ...kept);
    },
    isWaste,
  };
}

export type KurrentLog = ReturnType<typeof kurrentLog>;

/** The log as one node of a cluster has it on its own disk, where a scavenge runs for itself. */
export function diskOf(log: KurrentLog) {
  const scavenged = new Set<Stored>();
  return {
    log: {
      ...log,
      get all(): Stored[] {
        return scavenged.size === 0 ? log.all : log.all.filter((each) => !scavenged.has(each));
      },
    },
    scavenge(): void {
      for (const stored of log.all) if (log.isWaste(stored)) scavenged.add(stored);
    },
  };
}

const written = (last: Stored | undefined): Written => ({
  result: 'written',
  revision: Number(last?.revision ?? -1),
  position: last?.position ?? 0,
});

const message = (type: string, json: string): Message => ({
  id: crypto.randomUUID(),
  type,
  contentType: 'application/json',
  data: Buffer.from(json),
  metadata: Buffer.alloc(0),
});
