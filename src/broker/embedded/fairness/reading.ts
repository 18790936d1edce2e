/**
 * What one connection is sent of the messages for it: as many as it takes at once, in the turn in which they came, and never so that a publisher waits
 * for somebody who does not read. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, AedesPublishPacket, Client } from 'aedes';
import { mqttRetainedMessageMs } from '../../../limits/mqtt.ts';
import { bytesKept } from '../retained.ts';
import { closeClient } from '../session.ts';
import {
  type Deliver,
  type DeliveredPacket,
  type Handler,
  quotaExceeded,
  type ReadingConnection,
} from './delivery.ts';
import type { FairTurns, Share } from './fair-turns.ts';
import type { Gathered } from './gathered.ts';
import type { UnreadOf } from './unread.ts';
import type { Window } from './window.ts';
import { publishOnWire } from './wire.ts';

interface ReadingClient {
  subscriptions: Readonly<Record<string, { readonly qos: QoS }>>;
  readonly connecting: boolean;
  readonly connected: boolean;
  readonly _wireVersion: 3 | 4 | 5;
  deliver0: Deliver;
  deliverQoS: Deliver;
  waitForDrain(taken: (error: Error | null) => void): void;
  disconnect(...given: unknown[]): void;
  _onError(error: unknown): void;
}

type QoS = AedesPublishPacket['qos'];

interface DeliveryOptions {
  readonly broker: Aedes;
  readonly turns: FairTurns;
  readonly shareOf: () => Share | null;
  readonly unread: UnreadOf;
  readonly window: Window;
  readonly outgoing: Gathered;
}

export function guardDelivery(client: Client, options: DeliveryOptions): void {
  const { broker, turns, shareOf, unread, window, outgoing } = options;
  const inside = client as unknown as ReadingClient;
  const reader: ReadingConnection = { client, shareOf, messageAt: 0, by: null, qos: 0 };
  inside.subscriptions = readBy(reader);
  inside.waitForDrain = (taken) => unread.behind(() => setImmediate(taken, null));
  const connection: DeliveringConnection = {
    ...{ client, reader, inside, broker, unread, window, outgoing, isThere: repeated() },
    username: () => shareOf()?.username ?? '',
    admits: (packet) =>
      unread.admits(connection.username(), client.conn.writableNeedDrain ? bytesKept(packet) : 0),
  };
  const deliver0 = unacknowledged(connection);
  const deliverQoS = acknowledged(connection, deliver0);
  client.conn.once('close', () => window.close());
  const replay: Deliver = (packet, done) => {
    // Each comes when the one before it is done: with whoever is gone they end.
    const share = shareOf();
    if (client.closed || share === null) return;
    turns.run(share, () => {
      turns.charge(share, mqttRetainedMessageMs);
      if (client.closed) return false;
      const taken = () =>
        client.conn.writableNeedDrain ? unread.behind(done) : setImmediate(done);
      if (packet.qos > 0) replayAcknowledged(connection, packet, taken);
      else deliver0(packet, taken);
      return false;
    });
  };
  const disconnect = inside.disconnect;
  inside.disconnect = (...given) => {
    outgoing.flush();
    disconnect.apply(inside, given);
  };
  inside.deliver0 = deliver0;
  // Of the retained messages only those that a SUBSCRIBE asked for are no broker's.
  inside.deliverQoS = (packet, done) =>
    (!packet.brokerId && packet.retain ? replay : deliverQoS)(packet, done);
}

interface DeliveringConnection {
  readonly client: Client;
  readonly reader: ReadingConnection;
  readonly inside: ReadingClient;
  readonly broker: Aedes;
  readonly unread: UnreadOf;
  readonly window: Window;
  readonly outgoing: Gathered;
  readonly username: () => string;
  readonly isThere: (packet: DeliveredPacket) => boolean;
  readonly admits: (packet: DeliveredPacket) => boolean;
}

/** Whether a message was the last one, too: no other can be there twice, since a reader gets one after the other. */
function repeated(): DeliveringConnection['isThere'] {
  let last = 0;
  return ({ brokerId, brokerCounter }) => {
    if (!brokerId) return false;
    const isRepeated = brokerCounter === last;
    last = brokerCounter;
    return isRepeated;
  };
}

/** What is sent of a message; null: nothing. */
function forwardedTo(
  { client, inside, broker }: DeliveringConnection,
  packet: DeliveredPacket,
): DeliveredPacket | null {
  if (client.closed || !(inside.connecting || inside.connected)) return null;
  if (packet.nl && packet.clientId === client.id) return null;
  return broker.authorizeForward(client, packet) || null;
}

