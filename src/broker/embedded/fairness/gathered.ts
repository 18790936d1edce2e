/**
 * The packets that one connection is sent in one turn of the event loop, written to its socket at once and as one piece. aedes closes a
 * connection no sooner than in a turn after its last write, so that nothing of it is lost; before a DISCONNECT it is flushed.
 */
import type { Writable } from 'node:stream';
import { mqttGatheredBytes } from '../../../limits/mqtt.ts';
import type { WirePacket } from './wire.ts';

export class Gathered {
  readonly #stream: Writable;
  #packets: WirePacket[] = [];
  #ids: number[] = [];
  #bytes = 0;
  #isDue = false;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** `id`: its packet id; for a packet that has none any number. */
  add(packet: WirePacket, id: number): void {
    if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(this.#inTime);
    }
    this.#packets.push(packet);
    this.#ids.push(id);
    this.#bytes += packet.head.length;
    if (packet.body !== null) this.#flushWith(packet.body);
    // What the stream does not know of it cannot count as unread.
    else if (this.#bytes >= mqttGatheredBytes) this.flush();
  }

  flush(): void {
    const [first] = this.#packets;
    if (first === undefined) return;
    this.#stream.write(
      this.#packets.length === 1 && first.idAt === 0 ? first.head : this.#joined(),
    );
    this.#packets = [];
    this.#ids = [];
    this.#bytes = 0;
  }

  readonly #inTime = (): void => {
    this.#isDue = false;
    this.flush();
  };

  #flushWith(body: Buffer): void {
    this.#stream.cork();
    this.flush();
    this.#stream.write(body);
    this.#stream.uncork();
  }

  #joined(): Buffer {
    const joined = Buffer.allocUnsafe(this.#bytes);
    let at = 0;
    for (const [index, { head, idAt }] of this.#packets.entries()) {
      joined.set(head, at);
      if (idAt > 0) {
        const id = this.#ids[index] ?? 0;
        joined[at + idAt] = id >> 8;
        joined[at + idAt + 1] = id & 0xff;
      }
      at += head.length;
    }
    return joined;
  }
}
