/**
 * What was written to connections that do not take it: bounded for each, for each user and in all. A publisher waits for a reader
 * that is behind only for a moment; then messages of QoS 0 are left out for it, and in the end it is closed.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { MqttLimit } from '../../ports/embedded.ts';

export interface UnreadLimits {
  readonly unreadMessages: number;
  readonly unreadBytes: number;
  readonly unreadBytesPerUser: number;
  readonly unreadBytesTotal: number;
  /** Beyond so many bytes publishers wait for the reader, each time so many milliseconds at most. */
  readonly heldBytes: number;
  readonly heldMs: number;
  /** Milliseconds in which a reader has to take something. */
  readonly drainTimeoutMs: number;
}

/** All that is unread, of all connections. */
export class Unread {
  readonly limits: UnreadLimits;
  readonly #reached: (limit: MqttLimit) => void;
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor(limits: UnreadLimits, reached: (limit: MqttLimit) => void) {
    this.limits = limits;
    this.#reached = reached;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so much more may wait for a connection of this user. */
  hasRoom(username: string, messages: number, bytes: number, more: number): boolean {
    const { unreadMessages, unreadBytes, unreadBytesPerUser, unreadBytesTotal } = this.limits;
    let limit: MqttLimit | null = null;
    if (messages >= unreadMessages || bytes + more > unreadBytes) limit = 'unread-per-session';
    else if ((this.#bytesOf.get(username) ?? 0) + more > unreadBytesPerUser)
      limit = 'unread-per-user';
    else if (this.#bytes + more > unreadBytesTotal) limit = 'unread';
    if (limit !== null) this.#reached(limit);
    return limit === null;
  }

  count(username: string, bytes: number): void {
    this.#bytes += bytes;
    const all = (this.#bytesOf.get(username) ?? 0) + bytes;
    if (all === 0) this.#bytesOf.delete(username);
    else this.#bytesOf.set(username, all);
  }

  slowReader(): void {
    this.#reached('slow-reader');
  }
}

/** Of one connection. */
export class UnreadOf {
  readonly #all: Unread;
  readonly #stream: Duplex;
  readonly #socket: Pick<Socket, 'bytesWritten' | 'writableLength'>;
  readonly #close: (error: Error) => void;
  #username = '';
  #messages = 0;
  #bytes = 0;
  #isBehind = false;
  /** Whether publishers wait for it no longer. */
  #isLeft = false;
  #held: (() => void)[] = [];
  #patience: NodeJS.Timeout | null = null;
  #drain: NodeJS.Timeout | null = null;

  constructor(
    all: Unread,
    stream: Duplex,
    socket: Pick<Socket, 'bytesWritten' | 'writableLength'>,
    close: (error: Error) => void,
  ) {
    this.#all = all;
    this.#stream = stream;
    this.#socket = socket;
    this.#close = close;
  }

  /** Whether one more message may be written; it is counted where others wait before it. */
  admits(username: string, bytes: number): boolean {
    if (!this.#stream.writableNeedDrain) return true;
    this.behind();
    if (!this.#all.hasRoom(username, this.#messages, this.#bytes, bytes)) return false;
    this.#username = username;
    this.#messages += 1;
    this.#bytes += bytes;
    this.#all.count(username, bytes);
    return true;
  }

  /** Calls `done` when the publisher may go on. */
  written(done: () => void): void {
    const { heldBytes, heldMs } = this.#all.limits;
    if (!this.#stream.writableNeedDrain || this.#bytes < heldBytes || this.#isLeft) {
      done();
      return;
    }
    this.#held.push(done);
    this.#patience ??= setTimeout(() => {
      this.#isLeft = true;
      this.#release();
    }, heldMs).unref();
  }

  /** Its socket is full: it is closed if it takes nothing for too long. `taken`: called when it has taken all, or is closed. */
  behind(taken?: () => void): void {
    if (taken !== undefined) this.#stream.once('drain', taken);
    if (this.#isBehind) return;
    this.#isBehind = true;
    this.#stream.once('drain', () => this.#caughtUp());
    this.#watch(this.#taken());
  }

  #taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  #watch(before: number): void {
    this.#drain = setTimeout(() => {
      const now = this.#taken();
      if (now !== before) return this.#watch(now);
      this.#all.slowReader();
      this.#close(new Error('drain timeout'));
    }, this.#all.limits.drainTimeoutMs).unref();
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const done of held) done();
  }

  #caughtUp(): void {
    clearTimeout(this.#drain ?? undefined);
    clearTimeout(this.#patience ?? undefined);
    this.#patience = null;
    this.#all.count(this.#username, -this.#bytes);
    this.#bytes = 0;
    this.#messages = 0;
    this.#isBehind = false;
    this.#isLeft = false;
    this.#release();
  }
}
