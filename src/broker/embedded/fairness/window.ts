/**
 * What one connection was sent with QoS 1 or 2 and has not acknowledged: no more than it takes at once [MQTT-3.3.4-9], under ids none of which
 * is given twice [MQTT-2.2.1-4]. What is behind it waits, in order and in the bounds of what is unread.
 */
import { randomInt } from 'node:crypto';
import { mqttInFlightMax } from '../../../limits/mqtt.ts';
import { InOrder } from './fair-turns.ts';
import type { Unread } from './unread.ts';

const idMax = 65_535;

interface WaitingMessage {
  readonly username: string;
  readonly bytes: number;
  /** False: it is not sent any more. */
  readonly write: (id: number) => boolean;
}

/** A packet of a session that is resumed. */
interface OwedPacket {
  readonly cmd: string;
  readonly brokerCounter: number;
  messageId?: number | undefined;
}

/** What the store holds for a session that is resumed. */
export interface Owed<Packet extends OwedPacket = OwedPacket> {
  /** Those that were given. */
  ids(): Iterable<number>;
  /** Each once, in order, and with them what is stored while they are taken. */
  packets(): Iterable<Packet>;
  /** Whether a message is one of them. */
  has(brokerCounter: number): boolean;
  /** What is stored from now on is none of them. */
  end(): void;
}

export class Window {
  readonly #all: Unread;
  readonly #receiveMaximum: () => number | undefined;
  /** Given on this connection, and not acknowledged. */
  readonly #ids = new Set<number>();
  /** Given on one before it, of what this one was not sent yet, or has received already. */
  readonly #idsBefore = new Set<number>();
  readonly #waiting = new InOrder<WaitingMessage>();
  #lastId = randomInt(idMax) + 1;
  #bytes = 0;
  /** Until a stored session was sent what it is owed, what is newer waits. */
  #isResuming = false;
  #owed: Owed | null = null;
  /** Messages that were sent as owed, and may come by their subscription, too. */
  readonly #sentAsOwed = new Set<number>();
  #hasRoom: (() => void) | null = null;

  constructor(all: Unread, receiveMaximum: () => number | undefined) {
    this.#all = all;
    this.#receiveMaximum = receiveMaximum;
  }

  /** An id for a message that is sent now; 0: it has to wait. */
  open(): number {
    if (this.#isResuming || this.#waiting.size > 0 || this.#isFull()) return 0;
    return this.#sent(this.#freeId());
  }

  /** False: too much waits already. */
  wait(message: WaitingMessage): boolean {
    const { username, bytes } = message;
    if (!this.#all.hasRoom(username, this.#waiting.size, this.#bytes, bytes)) return false;
    this.#count(username, bytes);
    this.#waiting.add(message);
    return true;
  }

  /** Of an id that is not in use nothing becomes. */
  acknowledged(id: number): void {
    this.#idsBefore.delete(id);
    if (!this.#ids.delete(id)) return;
    this.#hasRoom?.();
    if (this.#waiting.size > 0) this.#goOn();
  }

  /** A stored session has this connection now, and no subscription yet. */
  resume(owed: Owed): void {
    this.#isResuming = true;
    this.#owed = owed;
    for (const id of owed.ids()) this.#idsBefore.add(id);
  }

  /** What a resumed session is owed, each when there is room for it, and under an id; null: it is no such session. */
  owed(): AsyncIterable<OwedPacket> | null {
    return this.#owed === null ? null : this.#taken(this.#owed);
  }

  async *#taken(owed: Owed): AsyncGenerator<OwedPacket> {
    for (const packet of owed.packets()) {
      const { cmd, messageId, brokerCounter } = packet;
      if (cmd === 'publish') {
        this.#sentAsOwed.add(brokerCounter);
        while (this.#isFull())
          await new Promise<void>((resolve) => {
            this.#hasRoom = resolve;
          });
        packet.messageId = this.#sent(messageId ?? this.#freeId());
      } else if (this.#ids.has(messageId ?? 0)) continue;
      yield packet;
    }
  }

  /** Whether a message that comes by a subscription is sent as one that is owed, or was. */
  isOwed(brokerCounter: number): boolean {
    if (this.#owed === null) return false;
    if (this.#sentAsOwed.delete(brokerCounter) || this.#owed.has(brokerCounter)) return true;
    // Its queue was full: what comes behind it must not be sent before it.
    if (this.#isResuming) this.#owed.end();
    return false;
  }

  /** All that is owed was written. */
  resumed(): void {
    this.#isResuming = false;
    this.#goOn();
  }

  /** Nothing that was sent as owed comes any more. */
  forgetOwed(): void {
    this.#owed = null;
    this.#sentAsOwed.clear();
  }

  /** The connection is closed. */
  close(): void {
    for (let next = this.#waiting.take(); next !== undefined; next = this.#waiting.take())
      this.#count(next.username, -next.bytes);
  }

  #isFull(): boolean {
    return this.#ids.size >= Math.min(this.#receiveMaximum() ?? idMax, mqttInFlightMax);
  }

  #freeId(): number {
    do this.#lastId = this.#lastId >= idMax ? 1 : this.#lastId + 1;
    while (this.#ids.has(this.#lastId) || this.#idsBefore.has(this.#lastId));
    return this.#lastId;
  }

  #sent(id: number): number {
    this.#idsBefore.delete(id);
    this.#ids.add(id);
    return id;
  }

  #goOn(): void {
    while (!this.#isResuming && this.#waiting.size > 0 && !this.#isFull()) {
      const { username, bytes, write } = this.#waiting.take() as WaitingMessage;
      this.#count(username, -bytes);
      const id = this.#sent(this.#freeId());
      if (!write(id)) this.#ids.delete(id);
    }
  }

  #count(username: string, bytes: number): void {
    this.#bytes += bytes;
    this.#all.count(username, bytes);
  }
}
