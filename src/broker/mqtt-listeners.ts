/** Where the configuration has clients connect by MQTT: to the embedded broker, or to the gateway before a private one. */
import type { Config } from '../config/config.ts';
import type { ServerIdentity } from '../platform/server-identity.ts';
import type { ListenerOptions } from './listeners.ts';

type Ports = Pick<Config, 'mqttHost' | 'mqttPort' | 'mqttTlsPort' | 'mqttWsPort' | 'mqttWssPort'>;

/** WebSocket goes with TCP, as it does without TLS. */
export function mqttListeners(
  { mqttHost: host, mqttPort, mqttTlsPort, mqttWsPort, mqttWssPort }: Ports,
  identity: ServerIdentity,
): ListenerOptions {
  const path = '/mqtt';
  return {
    ...(mqttPort === null ? {} : { tcp: { host, port: mqttPort } }),
    ...(mqttTlsPort === null ? {} : { tls: { host, port: mqttTlsPort.port, identity } }),
    ...(mqttPort === null || mqttWsPort === null
      ? {}
      : { webSocket: { host, port: mqttWsPort, path } }),
    ...(mqttWssPort === null
      ? {}
      : { secureWebSocket: { host, port: mqttWssPort, path, identity } }),
  };
}

/** Whether clients can connect by MQTT at all. */
export const listensForMqtt = ({ mqttPort, mqttTlsPort, mqttWssPort }: Ports): boolean =>
  mqttPort !== null || mqttTlsPort !== null || mqttWssPort !== null;
