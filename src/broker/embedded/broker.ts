/** The MQTT broker inside the registry: listeners, admission, rights and sessions, over aedes. */
import { TLSSocket } from 'node:tls';
import type { Aedes, Client } from 'aedes';
import * as named from '../../limits/mqtt.ts';
import type { Logger } from '../../logger.ts';
import {
  type Accept,
  type ListenerLimits,
  type ListenerOptions,
  type Listeners,
  openListeners,
} from '../listeners.ts';
import type { Authenticator, ShownCertificate } from '../ports/authenticator.ts';
import type { EmbeddedBroker, RenderedMessages } from '../ports/embedded.ts';
import {
  type AedesLimits,
  guardParser,
  isReadLive,
  type StartedAedes,
  startAedes,
  type TellOf,
  tellConnect,
} from './aedes.ts';
import { authorization, type SubscriptionLimits } from './authorization.ts';
import { closeWithStream } from './closing.ts';
import { type ConnectOutcome, connecting, type JudgeConnect, judging } from './connect.ts';
import type { TurnsTold } from './fairness/fair-turns.ts';
import { type FairnessLimits, fairness } from './fairness/fairness.ts';
import { boundedMemory, type Memory, type MemoryLimits } from './memory.ts';
import { plainlyAccepted, startNewSession } from './new-session.ts';
import { publishing } from './publishing.ts';
import { type GiveToAedes, QuietConnection } from './quiet-connection.ts';
import { BrokerConnection, forgetFilters, type ServedConnection } from './session.ts';
import type { TableLimits } from './session-table.ts';
import {
  type ChangeSubscriptions,
  heldSessions,
  type SeenListener,
  type Sessions,
} from './sessions.ts';

export type EmbeddedLimits = AedesLimits &
  MemoryLimits &
  TableLimits &
  SubscriptionLimits &
  FairnessLimits &
  ListenerLimits & { readonly answerTimeoutMs: number };

export interface EmbeddedOptions extends ListenerOptions {
  readonly authenticator: Authenticator;
  readonly logger?: Logger;
  readonly onConnect?: (outcome: ConnectOutcome) => void;
  readonly onSeen?: SeenListener;
  /** Whether somebody has this name and a credential: nobody else connects with it as a client id. */
  readonly isUsername?: (name: string) => boolean;
  readonly now?: () => Date;
  readonly rendered?: RenderedMessages;
  /** The certificate of this registry that a client showed; absent: none is looked at. */
  readonly certificateOf?: (socket: TLSSocket) => ShownCertificate | null;
  /** Told how long work of a user waited for its turn. */
  readonly onWaited?: (seconds: number) => void;
  /** Milliseconds of work, where a test counts them by itself. */
  readonly clockMs?: () => number;
  /** Other limits than the named ones, so that a test can reach them. */
  readonly limits?: Partial<EmbeddedLimits>;
}

const namedLimits: EmbeddedLimits = {
  connections: named.mqttConnectionsMax,
  connectionsPerSource: named.mqttConnectionsPerSourceMax,
  closeTimeoutMs: named.mqttWebSocketCloseMs,
  connectTimeoutMs: named.mqttConnectTimeoutMs,
  answerTimeoutMs: named.mqttAnswerTimeoutMs,
  drainTimeoutMs: named.mqttDrainTimeoutMs,
  packetBytes: named.mqttPacketBytesMax,
  connectBytes: named.mqttConnectBytesMax,
  storedSessionSeconds: named.mqttStoredSessionSecondsMax,
  subscriptionsPerUser: named.mqttSubscriptionsPerUserMax,
  filterLevelsPerUser: named.mqttFilterLevelsPerUserMax,
  sessionsPerUser: named.mqttSessionsPerUserMax,
  storedPerUser: named.mqttStoredSessionsPerUserMax,
  stored: named.mqttStoredSessionsMax,
  queuedMessages: named.mqttQueuedMessagesMax,
  queuedBytes: named.mqttQueuedBytesMax,
  queuedBytesPerUser: named.mqttQueuedBytesPerUserMax,
  queuedBytesTotal: named.mqttQueuedBytesTotalMax,
  receivedIds: named.mqttReceivedIdsMax,
  retainedMessages: named.mqttRetainedMessagesMax,
  retainedBytes: named.mqttRetainedBytesMax,
  retainedMessagesPerUser: named.mqttRetainedMessagesPerUserMax,
  retainedBytesPerUser: named.mqttRetainedBytesPerUserMax,
  turnMs: named.mqttTurnMs,
  turnAllMs: named.mqttTurnAllMs,
  deliveriesWaiting: named.mqttDeliveriesWaitingMax,
  underWay: named.mqttUnderWayMax,
  underWayBytes: named.mqttUnderWayBytesMax,
  unreadMessages: named.mqttUnreadMessagesMax,
  unreadBytes: named.mqttUnreadBytesMax,
  unreadBytesPerUser: named.mqttUnreadBytesPerUserMax,
  unreadBytesTotal: named.mqttUnreadBytesTotalMax,
  heldBytes: named.mqttReaderHeldBytes,
  heldMs: named.mqttReaderHeldMs,
};

