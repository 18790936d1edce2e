/**
 * The aedes underneath the embedded broker: its options, and the few places where its own bookkeeping
 * of sessions and its validation of packets are not enough. All knowledge of its internals is here, in
 * `new-session.ts`, in `closing.ts`, in `publishing.ts` and in `fairness/`; its version is pinned.
 */
import {
  Aedes,
  type AedesOptions,
  type Client,
  type ConnectPacket,
  type PublishPacket,
} from 'aedes';
import * as limits from '../../limits/mqtt.ts';
import type { Intake } from './fairness/intake.ts';
import { type PacketParser, parseText, parsingPlainly } from './fairness/plain-packets.ts';
import type { Window } from './fairness/window.ts';
import type { BrokerConnection, HeldSession } from './session.ts';

type Will = NonNullable<ConnectPacket['will']>;

interface BrokerInsides {
  clients: Record<string, Client>;
  brokers: Record<string, unknown>;
  connectedClients: number;
  registerClient(client: Client): void;
  publish: Publish;
  readonly mq: {
    readonly _matcher: {
      match(topic: string): readonly unknown[];
      add(filter: string, ...given: unknown[]): unknown;
      remove(filter: string, ...given: unknown[]): unknown;
    };
    removeAllListeners(topic: string): void;
  };
  publishWill(client: Client, will: Will): void;
  scheduleWill(client: Client, will: Will, seconds: number): void;
  scheduleSessionExpiry(client: Client): void;
}

type PublishDone = (error?: Error) => void;
/** The client is left out where the broker itself publishes. */
type Publish = (
  packet: PublishPacket,
  client: Client | null | PublishDone,
  done?: PublishDone,
) => void;

interface ClientInsides {
  connackSent: boolean;
  _parsingBatch: number;
  pause(): void;
  readonly clean: boolean;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
  readonly _parser: NodeJS.EventEmitter & PacketParser & { settings: Partial<ConnectPacket> };
}

interface ReceivedPacket {
  readonly cmd: string;
  /** Of its body; absent: its CONNECT was answered without aedes. */
  readonly length?: number;
  readonly messageId?: number;
  readonly reasonCode?: number;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly will?: { readonly properties?: Readonly<Record<string, unknown>> };
  readonly subscriptions?: readonly { readonly topic: string }[];
}

export type TellOf = (client: 'new' | 'disconnect', clientId: string) => void;

export interface StartedAedes {
  readonly aedes: Aedes;
  readonly tellOf: TellOf;
}

export interface AedesLimits {
  readonly connectTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly packetBytes: number;
  readonly connectBytes: number;
  readonly storedSessionSeconds: number;
  readonly receivedIds: number;
}

export async function startAedes(
  hooks: Required<
    Pick<
      AedesOptions,
      | 'preConnect'
      | 'authenticate'
      | 'authorizePublish'
      | 'authorizeSubscribe'
      | 'authorizeForward'
      | 'persistence'
    >
  >,
  sessions: {
    connectionOf(client: Client): BrokerConnection | undefined;
    registered(connection: BrokerConnection): void;
    closed(connection: BrokerConnection): void;
    delayWill(session: HeldSession, seconds: number, publish: () => void): void;
  },
  sizes: AedesLimits,
): Promise<StartedAedes> {
  const broker = new Aedes({
    ...hooks,
    // Without a bound here a publisher waits for its own readers only, not for everybody's.
    concurrency: 0,
    connectTimeout: sizes.connectTimeoutMs,
    maximumPacketSize: sizes.packetBytes,
    receiveMaximum: sizes.receivedIds,
    sessionExpiryIntervalLimit: sizes.storedSessionSeconds,
    // MQTT 3.1 allows 23; the length is checked after the credentials, for every version alike.
    maxClientsIdLength: 65_535,
    topicAliasMaximum: limits.mqttTopicAliasesMax,
  });
  const insides = broker as unknown as BrokerInsides;
  // Clients choose their ids: `constructor` must not be found here.
  insides.clients = Object.create(null);
  insides.brokers = Object.create(null);

  const registerClient = insides.registerClient.bind(broker);
  insides.registerClient = (client) => {
    const connection = sessions.connectionOf(client);
    // Closed between the check of its password and now: it must not be registered.
    if (client.closed || client.conn.destroyed || connection?.session?.ended !== false) return;
    connection.isRegistered = true;
    if (connection.sinceMs === null) {
      sessions.registered(connection);
      registerClient(client);
      return;
    }
    // It was answered, and told of, before aedes had a part in it.
    insides.connectedClients += 1;
    insides.clients[client.id] = client;
  };
  insides.scheduleSessionExpiry = (client) => {
    const connection = sessions.connectionOf(client);
    if (connection !== undefined) sessions.closed(connection);
  };
  const publishWill = insides.publishWill.bind(broker);
  insides.scheduleWill = (client, will, seconds) => {
    const session = sessions.connectionOf(client)?.session;
    if (session && !session.ended)
      sessions.delayWill(session, seconds, () => publishWill(client, will));
  };

  await broker.listen();
  return { aedes: broker, tellOf: tellingOf(broker, withoutUnreadNews(broker)) };
}

/** Whether a connected client reads a topic now. */
export const isReadLive = (broker: Aedes, topic: string): boolean =>
  (broker as unknown as BrokerInsides).mq._matcher.match(topic).length > 0;

/**
 * Of each client that comes or goes, subscribes or unsubscribes aedes tells the other brokers of a cluster, which there are none of: it is
 * published only for clients that read it. Says whether anybody reads a topic of them.
 */
