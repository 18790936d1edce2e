/**
 * Brings messages to their readers: each message once to each connection, in the turn of the reader's user, and never so that a
 * publisher waits for somebody who does not read. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, AedesPublishPacket, Client } from 'aedes';
import { mqttRetainedMessageMs } from '../../../limits/mqtt.ts';
import type { MqttLimit } from '../../ports/embedded.ts';
import { bytesKept } from '../retained.ts';
import { closeClient } from '../session.ts';
import type { FairTurns, Share } from './fair-turns.ts';
import type { Gathered } from './gathered.ts';
import type { UnreadOf } from './unread.ts';
import type { Window } from './window.ts';
import { publishOnWire } from './wire.ts';

type Delivered = () => void;
type DeliveredPacket = AedesPublishPacket & { readonly clientId?: string; readonly nl?: boolean };
type Deliver = (packet: DeliveredPacket, done: Delivered) => void;

/** What aedes calls for a message that matches a subscription; its own listeners have no subscription. */
type Handler = ((message: AedesPublishPacket, done: Delivered) => void) & {
  subscription?: { readonly reader: ReadingConnection; readonly qos: number; readonly nl: boolean };
};

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

/** One connection as it is delivered to. */
interface ReadingConnection {
  readonly client: Client;
  readonly shareOf: () => Share | null;
  /** The message that is under way, and what it comes by. */
  messageAt: number;
  by: Handler | null;
  /** Of the subscription by which a message is delivered now. */
  qos: number;
}

/** MQTT 5, 2.4: quota exceeded. */
const quotaExceeded = 0x97;
const nothing: Delivered = () => undefined;

/**
 * Delivers a message to all who subscribed to its topic; of several subscriptions of one connection by that with most QoS [MQTT-3.3.5-1].
 * Where a reader's user has had its time a message waits for it; its publisher waits with it only where both are one user's.
 */
export function deliverFairly(
  broker: Aedes,
  options: {
    readonly turns: FairTurns;
    readonly usernameOf: (clientId: string) => string | undefined;
    readonly waitingMax: number;
    readonly reached: (limit: MqttLimit) => void;
  },
): void {
  const { turns, usernameOf, waitingMax, reached } = options;
  const { mq } = broker as unknown as {
    readonly mq: {
      readonly closed: boolean;
      readonly _matcher: { match(topic: string): readonly Handler[] };
      emit(message: DeliveredPacket, done: (error?: Error) => void): unknown;
    };
  };
  function later(
    share: Share,
    { subscription }: Handler,
    message: DeliveredPacket,
    send: Delivered,
  ) {
    if (share.deliveries.size < waitingMax) return turns.deliverLater(share, send);
    reached('unread-per-user');
    if (subscription && subscription.qos > 0 && message.qos > 0)
      closeClient(subscription.reader.client, quotaExceeded);
  }
  function bring(handler: Handler, message: DeliveredPacket, done: Delivered): void {
    const { subscription } = handler;
    if (subscription !== undefined) subscription.reader.qos = subscription.qos;
    handler(message, done);
  }
  function deliver(handler: Handler, message: DeliveredPacket, done: Delivered): void {
    const share = handler.subscription?.reader.shareOf() ?? null;
    const { clientId } = message;
    if (share === null) bring(handler, message, done);
    else if (turns.delivers(share, () => bring(handler, message, done))) return;
    else if (clientId !== undefined && usernameOf(clientId) === share.username)
      turns.deliverLater(share, () => bring(handler, message, done));
    else {
      later(share, handler, message, () => bring(handler, message, nothing));
      done();
    }
  }
  let count = 0;
  mq.emit = (message, done) => {
    if (mq.closed) return done(new Error('the broker is closed'));
    const matches = mq._matcher.match(message.topic);
    const [only] = matches;
    if (only === undefined) return done();
    if (matches.length === 1) return deliver(only, message, done);
    count += 1;
    const handlers = message.topic.startsWith('$')
      ? matches
      : oncePerReader(matches, message, count);
    let left = handlers.length;
    if (left === 0) return done();
    const released = () => {
      left -= 1;
      if (left === 0) done();
    };
    for (const handler of handlers) deliver(handler, message, released);
  };
}

function oncePerReader(
  matches: readonly Handler[],
  { clientId }: DeliveredPacket,
  messageAt: number,
): Handler[] {
  const readers: ReadingConnection[] = [];
  const others: Handler[] = [];
  for (const handler of matches) {
    const { subscription } = handler;
    if (subscription === undefined) {
      others.push(handler);
      continue;
    }
    const { reader, qos, nl } = subscription;
    if (reader.messageAt !== messageAt) {
      reader.messageAt = messageAt;
      reader.by = null;
      readers.push(reader);
    }
    if (nl && clientId === reader.client.id) continue;
    if (reader.by === null || qos > (reader.by.subscription?.qos ?? 0)) reader.by = handler;
  }
  for (const { by } of readers) if (by !== null) others.push(by);
  return others;
}

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