type RunningBroker = EmbeddedBroker & Pick<Listeners, 'addresses' | 'connectionCount'>;

/** Rejects when an address cannot be listened on. Nothing of it outlives `close`. */
export async function startEmbeddedBroker(options: EmbeddedOptions): Promise<RunningBroker> {
  const { authenticator, logger, onConnect, now = () => new Date() } = options;
  const { isUsername = () => false, onLimit: reached = () => undefined } = options;
  const { onSeen = () => undefined } = options;
  const sizes: EmbeddedLimits = { ...namedLimits, ...options.limits };
  const connections = new WeakMap<Client, ServedConnection>();
  const connectionOf = (client: Client) => connections.get(client);

  const ownerOf = (clientId: string) => {
    const session = sessions.held(clientId);
    return session === undefined || session.ended ? undefined : session.user.username;
  };
  const memory = boundedMemory(sizes, {
    ...{ ownerOf, reached, rendered: options.rendered, asking: () => fair.asking() },
    owed: (client) => fair.owed(client),
    released: (client, messageId) => fair.released(client, messageId),
    subscribed: (clientId, filter) => sessions.held(clientId)?.filters.has(filter) === true,
    unsubscribed: (clientId, filters) => forgetFilters(sessions.held(clientId), filters),
  });
  const changed: ChangeSubscriptions = (client, change) => fair.changed(client, change);
  const sessions = heldSessions({ memory, changed, limits: sizes, now, onSeen, reached });
  const judge = judging({
    ...{ authenticator, sessions, isUsername, reached, logger, onConnect },
    answerTimeoutMs: sizes.answerTimeoutMs,
  });
  const { aedes, tellOf }: StartedAedes = await startAedes(
    {
      ...connecting({
        ...{ connectionOf, judge },
        startNew: (connection) => startNewSession(aedes, connection),
        resume: (client) => fair.resume(client, memory.owed(client.id)),
      }),
      ...authorization({
        publish: (connection, packet, done) => publish(connection, packet, done),
        ...{ connectionOf, isRepeated: memory.isRepeated, limits: sizes, reached },
      }),
      persistence: memory,
    },
    { ...sessions, connectionOf },
    sizes,
  );
  const fair = fairness({
    ...{ aedes, limits: sizes, connectionOf, usernameOf: ownerOf, reached },
    ...{ told: waitsToldBy(options), clockMs: options.clockMs },
  });
  const publish = publishing(aedes, memory);
  logFaults(aedes, logger);
  forgetUnsubscribed(aedes, connectionOf);

  const looking = setInterval(
    () => void sessions.endWithCertificates(),
    named.mqttCertificateEndsLookMs,
  );
  looking.unref();
  const accept = accepting({
    ...{ aedes, tellOf, fair, sizes, now, connections, sessions, judge, logger },
    certificateOf: options.certificateOf ?? (() => null),
  });
  let listeners: Listeners;
  try {
    listeners = await openListeners(options, sizes, accept);
  } catch (error) {
    clearInterval(looking);
    await closed(aedes);
    throw error;
  }

  return brokerOver(aedes, sessions, memory, listeners, () => clearInterval(looking));
}

