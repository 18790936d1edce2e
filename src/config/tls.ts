/** TLS in the configuration: its ports, and the certificate that was given for them. */
import { resolve } from 'node:path';
import { keyPairFault } from '../platform/key-pair.ts';
import type { ConfigFault } from './fault.ts';
import type { Environment } from './reading.ts';
import { prefix, type Values } from './variables.ts';

/** A certificate chain and its private key, PEM. The files, where they came from some, are read again. */
export interface GivenCertificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

export interface TlsConfig {
  /** Null: the registry's own CA issues one. */
  readonly given: GivenCertificate | null;
  /** For the own certificate; none: the default. */
  readonly names: readonly string[];
  /** The CA of the registry, PEM: the issuer first, its chain with the root; null: one of its own making. */
  readonly ca: { readonly cert: string; readonly key: string } | null;
  /** Where chain and list of revoked certificates are kept for brokers, absolute, and what tells them; null: nowhere. */
  readonly files: { readonly dir: string; readonly command: string | null } | null;
  /** CAs of before and after a change, PEM; null: what is found. */
  readonly caOverlap: string | 'none' | null;
}

/** A port that nobody chose gives way to somebody else who has it already. */
export interface TlsPort {
  readonly port: number;
  readonly isChosen: boolean;
}

const httpsPortDefault = 8443;
const mqttTlsPortDefault = 8883;

type PortValue = number | null | undefined;

/** The port as set; else the default, a free one beside a `plain` port that is free, unless it is taken by another. */
function tlsPort(
  set: PortValue,
  plain: PortValue,
  byDefault: number,
  others: readonly PortValue[],
): TlsPort | null {
  if (set !== undefined) return set === null ? null : { port: set, isChosen: true };
  if (plain === 0) return { port: 0, isChosen: true };
  return others.includes(byDefault) ? null : { port: byDefault, isChosen: false };
}

/** `HTTPS_PORT` is on unless it is off; `MQTT_TLS_PORT` goes on and off with `MQTT_PORT` until somebody sets it, or wants certificates. */
export function tlsPortsOf(values: Values): { https: TlsPort | null; mqtts: TlsPort | null } {
  const { HTTP_PORT, MQTT_PORT, MQTT_WS_PORT, DOOR_PORT, HTTPS_PORT, MQTT_TLS_PORT } = values;
  const { MQTT_WSS_PORT, DOOR_TLS_PORT } = values;
  const others = [HTTP_PORT, MQTT_PORT, MQTT_WS_PORT, MQTT_WSS_PORT, DOOR_PORT, DOOR_TLS_PORT];
  const wantsCertificates = values.MQTT_TLS_CLIENT_AUTH !== 'either';
  const isMqttOff = MQTT_PORT === null && MQTT_TLS_PORT === undefined && !wantsCertificates;
  return {
    https: tlsPort(HTTPS_PORT, HTTP_PORT, httpsPortDefault, [...others, MQTT_TLS_PORT]),
    mqtts: isMqttOff
      ? null
      : tlsPort(MQTT_TLS_PORT, MQTT_PORT, mqttTlsPortDefault, [...others, HTTPS_PORT]),
  };
}

export const tlsOf = (values: Values, environment: Environment): TlsConfig => ({
  given:
    values.TLS_CERT === undefined || values.TLS_KEY === undefined
      ? null
      : {
          cert: values.TLS_CERT,
          key: values.TLS_KEY,
          certFile: environment[`${prefix}TLS_CERT_FILE`] || null,
          keyFile: environment[`${prefix}TLS_KEY_FILE`] || null,
        },
  names: values.TLS_NAMES ?? [],
  ca:
    values.CA_CERT === undefined || values.CA_KEY === undefined
      ? null
      : { cert: values.CA_CERT, key: values.CA_KEY },
  files:
    values.CERTIFICATE_FILES_DIR === undefined
      ? null
      : {
          dir: resolve(values.CERTIFICATE_FILES_DIR),
          command: values.CERTIFICATE_FILES_EXEC ?? null,
        },
  caOverlap: values.CA_OVERLAP ?? null,
});

const faultOf = {
  certificate: ['TLS_CERT', 'holds no certificate that can be read'],
  key: ['TLS_KEY', 'holds no private key that can be read (it must have no passphrase)'],
  pair: ['TLS_KEY', `is not the key of the certificate in ${prefix}TLS_CERT`],
} as const;

/** A certificate takes its key, and the key its certificate. A value that did not parse is left out. */
export function certificateFaults(values: Partial<Values>, set: Environment): ConfigFault[] {
  const isSet = (name: string) => Boolean(set[`${prefix}${name}`] || set[`${prefix}${name}_FILE`]);
  for (const [one, other] of [
    ['TLS_CERT', 'TLS_KEY'],
    ['TLS_KEY', 'TLS_CERT'],
    ['CA_CERT', 'CA_KEY'],
    ['CA_KEY', 'CA_CERT'],
  ] as const)
    if (values[one] !== undefined && !isSet(other))
      return [
        {
          variable: `${prefix}${one}`,
          problem: `is set without ${prefix}${other}`,
          remedy: `Set ${prefix}${other}_FILE too, or neither`,
        },
      ];
  if (values.TLS_CERT === undefined || values.TLS_KEY === undefined) return [];
  const fault = keyPairFault(values.TLS_CERT, values.TLS_KEY);
  if (fault === null) return [];
  const [name, problem] = faultOf[fault];
  const remedy =
    'Give a chain in PEM, the certificate of this server first, and the key that it was issued for';
  return [{ variable: `${prefix}${name}`, problem, remedy }];
}
