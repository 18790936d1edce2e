/**
 * Publishes a message of which nothing has to be stored in the turn in which it came, and acknowledges it there. aedes waits a turn for
 * each PUBACK, and asks its persistence who is absent; what has to be stored goes that way. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, Client, PublishPacket } from 'aedes';
import { puback } from './fairness/wire.ts';
import type { BrokerConnection } from './session.ts';

type PublishSettled = (error?: Error | null) => void;

interface PublishingBroker {
  readonly id: string;
  counter: number;
  publish(packet: PublishPacket, client: unknown, done?: PublishSettled): void;
  readonly mq: { emit(message: object, done: PublishSettled): void };
}

export type PublishReceived = (
  connection: BrokerConnection,
  packet: PublishPacket,
  done: PublishSettled,
) => void;

/** Of messages of QoS 0 and 1. `isStored`: whether some stored session may read the topic. */
export function publishing(broker: Aedes, isStored: (topic: string) => boolean): PublishReceived {
  const its = broker as unknown as PublishingBroker;

  function publish(packet: PublishPacket, client: Client, done: PublishSettled): void {
    const { cmd, topic, payload, qos, retain, properties } = packet;
    if (retain || (qos > 0 && isStored(topic))) {
      its.publish(packet, client, done);
      return;
    }
    its.counter += 1;
    const message = {
      ...{ cmd, topic, payload, qos, retain, dup: false, messageId: undefined },
      ...{ clientId: client.id, brokerId: its.id, brokerCounter: its.counter },
      ...(properties === undefined ? {} : { properties }),
    };
    its.mq.emit(message, done);
  }

  return ({ client, outgoing }, packet, done) => {
    // aedes takes it for one that was answered already, and does no more with it.
    (packet as { _notAuthorized?: boolean })._notAuthorized = true;
    if (packet.qos === 0) return publish(packet, client, done);
    outgoing.add(puback, packet.messageId ?? 0);
    // Who does not read its acknowledgements makes no more of them.
    if (client.conn.writableNeedDrain) waitForDrain(client, () => publish(packet, client, done));
    else publish(packet, client, done);
  };
}

const waitForDrain = (client: Client, taken: () => void): void =>
  (client as unknown as { waitForDrain(taken: () => void): void }).waitForDrain(taken);
