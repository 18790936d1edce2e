/** Settings that are each valid, and contradict each other. */
import { keepsUpstreamAccounts } from './brokers.ts';
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

/** Where a certificate is wanted, no MQTT listener can be without TLS: nobody could show one there. */
export function plainBesideCertificates(values: Partial<Values>, set: Environment): ConfigFault[] {
  const { MQTT_TLS_CLIENT_AUTH: wanted, MQTT_PORT, GATEWAY_UPSTREAM } = values;
  if (wanted === undefined || wanted === 'either') return [];
  const isSet = (name: string) => Boolean(set[`${prefix}${name}`] || set[`${prefix}${name}_FILE`]);
  // Its default goes off with MQTT_PORT.
  const listensByWebSocket = MQTT_PORT !== null || isSet('MQTT_WS_PORT');
  const plain = [
    ['MQTT_PORT', MQTT_PORT],
    ['MQTT_WS_PORT', listensByWebSocket ? values.MQTT_WS_PORT : null],
    ['GATEWAY_PORT', GATEWAY_UPSTREAM === undefined ? null : values.GATEWAY_PORT],
  ] as const;
  return plain
    .filter(([, port]) => typeof port === 'number')
    .map(([name, port]) => ({
      variable: `${prefix}${name}`,
      problem: `is ${port}, where ${prefix}MQTT_TLS_CLIENT_AUTH=${wanted} wants a certificate`,
      remedy: `Set ${prefix}${name}=off`,
    }));
}

/** A gateway before a broker that keeps accounts of its own can admit nobody by a certificate, and the broker lets passwords in. */
export function gatewayBesideCertificates({
  MQTT_TLS_CLIENT_AUTH: wanted,
  GATEWAY_UPSTREAM,
  BROKER,
}: Partial<Values>): ConfigFault[] {
  if (wanted === undefined || wanted === 'either') return [];
  if (GATEWAY_UPSTREAM === undefined || BROKER === undefined || keepsUpstreamAccounts(BROKER))
    return [];
  return [
    {
      variable: `${prefix}GATEWAY_UPSTREAM`,
      problem: `is a broker whose accounts this registry does not keep, so the gateway cannot admit by certificates, where ${prefix}MQTT_TLS_CLIENT_AUTH=${wanted} wants one`,
      remedy: `Set ${prefix}MQTT_TLS_CLIENT_AUTH=either, or name that Mosquitto, and no other, in ${prefix}BROKER`,
    },
  ];
}

/** What goes by the files of certificates takes the files: a command after each change, and a broker that reads them. */
export function certificatesWithoutFiles(
  { CERTIFICATE_FILES_EXEC: command, BROKER = [] }: Partial<Values>,
  set: Environment,
): ConfigFault[] {
  const dir = `${prefix}CERTIFICATE_FILES_DIR`;
  if (set[dir] || set[`${dir}_FILE`]) return [];
  const isRead = BROKER.some((one) => one.kind === 'rabbitmq' && one.byCertificate);
  return [
    ...(command === undefined ? [] : ['CERTIFICATE_FILES_EXEC']),
    ...(isRead ? ['BROKER'] : []),
  ].map((name) => ({
    variable: `${prefix}${name}`,
    problem: name === 'BROKER' ? `has certificates=crl without ${dir}` : `is set without ${dir}`,
    remedy: `Set ${dir} too, or neither`,
  }));
}

/** TLS at the gateway takes a private key and a certificate; without TLS, too, a gateway has to listen somewhere. */
export function gatewayWithoutKey(
  { GATEWAY_TLS_PORT: port, GATEWAY_PORT: plain, GATEWAY_UPSTREAM: upstream }: Partial<Values>,
  set: Environment,
): ConfigFault[] {
  if (upstream !== undefined && plain === null && port === null)
    return [
      {
        variable: `${prefix}GATEWAY_PORT`,
        problem: `is off, as is ${prefix}GATEWAY_TLS_PORT`,
        remedy: `Keep one of the two on, or remove ${prefix}GATEWAY_UPSTREAM`,
      },
    ];
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

/** Whoever is suspended for not being seen must have been seen, had they come. */
export function staleUnseen({
  STALE_SUSPEND,
  STALE_AFTER,
  STORE,
  BROKER,
  GATEWAY_UPSTREAM,
}: Partial<Values>): ConfigFault[] {
  if (STALE_SUSPEND !== 'true') return [];
  const fault = (problem: string, remedy: string): ConfigFault => ({
    variable: `${prefix}STALE_SUSPEND`,
    problem: `is true, ${problem}`,
    remedy,
  });
  const isHidden = BROKER?.some(({ kind, ...more }) => {
    const given = kind === 'mosquitto' && 'address' in more && more.address !== null;
    return given && GATEWAY_UPSTREAM === undefined;
  });
  return [
    ...(STALE_AFTER === null
      ? [fault(`where ${prefix}STALE_AFTER is off`, `Set ${prefix}STALE_AFTER, such as 90d`)]
      : []),
    ...(STORE !== undefined && STORE !== 'sqlite'
      ? [
          fault(
            'where several nodes may share the log, and each sees its own clients alone',
            'Remove it, and suspend by hand who gatebook users --stale lists at every node',
          ),
        ]
      : []),
    ...(isHidden
      ? [
          fault(
            'and a given Mosquitto does not tell who connects',
            `Remove it, or set ${prefix}GATEWAY_UPSTREAM, so that clients come by the gateway`,
          ),
        ]
      : []),
  ];
}
