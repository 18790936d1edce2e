/** The configuration: what the service is told by its environment, with every fault listed at once. */
import { join, resolve } from 'node:path';
import type { BrokerSetting } from './brokers.ts';
import {
  certificatesWithoutFiles,
  gatewayBesideCertificates,
  gatewayWithoutKey,
  listenersOff,
  plainBesideCertificates,
  portClashes,
  staleUnseen,
} from './conflicts.ts';
import { ConfigError, type ConfigFault } from './fault.ts';
import type { PasswordPolicy } from './password-policy.ts';
import { type Environment, readVariable, unknownVariables } from './reading.ts';
import { type SiemConfig, siemFaults, siemOf } from './siem.ts';
import { type SsoConfig, ssoFaults, ssoOf } from './sso.ts';
import { certificateFaults, type TlsConfig, type TlsPort, tlsOf, tlsPortsOf } from './tls.ts';
import type { ClientAuth } from './values.ts';
import { type Values, type Variable, variables } from './variables.ts';

/** Ports: 0 takes a free one, null is off. Folders: absolute. Times: milliseconds. */
export interface Config {
  readonly httpPort: number | null;
  readonly httpsPort: TlsPort | null;
  readonly mqttPort: number | null;
  readonly mqttTlsPort: TlsPort | null;
  readonly mqttWsPort: number | null;
  readonly mqttWssPort: number | null;
  readonly doorPort: number | null;
  readonly doorTlsPort: number | null;
  readonly tls: TlsConfig;
  readonly clientAuth: ClientAuth;
  readonly httpHost: string;
  readonly mqttHost: string;
  readonly doorHost: string;
  readonly dataDir: string;
  /** Of a registry that is hostile to devices, which no variable makes; null: it is one to rely on. */
  readonly hostileSeed: string | null;
  readonly keysDir: string;
  /** 0: however little there is. */
  readonly diskFreeMinBytes: number;
  /** `sqlite`, or a connection string, which may hold a password. */
  readonly store: string;
  readonly brokers: readonly BrokerSetting[];
  /** Null: the hooks are off. */
  readonly hookSecret: string | null;
  readonly gateway: GatewayConfig | null;
  readonly adminUsername: string;
  /** Counts at the first start only; null: Gatebook makes one. */
  readonly adminPassword: string | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Without a slash at the end; null: where the service listens. */
  readonly publicUrl: string | null;
  /** None: where the service listens. */
  readonly publicMqttUrls: readonly string[];
  /** CIDRs. */
  readonly trustedProxies: readonly string[];
  readonly passwordPolicy: PasswordPolicy;
  /** Null: nobody is told by webhook. */
  readonly webhook: {
    readonly url: string;
    readonly secret: string | null;
    readonly format: 'plain' | 'cloudevents';
  } | null;
  /** Null: no messages for people. */
  readonly ntfyUrl: string | null;
  /** Null: audit events are sent nowhere. */
  readonly siem: SiemConfig | null;
  /** Null: everybody signs in with a password of this registry. */
  readonly sso: SsoConfig | null;
  /** How the body of a registration is read. */
  readonly door: 'strict' | 'lenient';
  readonly pendingTtlMs: number;
  readonly certificateTtlMs: number;
  readonly est: { readonly basic: 'optional' | 'required'; readonly retryAfterSeconds: number };
  readonly refusedTtlMs: number;
  /** How long a client may not be seen; null: as long as it likes. */
  readonly staleAfterMs: number | null;
  readonly suspendsStale: boolean;
  /** Before the end of a grant; none: nobody is warned. */
  readonly endWarningsMs: readonly number[];
  /** 0: no limit. */
  readonly sourceAttemptsPerMinute: number;
  readonly mqttConnectionsMax: number;
  readonly pendingMax: number;
  readonly pendingPerSourceMax: number;
  readonly approvals: ApprovalSettings;
}

/** How many people a decision needs, and which decisions do. */
interface ApprovalSettings {
  readonly needed: number;
  readonly of: 'all' | 'people';
  readonly isUnlockAmongThem: boolean;
  readonly ttlMs: number;
}

/** The broker behind the gateway, and where clients come in. */
interface GatewayConfig {
  readonly upstream: { readonly host: string; readonly port: number; readonly tls: boolean };
  readonly host: string;
  /** Null: with TLS alone. */
  readonly port: number | null;
  readonly proxyProtocol: boolean;
  readonly tls?: {
    readonly host: string;
    readonly port: number;
    readonly key: string;
    readonly cert: string;
  };
}

/**
 * Reads the service's configuration.
 * @throws ConfigError with every fault, so that one start shows all of them.
 */
