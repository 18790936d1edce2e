/**
 * Publishes a message of which nothing has to be stored in the turn in which it came, and acknowledges it there. aedes waits a turn for
 * each PUBACK, and asks its persistence who is absent; what has to be stored goes that way. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, Client, PublishPacket } from 'aedes';
import { puback } from './fairness/wire.ts';
import type { ServedConnection } from './session.ts';

type PublishSettled = (error?: Error | null) => void;

interface PublishingBroker {
  readonly id: string;
  counter: number;
  publish(packet: PublishPacket, client: unknown, done?: PublishSettled): void;
  readonly mq: { emit(message: object, done: PublishSettled): void };
}

export type PublishReceived = (
  connection: ServedConnection,
  packet: PublishPacket,
  done: PublishSettled,
) => void;

/** Messages of one connection that wait for the one before them, oldest first. */
type MessagesBehind = [packet: PublishPacket, done: PublishSettled][];

/**
 * Of messages of QoS 0 and 1, in the order in which they came [MQTT-4.6.0-6]: while one takes longer, the ones behind it wait. There
 * are as many as a connection may have under way. `isStored`: whether some stored session may read the topic.
 */
export function publishing(broker: Aedes, isStored: (topic: string) => boolean): PublishReceived {
  const its = broker as unknown as PublishingBroker;
  /** Of connections with a message that takes longer. */
  const lines = new WeakMap<Client, MessagesBehind>();

  const isQuick = ({ topic, qos, retain }: PublishPacket, { conn }: Client): boolean =>
    !retain && (qos === 0 || (!conn.writableNeedDrain && !isStored(topic)));

  function quickly(packet: PublishPacket, client: Client, done: PublishSettled): void {
    const { cmd, topic, payload, qos, retain, properties } = packet;
    its.counter += 1;
    const message = {
      ...{ cmd, topic, payload, qos, retain, dup: false, messageId: undefined },
      ...{ clientId: client.id, brokerId: its.id, brokerCounter: its.counter },
      ...(properties === undefined ? {} : { properties }),
    };
    its.mq.emit(message, done);
  }

  function slowly(packet: PublishPacket, client: Client, done: PublishSettled): void {
    const publish = () =>
      its.publish(packet, client, (error) => {
        done(error);
        goOn(client);
      });
    // Who does not read its acknowledgements makes no more of them.
    if (packet.qos > 0 && client.conn.writableNeedDrain) waitForDrain(client, publish);
    else publish();
  }

  function goOn(client: Client): void {
    const line = lines.get(client);
    for (let next = line?.shift(); next !== undefined; next = line?.shift()) {
      const [packet, done] = next;
      if (!isQuick(packet, client)) {
        slowly(packet, client, done);
        return;
      }
      quickly(packet, client, done);
    }
    lines.delete(client);
  }

  return ({ client, outgoing }, packet, done) => {
    // aedes takes it for one that was answered already, and does no more with it.
    (packet as { _notAuthorized?: boolean })._notAuthorized = true;
    if (packet.qos > 0) outgoing.add(puback, packet.messageId ?? 0);
    const line = lines.get(client);
    if (line !== undefined) line.push([packet, done]);
    else if (isQuick(packet, client)) quickly(packet, client, done);
    else {
      lines.set(client, []);
      slowly(packet, client, done);
    }
  };
}

const waitForDrain = (client: Client, taken: () => void): void =>
  (client as unknown as { waitForDrain(taken: () => void): void }).waitForDrain(taken);