function withoutUnreadNews(broker: Aedes): (topic: string) => boolean {
  const insides = broker as unknown as BrokerInsides;
  insides.mq.removeAllListeners('$SYS/+/new/clients');
  /** By topic, whether anybody reads it; null: not known since subscriptions changed. */
  const news = new Map<string, boolean | null>([
    [`$SYS/${broker.id}/new/clients`, null],
    [`$SYS/${broker.id}/disconnect/clients`, null],
    [`$SYS/${broker.id}/new/subscribes`, null],
    [`$SYS/${broker.id}/new/unsubscribes`, null],
  ]);
  const matcher = insides.mq._matcher;
  for (const change of ['add', 'remove'] as const) {
    const changed = matcher[change];
    matcher[change] = (filter, ...given) => {
      // No other filter matches them [MQTT-4.7.2-1].
      if (filter.startsWith('$')) for (const topic of news.keys()) news.set(topic, null);
      return changed.call(matcher, filter, ...given);
    };
  }
  const isRead = (topic: string): boolean => {
    const known = news.get(topic) ?? isReadLive(broker, topic);
    news.set(topic, known);
    return known;
  };
  const publish = insides.publish;
  insides.publish = (packet, client, done) => {
    const { topic } = packet;
    // The first character alone for every other message: a look-up hashes the whole topic.
    if (!topic.startsWith('$') || !news.has(topic) || isRead(topic))
      return publish.call(broker, packet, client, done);
    if (typeof client === 'function') client();
    else done?.();
  };
  return isRead;
}

/** Tells those who read of it that a client has come, or gone, in which aedes had no part; where nobody does, nothing is made of it. */
const tellingOf = (broker: Aedes, isRead: (topic: string) => boolean): TellOf => {
  const topics = {
    new: `$SYS/${broker.id}/new/clients`,
    disconnect: `$SYS/${broker.id}/disconnect/clients`,
  };
  return (client, clientId) => {
    const topic = topics[client];
    if (!isRead(topic)) return;
    const payload = Buffer.from(clientId);
    const packet = { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false } as const;
    broker.publish(packet, () => undefined);
  };
};

/** Gives aedes a CONNECT that was answered without it; it reads what came behind it once it has begun the session. */
export function tellConnect(client: Client, connect: Partial<ConnectPacket>): void {
  const insides = client as unknown as ClientInsides;
  const { _parser: parser } = insides;
  // As after its first look at the socket, and at that packet.
  insides._parsingBatch = 0;
  parser.settings = connect;
  parser.emit('packet', connect);
  insides.pause();
}

/** Guards the parser of a connection: no packet may throw into the event loop, or fill the memory. */
export function guardParser(
  client: Client,
  sizes: AedesLimits,
  {
    received,
    intake,
    window,
  }: { received(): void; readonly intake: Intake; readonly window: Window },
): void {
  const insides = client as unknown as ClientInsides;
  const parser = insides._parser;

  // In the place of the only listener, because a second one makes every packet slower.
  const handled = parser.listeners('packet') as ((packet: ReceivedPacket) => void)[];
  const handle = (packet: ReceivedPacket) => {
    for (const listener of handled) listener.call(parser, packet);
    // [MQTT-4.3.3-4]: a message that its reader refuses is over with that; of others the store is told.
    if (packet.cmd === 'pubrec' && (packet.reasonCode ?? 0) >= 0x80)
      window.acknowledged(packet.messageId ?? 0);
  };
  parser.removeAllListeners('packet');
  parser.on('packet', (packet: ReceivedPacket) => {
    // What mqtt-packet makes of one that ends before it.
    if (packet.messageId === -1) throw new Error('no packet id');
    if (packet.cmd === 'connect' && parser._pos < (packet.length ?? 0))
      throw new Error('bytes behind the last field of CONNECT');
    if (packet.properties !== undefined) checkProperties(packet.properties);
    if (packet.will?.properties !== undefined) checkProperties(packet.will.properties);
    if (packet.cmd === 'subscribe') checkSubscribe(packet.subscriptions ?? []);
    // Of a session that ends with its connection nothing is kept until it is acknowledged.
    if (packet.cmd === 'puback' && insides.clean && insides.connackSent) {
      insides._keepaliveTimer?.refresh();
      window.acknowledged(packet.messageId ?? 0);
    } else intake.take(packet, handle);
  });

  parser._parseString = parseText;
  const parse = parsingPlainly(parser, () => insides.connackSent);
  parser.parse = (chunk) => {
    received();
    try {
      const left = parse(chunk);
      if (!insides.connackSent && (parser.packet?.length ?? 0) > sizes.connectBytes)
        throw new Error('packet too large');
      return left;
    } catch (error) {
      client.emit('error', error);
      return 0;
    }
  };
}

/**
 * A property that is there twice is a protocol error [MQTT 5, 2.2.2.2]; the parser makes a list of it, which is
 * neither a number of seconds nor a topic alias.
 */
function checkProperties(properties: Readonly<Record<string, unknown>>): void {
  for (const name in properties)
    if (name !== 'userProperties' && Array.isArray(properties[name]))
      throw new Error(`${name} is there more than once`);
}

/** aedes collects the filters of a SUBSCRIBE in a plain object, once for each that was granted. */
function checkSubscribe(subscriptions: readonly { readonly topic: string }[]): void {
  if (subscriptions.length === 0) throw new Error('no topic filter in SUBSCRIBE');
  if (subscriptions.length > limits.mqttSubscriptionsMax)
    throw new Error('too many topic filters in SUBSCRIBE');
  if (subscriptions.some(({ topic }) => topic === '__proto__'))
    throw new Error('topic filter not supported');
}
