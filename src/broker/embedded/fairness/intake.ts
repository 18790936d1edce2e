/**
 * Reads the packets of an admitted connection in its user's turns, a little at a time: who sends more than its share is not read
 * meanwhile, so that TCP holds it back and nothing is lost. Until the CONNACK aedes reads by itself. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Client } from 'aedes';
import { mqttReadBytes, mqttReplayBytes } from '../../../limits/mqtt.ts';
import { closeClient } from '../session.ts';
import { quotaExceeded } from './delivery.ts';
import { type FairTurns, InOrder, type Share } from './fair-turns.ts';
import type { Unread } from './unread.ts';

export interface IntakeLimits {
  /** Packets of one connection that are under way, and their bytes; the next waits. */
  readonly underWay: number;
  readonly underWayBytes: number;
  /** Milliseconds that a change of its subscriptions waits for a packet of it. */
  readonly drainTimeoutMs: number;
}

interface IntakePacket {
  readonly cmd: string;
  readonly length?: number;
}
type Handle = (packet: IntakePacket) => void;
type Ended = () => void;

interface ReadClient {
  readonly connackSent: boolean;
  readonly closed: boolean;
  readonly _paused?: boolean;
  readonly _rejectingPacketTooLarge: boolean;
  readonly _parser: {
    readonly packet: { readonly length?: number } | null;
    /** What came before the CONNACK. */
    _queue: readonly IntakePacket[] | null;
    parse(piece: Buffer): number;
  };
  readonly broker: { readonly maximumPacketSize: number };
  _nextBatch(error?: Error | null): void;
  rejectPacketTooLarge(bytes: number): void;
}

/** Bytes of a packet with its fixed header [MQTT-2.2.3]. */
const wireBytes = (length: number): number =>
  length + (length < 128 ? 2 : length < 16_384 ? 3 : length < 2_097_152 ? 4 : 5);

/** Of what the client was sent: nothing waits for it to be in turn, and a SUBSCRIBE's retained messages may wait for it. */
const acknowledges = (cmd: string): boolean =>
  cmd === 'puback' || cmd === 'pubrec' || cmd === 'pubcomp';

const changesSubscriptions = (cmd: string): boolean => cmd === 'subscribe' || cmd === 'unsubscribe';

/** Of one connection. */
export class Intake {
  readonly #client: Client;
  readonly #inside: ReadClient;
  readonly #turns: FairTurns;
  readonly #shareOf: () => Share | null;
  readonly #limits: IntakeLimits;
  readonly #unread: Unread;
  readonly #ownNext: (error?: Error | null) => void;
  readonly #waiting = new InOrder<readonly [packet: IntakePacket, handle: Handle]>();
  #waitingBytes = 0;
  #isAtWork = false;
  #isStalled = false;
  #underWay = 0;
  #underWayBytes = 0;
  /** SUBSCRIBEs and UNSUBSCRIBEs that aedes has not done: it would let the next one overtake them. */
  #changing = 0;
  /** Changes of its subscriptions that no packet asks for, and that wait for one that does; each begins when it is called. */
  readonly #changes = new InOrder<() => void>();
  /** SUBSCRIBEs whose retained messages may still come: the next one waits, as long as there is room for what comes behind it. */
  #replaying = 0;
  /** Handles what came before the CONNACK. */
  #handleEarly: Handle | null = null;
  /** Whether nothing more comes. */
  #isEnded = false;
  /** Whether it is closed, or about to be. */
  #isOver = false;