/** What the registry may do with a broker that runs. */
function brokerOver(
  aedes: Aedes,
  sessions: Sessions,
  memory: Memory,
  listeners: Listeners,
  ending: () => void,
): RunningBroker {
  let closing: Promise<void> | undefined;
  return {
    addresses: listeners.addresses,
    connectionCount: listeners.connectionCount,
    setAuthorization: sessions.setAuthorization,
    endSessions: sessions.endSessions,
    sessions: sessions.sessions,
    sessionCount: sessions.sessionCount,
    lastPackets: sessions.lastPackets,
    isRead: async (topic) =>
      isReadLive(aedes, topic) || (await memory.subscriptionsByTopic(topic)).length > 0,
    isAnyReadBelow: sessions.isAnyReadBelow,
    publish: (topic, payload, { retain = false } = {}) => published(aedes, topic, payload, retain),
    close() {
      closing ??= (async () => {
        ending();
        const unlistened = listeners.close();
        await closed(aedes);
        sessions.clear();
        listeners.destroySockets();
        await unlistened;
      })();
      return closing;
    },
  };
}

const accepting = (options: {
  readonly aedes: Aedes;
  readonly tellOf: TellOf;
  readonly fair: Pick<ReturnType<typeof fairness>, 'guard'>;
  readonly sizes: EmbeddedLimits;
  readonly now: () => Date;
  readonly connections: WeakMap<Client, ServedConnection>;
  readonly sessions: Pick<Sessions, 'registered' | 'closed'>;
  readonly judge: JudgeConnect;
  readonly logger: Logger | undefined;
  readonly certificateOf: NonNullable<EmbeddedOptions['certificateOf']>;
}): Accept => {
  const { aedes, sizes, now } = options;
  const giveToAedes: GiveToAedes = (connection, request, connect) => {
    const { stream } = connection;
    const client = aedes.handle(stream, request);
    options.connections.set(client, Object.assign(connection, { client }));
    closeWithStream(client);
    guardParser(client, sizes, {
      ...options.fair.guard(client, request?.socket ?? stream, connection.outgoing),
      received: () => {
        connection.lastPacketMs = now().getTime();
      },
    });
    if (connect !== null) tellConnect(client, connect);
  };
  const quiet = {
    ...{ ...options, giveToAedes },
    ...{ accepted: plainlyAccepted(aedes) },
  };
  return (stream, request, source) => {
    const socket = request?.socket ?? stream;
    // Now: a socket that was closed meanwhile has none any more.
    const certificate = socket instanceof TLSSocket ? options.certificateOf(socket) : null;
    const connection = new BrokerConnection(stream, { source, certificate }, now().getTime());
    new QuietConnection(connection, request, quiet).begin();
  };
};

const published = (aedes: Aedes, topic: string, payload: string, retain: boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    aedes.publish(
      { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 1, retain, dup: false },
      (error) => (error ? reject(error) : resolve()),
    );
  });

const closed = (aedes: Aedes): Promise<void> => new Promise((resolve) => aedes.close(resolve));

function forgetUnsubscribed(
  aedes: Aedes,
  connectionOf: (client: Client) => BrokerConnection | undefined,
): void {
  aedes.on('unsubscribe', (filters, client) => {
    // Emitted when a connection ends, too, whose session keeps its filters.
    const session = connectionOf(client)?.session;
    if (session && !client.closed) forgetFilters(session, filters);
  });
}

const waitsToldBy = ({ onWaited, logger }: EmbeddedOptions): TurnsTold => ({
  waited: (seconds) => onWaited?.(seconds),
  slowed: (username) =>
    logger?.warn(
      'An MQTT user sends or reads more than its share; its messages wait for the others',
      { username },
    ),
});

/** Clients disconnect and send garbage every day; only the broker's own faults are logged as errors. */
function logFaults(aedes: Aedes, logger: Logger | undefined): void {
  // Without the client id, which is personal and encrypted everywhere else.
  aedes.on('clientError', (_client, error) =>
    logger?.debug('An MQTT client failed', { reason: error.message }),
  );
  aedes.on('connectionError', (_client, error) =>
    logger?.debug('An MQTT connection failed', { reason: error.message }),
  );
  // Not in the types of aedes: faults of its persistence.
  (aedes as NodeJS.EventEmitter).on('error', (error) =>
    logger?.error('The embedded broker failed', { error }),
  );
}
