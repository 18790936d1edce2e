/**
 * Ends an admitted CONNECT whose session is new: there are no subscriptions to restore and nothing is queued, so that
 * it is answered at once, if it was not before aedes had a part in it. aedes asks its persistence four times, each in a turn of its own, and sends an empty
 * queue through two streams; what has to hold after it is the same. Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, Client } from 'aedes';
import { generate, type IConnackPacket } from 'mqtt-packet';
import type { BrokerConnection } from './session.ts';

interface ConnectingClient {
  connecting: boolean;
  connected: boolean;
  connackSent: boolean;
  closed: boolean;
  version: number;
  sessionExpiryInterval: number;
  will: unknown;
  _authorized: boolean;
  _keepaliveInterval: number;
  _keepaliveTimer: NodeJS.Timeout | null;
  readonly _will: unknown;
  readonly _assignedClientId: string | undefined;
  readonly _sessionExpiryClamped: boolean;
  resume(): void;
  emit(event: string, value?: unknown): void;
}

interface ConnectedBroker {
  readonly closed: boolean;
  readonly topicAliasMaximum: number;
  readonly maximumPacketSize: number;
  readonly receiveMaximum: number;
  registerClient(client: Client): void;
  emit(event: string, value: unknown): void;
}

/** CONNACK of MQTT 3: accepted, no session present [MQTT-3.2.2-3]. */
const accepted = Buffer.from([0x20, 2, 0, 0]);

/** What aedes tells of itself in a CONNACK of MQTT 5, and of what it made of the CONNECT. */
function acceptedBy(
  broker: ConnectedBroker,
  client: Partial<
    Pick<ConnectingClient, '_assignedClientId' | 'sessionExpiryInterval' | '_sessionExpiryClamped'>
  >,
): Buffer {
  const { topicAliasMaximum, maximumPacketSize, receiveMaximum } = broker;
  const { _assignedClientId: assignedClientIdentifier, sessionExpiryInterval } = client;
  const packet: IConnackPacket = {
    ...{ cmd: 'connack', reasonCode: 0, sessionPresent: false },
    properties: {
      sharedSubscriptionAvailable: false,
      ...{ topicAliasMaximum, maximumPacketSize, receiveMaximum },
      ...(assignedClientIdentifier === undefined ? {} : { assignedClientIdentifier }),
      ...(client._sessionExpiryClamped === true && sessionExpiryInterval !== undefined
        ? { sessionExpiryInterval }
        : {}),
    },
  };
  return generate(packet, { protocolVersion: 5 });
}

/** By protocol version: of a session that is new, to a CONNECT of which nothing was made but what it said. */
export function plainlyAccepted(broker: Aedes): Readonly<Record<3 | 4 | 5, Buffer>> {
  const five = acceptedBy(broker as unknown as ConnectedBroker, {});
  return { 3: accepted, 4: accepted, 5: five };
}

/** [MQTT-3.1.2-24]: one and a half times what the client promised; PINGREQ and all else set it back. */
function keepAlive(broker: ConnectedBroker, client: ConnectingClient, seconds: number): void {
  if (seconds === 0) return;
  client._keepaliveInterval = seconds * 1_500 + 1;
  client._keepaliveTimer = setTimeout(() => {
    broker.emit('keepaliveTimeout', client);
    client.emit('error', new Error('keep alive timeout'));
  }, client._keepaliveInterval);
}

export function startNewSession(broker: Aedes, connection: BrokerConnection): void {
  const { client, connect, sinceMs } = connection;
  if (client === null) return;
  const opened = client as unknown as ConnectingClient;
  const its = broker as unknown as ConnectedBroker;
  if (opened.closed || its.closed || client.conn.destroyed) return;
  opened._authorized = true;
  keepAlive(its, opened, connect?.keepAliveSeconds ?? 0);
  opened.will = opened._will;
  its.registerClient(client);
  if (sinceMs === null)
    client.conn.write(opened.version === 5 ? acceptedBy(its, opened) : accepted);
  opened.connackSent = true;
  opened.connecting = false;
  opened.connected = true;
  its.emit('clientReady', client);
  // Handles what came before the CONNACK, then reads on.
  opened.emit('connected');
  opened.resume();
}
