/** Bytes of a stream, so many at a time, and no more of them held than were asked for. */

const newline = 0x0a;

export function byteReader(chunks: AsyncIterable<Uint8Array>) {
  const source = chunks[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let ended = false;

  async function more(): Promise<Buffer | undefined> {
    if (ended) return undefined;
    const next = await source.next();
    if (next.done) {
      ended = true;
      return undefined;
    }
    const { buffer, byteOffset, byteLength } = next.value;
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  return {
    /** Undefined: there are fewer. */
    async take(count: number): Promise<Buffer | undefined> {
      const parts = [held];
      let length = held.length;
      while (length < count) {
        const part = await more();
        if (part === undefined) break;
        parts.push(part);
        length += part.length;
      }
      held = parts.length === 1 ? held : Buffer.concat(parts);
      if (length < count) return undefined;
      const taken = held.subarray(0, count);
      held = held.subarray(count);
      return taken;
    },

    /** Up to a line's end, that one too; undefined: none among so many bytes. */
    async line(most: number): Promise<Buffer | undefined> {
      for (;;) {
        const end = held.subarray(0, most).indexOf(newline);
        if (end >= 0) {
          const line = held.subarray(0, end + 1);
          held = held.subarray(end + 1);
          return line;
        }
        if (held.length >= most) return undefined;
        const part = await more();
        if (part === undefined) return undefined;
        held = Buffer.concat([held, part]);
      }
    },

    /** Nothing more is wanted of the stream: it lets go of what it reads from. */
    async close(): Promise<void> {
      if (!ended) await source.return?.();
      ended = true;
    },

    /** Whether the stream has given all it has; some of it may still be held here. */
    hasEnded: () => ended,

    /** Whether there is nothing more. */
    async isAtEnd(): Promise<boolean> {
      while (held.length === 0) {
        const part = await more();
        if (part === undefined) return true;
        held = part;
      }
      return false;
    },
  };
}
