/**
 * Messages that sessions have not acknowledged, in order and in bounded memory. A full queue drops the
 * newest: a connected session gets it, but it is not sent again.
 */
import type { MqttLimit } from '../ports/embedded.ts';
import type { Owed } from './fairness/window.ts';
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

/** With its place in the order in which all were added. */
type QueuedPacket = Packet & { readonly place: number };

export interface QueueLimits {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly queuedBytesPerUser: number;
  readonly queuedBytesTotal: number;
}

/** One session's, also found by the message id they were sent with. */
interface Queue {
  readonly owner: string;
  readonly packets: Map<number, QueuedPacket>;
  readonly counterOfId: Map<number, number>;
  bytes: number;
}

export class Queues {
  readonly #limits: QueueLimits;
  readonly #reached: (limit: MqttLimit) => void;
  readonly #queues = new Map<string, Queue>();
  /** By username; who has none is not in it. */
  readonly #bytesOf = new Map<string, number>();
  #lastPlace = 0;
  #messages = 0;
  #bytes = 0;

  constructor(limits: QueueLimits, reached: (limit: MqttLimit) => void) {
    this.#limits = limits;
    this.#reached = reached;
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

  /** Adds a message for a session of this user, and keeps it; one that no limit allows is dropped. */
  add(clientId: string, owner: string, packet: Packet): void {
    const bytes = bytesKept(packet);
    let queue = this.#queues.get(clientId);
    if (queue?.packets.has(packet.brokerCounter)) return;
    const limit = this.#limitFor(queue, owner, bytes);
    if (limit !== null) {
      this.#reached(limit);
      return;
    }
    if (queue === undefined) {
      queue = { owner, packets: new Map(), counterOfId: new Map(), bytes: 0 };
      this.#queues.set(clientId, queue);
    }
    this.#lastPlace += 1;
    queue.packets.set(packet.brokerCounter, Object.assign(packet, { place: this.#lastPlace }));
    this.#messages += 1;
    this.#count(queue, bytes);
  }

  /** The limit that so many bytes more would go beyond. */
  #limitFor(queue: Queue | undefined, owner: string, bytes: number): MqttLimit | null {
    const { queuedBytesTotal, queuedBytesPerUser, queuedMessages, queuedBytes } = this.#limits;
    if (queue && (queue.packets.size >= queuedMessages || queue.bytes + bytes > queuedBytes))
      return 'queue-per-session';
    if ((this.#bytesOf.get(owner) ?? 0) + bytes > queuedBytesPerUser) return 'queue-per-user';
    return this.#bytes + bytes > queuedBytesTotal ? 'queue' : null;
  }

  #count(queue: Queue, bytes: number): void {
    queue.bytes += bytes;
    this.#bytes += bytes;
    const left = (this.#bytesOf.get(queue.owner) ?? 0) + bytes;
    if (left === 0) this.#bytesOf.delete(queue.owner);
    else this.#bytesOf.set(queue.owner, left);
  }

  #drop(queue: Queue, counter: number): Packet | undefined {
    const packet = queue.packets.get(counter);
    if (packet === undefined) return undefined;
    queue.packets.delete(counter);
    if (packet.messageId !== undefined && queue.counterOfId.get(packet.messageId) === counter)
      queue.counterOfId.delete(packet.messageId);
    this.#messages -= 1;
    this.#count(queue, -bytesKept(packet));
    return packet;
  }

  /** Stores the message id that a message is sent with, or replaces the message by its PUBREL. */
  update(clientId: string, packet: Packet): void {
    const queue = this.#queues.get(clientId);
    if (queue === undefined || packet.messageId === undefined) return;
    if (packet.cmd === 'publish') {
      const held = queue.packets.get(packet.brokerCounter);
      if (held === undefined) return;
      // [MQTT-4.3.3-1]: it was received meanwhile, and is never sent again.
      if (held.cmd !== 'publish') {
        Object.assign(packet, { cmd: held.cmd, dup: false, properties: undefined });
        return;
      }
      held.messageId = packet.messageId;
      // [MQTT-3.8.4-8]: no more than the subscription's QoS.
      packet.qos = held.qos;
      queue.counterOfId.set(packet.messageId, packet.brokerCounter);
      return;
    }
    const counter = queue.counterOfId.get(packet.messageId);
    if (counter === undefined || this.#drop(queue, counter) === undefined) return;
    this.add(clientId, queue.owner, { ...packet, topic: '', payload: '', brokerCounter: counter });
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
  owed(clientId: string): Owed<Packet> {
    const queues = this.#queues;
    const packetsNow = () => queues.get(clientId)?.packets;
    let last = 0;
    let end = Number.POSITIVE_INFINITY;
    function* packets(): Generator<Packet> {
      // A queue that ran empty meanwhile is another one then.
      for (let before = -1; before < last; ) {
        before = last;
        for (const packet of packetsNow()?.values() ?? []) {
          if (packet.place > end) break;
          if (packet.place <= last) continue;
          last = packet.place;
          yield toBeSent(packet);
        }
      }
      end = last;
    }
    return {
      ids: () => queues.get(clientId)?.counterOfId.keys() ?? [],
      packets,
      has(brokerCounter) {
        const place = packetsNow()?.get(brokerCounter)?.place;
        return place !== undefined && place <= end;
      },
      end: () => {
        end = Math.min(end, this.#lastPlace);
      },
    };
  }

  forget(clientId: string): void {
    const queue = this.#queues.get(clientId);
    if (queue === undefined) return;
    this.#messages -= queue.packets.size;
    this.#count(queue, -queue.bytes);
    this.#queues.delete(clientId);
  }
}

function toBeSent({ place: _, ...packet }: QueuedPacket): Packet {
  return {
    ...packet,
    dup: packet.cmd === 'publish' && packet.messageId !== undefined,
    ...(packet.properties === undefined ? {} : { properties: { ...packet.properties } }),
  };
}