/** aedes' persistence, where sessions are stored. */
const storeOf = (broker: Aedes) =>
  (
    broker as unknown as {
      readonly persistence: Record<
        'outgoingUpdate' | 'outgoingClearMessageId',
        (client: Client, packet: DeliveredPacket) => Promise<void>
      >;
    }
  ).persistence;

/** Writes a message in the turn in which it came, or was waited for, like those of QoS 0; false: it may not be sent. */
function write(
  connection: DeliveringConnection,
  packet: DeliveredPacket,
  messageId: number,
  qos: QoS,
): boolean {
  const { client, broker } = connection;
  const forwarded = forwardedTo(connection, packet);
  // Of a session that ends with its connection nothing is stored, nor of what a SUBSCRIBE asks for.
  const isStored = !client.clean && Boolean(packet.brokerId);
  if (forwarded === null) {
    if (isStored) void storeOf(broker).outgoingClearMessageId(client, packet);
    return false;
  }
  // [MQTT-3.8.4-8]: no more than the subscription's QoS.
  Object.assign(forwarded, { messageId, qos });
  if (isStored) void storeOf(broker).outgoingUpdate(client, forwarded);
  send(connection, forwarded, messageId);
  return true;
}

/** Sends a message when the connection takes one more; false: too many wait. */
function sendInWindow(
  connection: DeliveringConnection,
  packet: DeliveredPacket,
  qos: QoS,
  sent?: () => void,
): boolean {
  const { window } = connection;
  const id = window.open();
  if (id > 0) {
    if (!write(connection, packet, id, qos)) window.acknowledged(id);
    sent?.();
    return true;
  }
  // A payload is a piece of what the socket read, all of which it would hold.
  const kept = Object.assign(packet, { payload: copied(packet.payload) });
  return window.wait({
    username: connection.username(),
    bytes: bytesKept(packet),
    write: (later) => {
      const isSent = write(connection, kept, later, qos);
      sent?.();
      return isSent;
    },
  });
}

function copied(payload: Buffer | string): Buffer | string {
  if (typeof payload === 'string') return payload;
  const copy = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(copy);
  return copy;
}

/** Of the retained messages that a SUBSCRIBE asked for one waits at a time. */
function replayAcknowledged(
  connection: DeliveringConnection,
  packet: DeliveredPacket,
  taken: () => void,
): void {
  const qos = connection.inside.subscriptions[packet.topic]?.qos ?? packet.qos;
  if (!sendInWindow(connection, packet, Math.min(packet.qos, qos) as QoS, taken)) taken();
}

function send(
  { inside, outgoing }: DeliveringConnection,
  packet: DeliveredPacket,
  messageId: number,
): void {
  try {
    outgoing.add(publishOnWire(packet, inside._wireVersion), messageId);
  } catch (error) {
    inside._onError(new Error('a message could not be written', { cause: error }));
  }
}

const unacknowledged =
  (connection: DeliveringConnection): Deliver =>
  (packet, done) => {
    const forwarded = connection.isThere(packet) ? null : forwardedTo(connection, packet);
    if (forwarded === null || !connection.admits(forwarded)) return done();
    forwarded.qos = 0;
    send(connection, forwarded, 0);
    connection.unread.written(done);
  };

const acknowledged =
  (connection: DeliveringConnection, deliver0: Deliver): Deliver =>
  (packet, done) => {
    const { client, reader, unread, window, isThere, admits } = connection;
    if (packet.qos === 0) return deliver0(packet, done);
    if (client.closed || isThere(packet) || window.isOwed(packet.brokerCounter)) return done();
    const qos = Math.min(packet.qos, reader.qos) as QoS;
    if (!admits(packet) || !sendInWindow(connection, packet, qos)) {
      // What it was not sent is sent again, where its session is a stored one.
      closeClient(client, quotaExceeded);
      return done();
    }
    unread.written(done);
  };

/** The subscriptions of a connection, each of which knows whose it is. As with client ids: a filter may be called `constructor`. */
const readBy = (reader: ReadingConnection): ReadingClient['subscriptions'] =>
  new Proxy(Object.create(null), {
    set(filters, filter, subscription: { func: Handler; qos: number; nl?: boolean }) {
      const { func, qos, nl } = subscription;
      func.subscription = { reader, qos, nl: nl === true };
      filters[filter] = subscription;
      return true;
    },
  });
