/**
 * Messages that sessions have not acknowledged, in order and in bounded memory. A full queue drops the
 * newest: a connected session gets it, but it is not sent again.
 */
import { Readable } from 'node:stream';
import { bytesKept, type KeptMessage } from './retained.ts';

/** A packet as aedes hands it over: a PUBLISH, or the PUBREL that took its place. */
export interface Packet extends KeptMessage {
  readonly cmd: string;
  readonly brokerCounter: number;
  readonly retain: boolean;
  qos: number;
  dup: boolean;
  messageId?: number | undefined;
}

export interface QueueLimits {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly queuedBytesTotal: number;
}

/** One session's, also found by the message id they were sent with. */
interface Queue {
  readonly packets: Map<number, Packet>;
  readonly counterOfId: Map<number, number>;
  bytes: number;
}

export class Queues {
  readonly #limits: QueueLimits;
  readonly #queues = new Map<string, Queue>();
  #messages = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#queues.size;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(clientId: string, packet: Packet): void {
    const { queuedBytesTotal, queuedMessages, queuedBytes } = this.#limits;
    const bytes = bytesKept(packet);
    let queue = this.#queues.get(clientId);
    const full =
      this.#bytes + bytes > queuedBytesTotal ||
      (queue !== undefined &&
        (queue.packets.size >= queuedMessages || queue.bytes + bytes > queuedBytes));
    if (full) return;
    if (queue === undefined) {
      queue = { packets: new Map(), counterOfId: new Map(), bytes: 0 };
      this.#queues.set(clientId, queue);
    }
    if (queue.packets.has(packet.brokerCounter)) return;
    queue.packets.set(packet.brokerCounter, packet);
    queue.bytes += bytes;
    this.#bytes += bytes;
    this.#messages += 1;
  }

  #drop(queue: Queue, counter: number): Packet | undefined {
    const packet = queue.packets.get(counter);
    if (packet === undefined) return undefined;
    queue.packets.delete(counter);
    if (packet.messageId !== undefined && queue.counterOfId.get(packet.messageId) === counter)
      queue.counterOfId.delete(packet.messageId);
    const bytes = bytesKept(packet);
    queue.bytes -= bytes;
    this.#bytes -= bytes;
    this.#messages -= 1;
    return packet;
  }

  /** Stores the message id that a message is sent with, or replaces the message by its PUBREL. */
  update(clientId: string, packet: Packet): void {
    const queue = this.#queues.get(clientId);
    if (queue === undefined || packet.messageId === undefined) return;
    if (packet.cmd === 'publish') {
      const held = queue.packets.get(packet.brokerCounter);
      if (held === undefined) return;
      held.messageId = packet.messageId;
      // [MQTT-3.8.4-8]: no more than the subscription's QoS.
      packet.qos = held.qos;
      queue.counterOfId.set(packet.messageId, packet.brokerCounter);
      return;
    }
    const counter = queue.counterOfId.get(packet.messageId);
    if (counter === undefined || this.#drop(queue, counter) === undefined) return;
    this.add(clientId, { ...packet, topic: '', payload: '', brokerCounter: counter });
    queue.counterOfId.set(packet.messageId, counter);
  }

  acknowledged(clientId: string, { messageId, brokerCounter }: Packet): void {
    const queue = this.#queues.get(clientId);
    if (queue === undefined) return;
    const counter = messageId === undefined ? brokerCounter : queue.counterOfId.get(messageId);
    if (counter !== undefined) this.#drop(queue, counter);
    if (queue.packets.size === 0) this.#queues.delete(clientId);
  }

  /** What is to be sent to a session that is resumed; what was sent before has DUP set [MQTT-3.3.1-1]. */
  owed(clientId: string): Readable {
    const packets = [...(this.#queues.get(clientId)?.packets.values() ?? [])];
    return Readable.from(
      packets.map((packet) => ({
        ...packet,
        dup: packet.cmd === 'publish' && packet.messageId !== undefined,
        ...(packet.properties === undefined ? {} : { properties: { ...packet.properties } }),
      })),
    );
  }

  forget(clientId: string): void {
    const queue = this.#queues.get(clientId);
    if (queue === undefined) return;
    this.#bytes -= queue.bytes;
    this.#messages -= queue.packets.size;
    this.#queues.delete(clientId);
  }
}
