/**
 * Acknowledges a message in the turn in which it came, and publishes it there where nothing of it has to be stored. aedes waits a turn for
 * each PUBACK and PUBREC, and asks its persistence who is absent; what has to be stored goes that way. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, Client, PublishPacket } from 'aedes';
import { puback, pubrec } from './fairness/wire.ts';
import type { Memory } from './memory.ts';
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
 * In the order in which they came [MQTT-4.6.0-6]: while one takes longer, the ones behind it wait. There are as many as a connection
 * may have under way.
 */
export function publishing(
  broker: Aedes,
  { isStored, received }: Pick<Memory, 'isStored' | 'received'>,
): PublishReceived {
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
    if (packet.qos > 0) onceRead(client, publish);
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

  return (connection, packet, done) => {
    const { client } = connection;
    // aedes is told so by its persistence, and closes the connection.
    if (packet.qos === 2 && !received(client.id, packet.messageId)) return done();
    acknowledge(connection, packet);
    const line = lines.get(client);
    if (line !== undefined) line.push([packet, done]);
    else if (isQuick(packet, client)) quickly(packet, client, done);
    else {
      lines.set(client, []);
      slowly(packet, client, done);
    }
  };
}

/**
 * In the turn in which the PUBLISH came: acknowledgements come in the order of what they acknowledge [MQTT-4.6.0-2, -3].
 * aedes takes it for one that was answered already, and does no more with it than to answer a PUBREL.
 */
function acknowledge({ outgoing }: ServedConnection, packet: PublishPacket): void {
  (packet as { _notAuthorized?: boolean })._notAuthorized = true;
  const { qos, messageId = 0 } = packet;
  if (qos > 0) outgoing.add(qos === 1 ? puback : pubrec, messageId);
}

/**
 * As if it had been published: where it was before [MQTT-4.3.3-10], and of MQTT 3, which can refuse a message only by closing the connection.
 */
export function acknowledgeUnpublished(
  connection: ServedConnection,
  packet: PublishPacket,
  done: () => void,
): void {
  acknowledge(connection, packet);
  onceRead(connection.client, done);
}

/** Who does not read its acknowledgements makes no more of them. */
function onceRead(client: Client, taken: () => void): void {
  if (client.conn.writableNeedDrain)
    (client as unknown as { waitForDrain(taken: () => void): void }).waitForDrain(() => taken());
  else taken();
}
