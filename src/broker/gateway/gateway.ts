/** The gateway: an MQTT proxy before a broker that cannot ask the registry. A refusal there becomes a request here. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { gatewayFrameBytesMax } from '../../limits/brokers.ts';
import {
  mqttCertificateEndsLookMs,
  mqttConnectBytesMax,
  mqttConnectionsMax,
  mqttConnectionsPerSourceMax,
  mqttWebSocketCloseMs,
} from '../../limits/mqtt.ts';
import { type Addresses, type ListenerOptions, openListeners } from '../listeners.ts';
import { ClientIds } from './client-ids.ts';
import { type ConnectionOptions, defaultTimeouts, ProxiedConnection } from './connection.ts';

export interface GatewayOptions extends ListenerOptions, Omit<ConnectionOptions, 'clientIds'> {}

export interface Gateway {
  readonly addresses: Addresses;
  /** Connections of clients that are open now. */
  connectionCount(): number;
  /** The names that the broker let in, and whose connections are open. */
  connected(): readonly string[];
  /** Accepts no more connections, and closes every one that is open. */
  close(): Promise<void>;
}

/** Rejects when an address cannot be listened on. The broker need not be there yet. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const connections = new Set<ProxiedConnection>();
  const sizes = {
    connections: mqttConnectionsMax,
    connectionsPerSource: mqttConnectionsPerSourceMax,
    closeTimeoutMs: mqttWebSocketCloseMs,
    connectBytes: mqttConnectBytesMax,
    connectTimeoutMs: { ...defaultTimeouts, ...options.timeouts }.connectMs,
    packetBytes: gatewayFrameBytesMax,
  };
  const { judging } = options;
  const passing: ConnectionOptions = {
    ...options,
    ...(judging && { clientIds: new ClientIds(judging.isUsername) }),
  };
  const listeners = await openListeners(options, sizes, (stream, request, source) => {
    const ends = request?.socket ?? (stream as Socket);
    const certificate = ends instanceof TLSSocket ? (judging?.certificateOf(ends) ?? null) : null;
    const connection = new ProxiedConnection(passing, stream, ends, { source, certificate });
    connections.add(connection);
    stream.once('close', () => connections.delete(connection));
    connection.run().catch((error) => {
      options.logger.error('An MQTT connection could not be passed on', { error });
      connection.end();
    });
  });
  const looking = setInterval(() => {
    const now = new Date().toISOString();
    for (const one of connections)
      if (one.certificate !== null && one.certificate.notAfter <= now) one.end();
  }, mqttCertificateEndsLookMs).unref();
  return {
    addresses: listeners.addresses,
    connectionCount: () => connections.size,
    connected: () =>
      [...connections].flatMap(({ connectedAs }) => (connectedAs === null ? [] : [connectedAs])),
    async close() {
      clearInterval(looking);
      const closing = listeners.close();
      for (const connection of connections) connection.end();
      listeners.destroySockets();
      await closing;
    },
  };
}