export function parseConfig(environment: Environment): Config {
  const faults: ConfigFault[] = [];
  const values = Object.fromEntries(
    Object.entries(variables).map(([name, one]) => [
      name,
      readVariable(environment, name, one as Variable<unknown>, faults),
    ]),
  );
  faults.push(
    ...unknownVariables(environment),
    ...portClashes(values as Partial<Values>),
    ...gatewayWithoutKey(values as Partial<Values>, environment),
    ...gatewayBesideCertificates(values as Partial<Values>),
    ...plainBesideCertificates(values as Partial<Values>, environment),
    ...listenersOff(values as Partial<Values>),
    ...staleUnseen(values as Partial<Values>),
    ...certificatesWithoutFiles(values as Partial<Values>, environment),
    ...certificateFaults(values as Partial<Values>, environment),
    ...ssoFaults(values as Partial<Values>, environment),
    ...siemFaults(values as Partial<Values>, environment),
  );
  if (faults.length > 0) throw new ConfigError(faults);
  // Without a fault, every variable has the value that its schema promises.
  return configOf(values as Values, environment);
}

function configOf(values: Values, environment: Environment): Config {
  const dataDir = resolve(values.DATA_DIR);
  const tlsPorts = tlsPortsOf(values);
  return {
    httpPort: values.HTTP_PORT,
    httpsPort: tlsPorts.https,
    mqttPort: values.MQTT_PORT,
    mqttTlsPort: tlsPorts.mqtts,
    mqttWsPort: values.MQTT_WS_PORT,
    mqttWssPort: values.MQTT_WSS_PORT,
    doorPort: values.DOOR_PORT,
    doorTlsPort: values.DOOR_TLS_PORT,
    tls: tlsOf(values, environment),
    clientAuth: values.MQTT_TLS_CLIENT_AUTH,
    httpHost: values.HTTP_HOST ?? values.HOST,
    mqttHost: values.MQTT_HOST ?? values.HOST,
    doorHost: values.DOOR_HOST ?? values.HOST,
    dataDir,
    hostileSeed: null,
    keysDir: values.KEYS_DIR === undefined ? join(dataDir, 'keys') : resolve(values.KEYS_DIR),
    diskFreeMinBytes: values.DISK_FREE_MIN,
    store: values.STORE,
    brokers: values.BROKER,
    hookSecret: values.HOOK_SECRET ?? null,
    gateway: gatewayOf(values),
    adminUsername: values.ADMIN_USERNAME,
    adminPassword: values.ADMIN_PASSWORD ?? null,
    logLevel: values.LOG_LEVEL,
    publicUrl: values.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    publicMqttUrls: values.PUBLIC_MQTT_URLS ?? [],
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    passwordPolicy: values.PASSWORD_POLICY,
    webhook:
      values.WEBHOOK_URL === undefined
        ? null
        : {
            url: values.WEBHOOK_URL,
            secret: values.WEBHOOK_SECRET ?? null,
            format: values.WEBHOOK_FORMAT,
          },
    ntfyUrl: values.NTFY_URL ?? null,
    siem: siemOf(values),
    sso: ssoOf(values),
    door: values.DOOR,
    pendingTtlMs: values.PENDING_TTL,
    certificateTtlMs: values.CERTIFICATE_TTL,
    est: { basic: values.EST_BASIC, retryAfterSeconds: values.EST_RETRY_AFTER / 1_000 },
    refusedTtlMs: values.REFUSED_TTL,
    staleAfterMs: values.STALE_AFTER,
    suspendsStale: values.STALE_SUSPEND === 'true',
    endWarningsMs: [...new Set(values.END_WARNINGS ?? [])],
    sourceAttemptsPerMinute: values.SOURCE_ATTEMPTS_PER_MINUTE,
    mqttConnectionsMax: values.MQTT_CONNECTIONS_MAX,
    pendingMax: values.PENDING_MAX,
    pendingPerSourceMax: values.PENDING_PER_SOURCE_MAX,
    approvals: {
      needed: values.APPROVALS,
      of: values.APPROVALS_FOR,
      isUnlockAmongThem: values.APPROVALS_UNLOCK === 'on',
      ttlMs: values.APPROVAL_TTL,
    },
  };
}

function gatewayOf(values: Values): GatewayConfig | null {
  if (values.GATEWAY_UPSTREAM === undefined) return null;
  const { protocol, hostname, port } = new URL(values.GATEWAY_UPSTREAM);
  const tls = protocol === 'mqtts:';
  const host = values.GATEWAY_HOST ?? values.HOST;
  const { GATEWAY_TLS_PORT: tlsPort, GATEWAY_TLS_KEY: key, GATEWAY_TLS_CERT: cert } = values;
  return {
    upstream: {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (tls ? 8883 : 1883) : Number(port),
      tls,
    },
    host,
    port: values.GATEWAY_PORT,
    proxyProtocol: values.GATEWAY_PROXY_PROTOCOL === 'v2',
    ...(tlsPort === null || key === undefined || cert === undefined
      ? {}
      : { tls: { host, port: tlsPort, key, cert } }),
  };
}
