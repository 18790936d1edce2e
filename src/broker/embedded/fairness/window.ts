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
export interface OwedPacket {
  readonly cmd: string;
  messageId?: number | undefined;
}

export class Window {
  readonly #all: Unread;
  readonly #receiveMaximum: () => number | undefined;
  /** Given and not acknowledged. */
  readonly #ids = new Set<number>();
  readonly #waiting = new InOrder<WaitingMessage>();
  #lastId = randomInt(idMax) + 1;
  #inFlight = 0;
  #bytes = 0;
  /** While a stored session is sent what it is owed, what is newer waits. */
  #isResuming = false;
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
    if (!this.#ids.delete(id)) return;
    if (this.#inFlight > 0) this.#inFlight -= 1;
    this.#hasRoom?.();
    if (this.#waiting.size > 0) this.#goOn();
  }

  /** What a resumed session is owed, each when there is room for it, and under an id. */
  async *resumed<Packet extends OwedPacket>(owed: readonly Packet[]): AsyncGenerator<Packet> {
    this.#isResuming = true;
    for (const { messageId } of owed) if (messageId !== undefined) this.#ids.add(messageId);
    for (const packet of owed) {
      if (packet.cmd === 'publish') {
        while (this.#isFull())
          await new Promise<void>((resolve) => {
            this.#hasRoom = resolve;
          });
        packet.messageId = this.#sent(packet.messageId ?? this.#freeId());
      }
      yield packet;
    }
    this.#isResuming = false;
    this.#goOn();
  }

  /** The connection is closed. */
  close(): void {
    for (let next = this.#waiting.take(); next !== undefined; next = this.#waiting.take())
      this.#count(next.username, -next.bytes);
  }

  #isFull(): boolean {
    return this.#inFlight >= Math.min(this.#receiveMaximum() ?? idMax, mqttInFlightMax);
  }

  #freeId(): number {
    do this.#lastId = this.#lastId >= idMax ? 1 : this.#lastId + 1;
    while (this.#ids.has(this.#lastId));
    return this.#lastId;
  }

  #sent(id: number): number {
    this.#ids.add(id);
    this.#inFlight += 1;
    return id;
  }

  #goOn(): void {
    while (!this.#isResuming && this.#waiting.size > 0 && !this.#isFull()) {
      const { username, bytes, write } = this.#waiting.take() as WaitingMessage;
      this.#count(username, -bytes);
      const id = this.#sent(this.#freeId());
      if (write(id)) continue;
      this.#ids.delete(id);
      this.#inFlight -= 1;
    }
  }

  #count(username: string, bytes: number): void {
    this.#bytes += bytes;
    this.#all.count(username, bytes);
  }
}