  constructor(
    client: Client,
    options: {
      readonly turns: FairTurns;
      readonly shareOf: () => Share | null;
      readonly limits: IntakeLimits;
      readonly unread: Unread;
    },
  ) {
    this.#client = client;
    this.#inside = client as unknown as ReadClient;
    this.#turns = options.turns;
    this.#shareOf = options.shareOf;
    this.#limits = options.limits;
    this.#unread = options.unread;
    this.#ownNext = this.#inside._nextBatch;
    this.#inside._nextBatch = this.#next;
    client.conn.removeListener('readable', this.#ownNext);
    client.conn.on('readable', () => this.#next());
    client.removeAllListeners('connected');
    client.once('connected', () => this.#next());
    client.conn.once('close', () => {
      this.#isOver = true;
      // Of who is gone they end without a word.
      this.#countReplays(-this.#replaying);
      for (let next = this.#changes.take(); next; next = this.#changes.take()) next();
    });
    this.#endLast(client.conn.listeners('end').at(-1) as Ended | undefined);
  }

  /** In the place of aedes' own listener: whoever has sent all is closed once all of it was handled. */
  #endLast(own: Ended | undefined): void {
    const { conn } = this.#client;
    if (own !== undefined) conn.off('end', own);
    conn.allowHalfOpen = true;
    conn.on('end', () => {
      this.#isEnded = true;
      this.#closeWhereAllIsHandled();
      // Nothing acknowledges any more what a SUBSCRIBE waits for.
      if (this.#waiting.size > 0) this.#wake();
    });
  }

  #closeWhereAllIsHandled(): void {
    if (this.#isEnded && this.#waiting.size === 0) this.#client.close();
  }

  /** In the place of aedes' own listener for packets: `handle` is that one. */
  take(packet: IntakePacket, handle: Handle): void {
    // [MQTT-3.14.4-2]: behind a DISCONNECT nothing is handled.
    if (this.#client.conn.destroyed) return;
    if (!this.#inside.connackSent) {
      this.#handleEarly = handle;
      handle(packet);
    } else if (this.#waiting.size === 0 && !this.#turns.isOver() && this.#mayHandle(packet))
      this.#handle(packet, handle);
    else if (acknowledges(packet.cmd)) this.#handle(packet, handle);
    else this.#wait(packet, handle);
  }

  /** In the place of aedes' own listener, which hands over all of it at once. */
  #takeEarly(handle: Handle): void {
    const { _parser: parser } = this.#inside;
    this.#handleEarly = null;
    for (const packet of parser._queue ?? []) this.#wait(packet, handle);
    parser._queue = null;
  }

  #wait(packet: IntakePacket, handle: Handle): void {
    this.#waiting.add([packet, handle]);
    this.#waitingBytes += packet.length ?? 0;
  }

  /** Retained messages are sent for a SUBSCRIBE, until the function is called that it returns. */
  replaying(): () => void {
    if (!this.#client.conn.closed) this.#countReplays(1);
    return this.#replayed;
  }

  /**
   * Changes its subscriptions while no packet does, and before any that is not begun; settles with the change. Who keeps it waiting
   * is closed: a SUBACK may be written to somebody who reads a byte now and then.
   */
  changed(change: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let patience: NodeJS.Timeout | undefined;
      const begin = () => {
        clearTimeout(patience);
        this.#changing += 1;
        change()
          .then(resolve, reject)
          .finally(() => this.#changeEnded());
      };
      const { conn } = this.#client;
      if (this.#changing === 0 || conn.closed) return begin();
      this.#changes.add(begin);
      patience = setTimeout(() => void conn.destroy(), this.#limits.drainTimeoutMs).unref();
    });
  }

  #changeEnded(): void {
    this.#changing -= 1;
    const next = this.#changes.take();
    if (next !== undefined) next();
    else if (this.#isStalled) this.#goOnWhereHalfEmpty();
    else if (this.#waiting.size > 0) this.#wake();
  }

  #countReplays(by: number): void {
    const before = this.#besideOne();
    this.#replaying += by;
    const more = (this.#besideOne() - before) * mqttReplayBytes;
    if (more !== 0) this.#unread.count(this.#shareOf()?.username ?? '', more);
  }

  /** One of each connection counts for nothing: a plant that comes back has many, none of them for long. */
  #besideOne(): number {
    return Math.max(0, this.#replaying - 1);
  }

  readonly #replayed = (): void => {
    if (this.#replaying === 0) return;
    this.#countReplays(-1);
    if (this.#replaying === 0 && this.#waiting.size > 0) this.#wake();
  };

  readonly #next = (error?: Error | null): void => {
    if (error || !this.#inside.connackSent) this.#ownNext(error);
    else {
      if (this.#handleEarly !== null) this.#takeEarly(this.#handleEarly);
      this.#wake();
    }
  };

  #isFull(): boolean {
    const { underWay, underWayBytes } = this.#limits;
    return this.#underWay >= underWay || this.#underWayBytes >= underWayBytes;
  }

  #mayHandle({ cmd }: IntakePacket): boolean {
    if (this.#isFull()) return false;
    if (!changesSubscriptions(cmd)) return true;
    if (this.#changing > 0) return false;
    if (cmd === 'unsubscribe' || this.#replaying === 0 || this.#isEnded) return true;
    return !this.#hasRoom() && this.#mayReplayMore();
  }

  /** Whether the retained messages of one more SUBSCRIBE may wait beside those of others. */
  #mayReplayMore(): boolean {
    const username = this.#shareOf()?.username ?? '';
    return this.#unread.hasRoom(username, 0, this.#besideOne() * mqttReplayBytes, mqttReplayBytes);
  }

  /** For what waits behind a SUBSCRIBE. */
  #hasRoom(): boolean {
    const { underWay, underWayBytes } = this.#limits;
    return this.#waiting.size < underWay && this.#waitingBytes < underWayBytes;
  }

  #handle(packet: IntakePacket, handle: Handle): void {
    const bytes = packet.length ?? 0;
    const isChange = changesSubscriptions(packet.cmd);
    if (isChange) this.#changing += 1;
    this.#underWay += 1;
    this.#underWayBytes += bytes;
    // aedes takes it from there when it begins with a packet.
    this.#inside._nextBatch = (error) => {
      this.#underWay -= 1;
      this.#underWayBytes -= bytes;
      if (error) this.#client.emit('error', error);
      if (isChange) this.#changeEnded();
      else if (this.#isStalled) this.#goOnWhereHalfEmpty();
    };
    try {
      handle(packet);
    } finally {
      this.#inside._nextBatch = this.#next;
    }
  }

  #goOnWhereHalfEmpty(): void {
    const { underWay, underWayBytes } = this.#limits;
    if (this.#underWay * 2 <= underWay && this.#underWayBytes * 2 <= underWayBytes) this.#wake();
  }

  #handleFirst(): void {
    const first = this.#waiting.take();
    if (first === undefined) return;
    this.#waitingBytes -= first[0].length ?? 0;
    this.#handle(...first);
  }

  /** While a SUBSCRIBE waits for retained messages, and they perhaps for acknowledgements that come behind it. */
  #readsOn(): boolean {
    return this.#changing === 0 && this.#hasRoom();
  }

  /** False where nothing more came, or what came has to wait for something else than the user's turn. */
  #goOn(): boolean {
    const { first } = this.#waiting;
    this.#isStalled = this.#isFull();
    if (this.#isStalled) return false;
    if (first !== undefined && this.#mayHandle(first[0])) {
      this.#handleFirst();
      return true;
    }
    if (first !== undefined && !this.#readsOn()) {
      if (this.#changing === 0) this.#giveUp();
      return false;
    }
    const { conn } = this.#client;
    const inside = this.#inside;
    const piece: Buffer | null = conn.read(
      Math.min(mqttReadBytes, conn.readableLength) || undefined,
    );
    if (piece === null) return false;
    inside._parser.parse(piece);
    const bytes = wireBytes(inside._parser.packet?.length ?? 0);
    if (inside.broker.maximumPacketSize > 0 && bytes > inside.broker.maximumPacketSize)
      inside.rejectPacketTooLarge(bytes);
    return true;
  }

  /** What would let it go on may come only behind more than is kept for it. */
  #giveUp(): void {
    this.#isOver = true;
    closeClient(this.#client, quotaExceeded);
  }

  readonly #work = (): boolean => {
    const inside = this.#inside;
    const { conn } = this.#client;
    try {
      while (
        !conn.destroyed &&
        !inside.closed &&
        !inside._paused &&
        !inside._rejectingPacketTooLarge
      ) {
        if (!this.#goOn()) break;
        if (this.#turns.isOver()) return true;
      }
    } catch (error) {
      this.#client.emit('error', error);
    }
    this.#isAtWork = false;
    this.#closeWhereAllIsHandled();
    return false;
  };

  #wake(): void {
    if (this.#isAtWork || this.#isOver || this.#inside.closed || this.#inside._paused) return;
    const share = this.#shareOf();
    if (share === null) return;
    this.#isAtWork = true;
    this.#turns.run(share, this.#work);
  }
}
