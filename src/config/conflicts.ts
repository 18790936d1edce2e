/** Settings that are each valid, and contradict each other. */
import type { ConfigFault } from './fault.ts';
import type { Environment } from './reading.ts';
import { prefix, type Values } from './variables.ts';

/** Two listeners can share a port only on different addresses. A value that did not parse is left out. */
export function portClashes(values: Partial<Values>): ConfigFault[] {
  const gates = values.GATEWAY_UPSTREAM !== undefined;
  const listeners = [
    ['HTTP_PORT', values.HTTP_PORT, values.HTTP_HOST ?? values.HOST],
    ['HTTPS_PORT', values.HTTPS_PORT, values.HTTP_HOST ?? values.HOST],
    ['MQTT_PORT', values.MQTT_PORT, values.MQTT_HOST ?? values.HOST],
    ['MQTT_TLS_PORT', values.MQTT_TLS_PORT, values.MQTT_HOST ?? values.HOST],
    ['MQTT_WS_PORT', values.MQTT_WS_PORT, values.MQTT_HOST ?? values.HOST],
    ['MQTT_WSS_PORT', values.MQTT_WSS_PORT, values.MQTT_HOST ?? values.HOST],
    ['DOOR_PORT', values.DOOR_PORT, values.DOOR_HOST ?? values.HOST],
    ['DOOR_TLS_PORT', values.DOOR_TLS_PORT, values.DOOR_HOST ?? values.HOST],
    ['GATEWAY_PORT', gates && values.GATEWAY_PORT, values.GATEWAY_HOST ?? values.HOST],
    ['GATEWAY_TLS_PORT', gates && values.GATEWAY_TLS_PORT, values.GATEWAY_HOST ?? values.HOST],
  ] as const;
  const overlap = (one: string | undefined, other: string | undefined) =>
    one === other || [one, other].some((address) => address === '0.0.0.0' || address === '::');
  return listeners.flatMap(([name, port, address], at) =>
    listeners
      .slice(0, at)
      .filter(([, other, elsewhere]) => port && port === other && overlap(address, elsewhere))
      .map(([other]) => ({
        variable: `${prefix}${name}`,
        problem: `is ${port}, as is ${prefix}${other}`,
        remedy: 'Give each listener a port of its own (0 takes a free one)',
      })),
  );
}

/** Page and API have to be somewhere. */
export function listenersOff({ HTTP_PORT, HTTPS_PORT }: Partial<Values>): ConfigFault[] {
  if (HTTP_PORT !== null || HTTPS_PORT !== null) return [];
  return [
    {
      variable: `${prefix}HTTP_PORT`,
      problem: `is off, as is ${prefix}HTTPS_PORT`,
      remedy: 'Keep one of the two on',
    },
  ];
}

/** TLS at the gateway takes a private key and a certificate. */
export function gatewayWithoutKey(
  { GATEWAY_TLS_PORT: port }: Partial<Values>,
  set: Environment,
): ConfigFault[] {
  const given = (name: string) => set[`${prefix}${name}`] || set[`${prefix}${name}_FILE`];
  if (typeof port !== 'number' || (given('GATEWAY_TLS_KEY') && given('GATEWAY_TLS_CERT')))
    return [];
  return [
    {
      variable: `${prefix}GATEWAY_TLS_PORT`,
      problem: 'is set without a key and a certificate',
      remedy: `Set ${prefix}GATEWAY_TLS_KEY_FILE and ${prefix}GATEWAY_TLS_CERT_FILE`,
    },
  ];
}
