/** Where the configuration has clients connect by MQTT: to the embedded broker, or to the gateway before a private one. */
import type { Config } from '../config/config.ts';
import { foreignSockets } from '../config/own-names.ts';
import type { ServerIdentity } from '../platform/server-identity.ts';
import type { ListenerOptions } from './listeners.ts';

type Ports = Pick<Config, 'mqttHost' | 'mqttPort' | 'mqttTlsPort' | 'mqttWsPort' | 'mqttWssPort'>;

/** WebSocket goes with TCP, as it does without TLS. */
export function mqttListeners(
  config: Ports & Pick<Config, 'mqttConnectionsMax'> & Parameters<typeof foreignSockets>[0],
  identity: ServerIdentity,
): ListenerOptions {
  const { mqttHost: host, mqttPort, mqttTlsPort, mqttWsPort, mqttWssPort } = config;
  const webSocket = { host, path: '/mqtt', isForeign: foreignSockets(config) } as const;
  return {
    connectionsMax: config.mqttConnectionsMax,
    ...(mqttPort === null ? {} : { tcp: { host, port: mqttPort } }),
    ...(mqttTlsPort === null ? {} : { tls: { host, port: mqttTlsPort.port, identity } }),
    ...(mqttPort === null || mqttWsPort === null
      ? {}
      : { webSocket: { ...webSocket, port: mqttWsPort } }),
    ...(mqttWssPort === null
      ? {}
      : { secureWebSocket: { ...webSocket, port: mqttWssPort, identity } }),
  };
}

/** Whether clients can connect by MQTT at all. */
export const listensForMqtt = ({ mqttPort, mqttTlsPort, mqttWssPort }: Ports): boolean =>
  mqttPort !== null || mqttTlsPort !== null || mqttWssPort !== null;
