/** The configuration: environment variables, parsed once, every fault listed at once. */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { valueFileBytesMax } from '../limits.ts';
import { nearestWord } from '../platform/did-you-mean.ts';
import type { BrokerSetting } from './brokers.ts';
import type { PasswordPolicy } from './password-policy.ts';
import {
  commandLineNames,
  laterNames,
  prefix,
  type Values,
  type Variable,
  variables,
} from './variables.ts';

export { configTable } from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. Nothing else reads `process.env`. */
export const processEnvironment = (): Environment => ({ ...process.env });

/** Ports: 0 takes a free one, null is off. Folders: absolute. Times: milliseconds. */
export interface Config {
  readonly httpPort: number;
  readonly mqttPort: number | null;
  readonly mqttWsPort: number | null;
  readonly doorPort: number | null;
  readonly httpHost: string;
  readonly mqttHost: string;
  readonly doorHost: string;
  readonly dataDir: string;
  readonly keysDir: string;
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
  readonly webhook: { readonly url: string; readonly secret: string | null } | null;
  /** Null: no messages for people. */
  readonly ntfyUrl: string | null;
  readonly pendingTtlMs: number;
  readonly refusedTtlMs: number;
  /** 0: no limit. */
  readonly sourceAttemptsPerMinute: number;
  readonly pendingMax: number;
  readonly pendingPerSourceMax: number;
}

/** The broker behind the gateway, and where clients come in. */
export interface GatewayConfig {
  readonly upstream: { readonly host: string; readonly port: number; readonly tls: boolean };
  readonly host: string;
  readonly port: number;
  readonly proxyProtocol: boolean;
  readonly tls?: {
    readonly host: string;
    readonly port: number;
    readonly key: string;
    readonly cert: string;
  };
}

/** One fault: which variable, what is wrong with it, what to do. */
export interface ConfigFault {
  readonly variable: string;
  readonly problem: string;
  readonly remedy: string;
}

/** Everything that is wrong with the configuration. Its message repeats no value that may be a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly faults: readonly ConfigFault[];
  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.variable} ${fault.problem}. ${fault.remedy}.`);
    const title = `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:`;
    super([title, ...lines].join('\n'));
    this.faults = faults;
  }
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
      readValue(environment, name, one as Variable<unknown>, faults),
    ]),
  );
  faults.push(
    ...unknownVariables(environment),
    ...portClashes(values as Partial<Values>),
    ...gatewayFaults(values as Partial<Values>, environment),
  );
  if (faults.length > 0) throw new ConfigError(faults);
  // Without a fault, every variable has the value that its schema promises.
  return configOf(values as Values);
}

function configOf(values: Values): Config {
  const dataDir = resolve(values.DATA_DIR);
  return {
    httpPort: values.HTTP_PORT,
    mqttPort: values.MQTT_PORT,
    mqttWsPort: values.MQTT_WS_PORT,
    doorPort: values.DOOR_PORT,
    httpHost: values.HTTP_HOST ?? values.HOST,
    mqttHost: values.MQTT_HOST ?? values.HOST,
    doorHost: values.DOOR_HOST ?? values.HOST,
    dataDir,
    keysDir: values.KEYS_DIR === undefined ? join(dataDir, 'keys') : resolve(values.KEYS_DIR),
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
        : { url: values.WEBHOOK_URL, secret: values.WEBHOOK_SECRET ?? null },
    ntfyUrl: values.NTFY_URL ?? null,
    pendingTtlMs: values.PENDING_TTL,
    refusedTtlMs: values.REFUSED_TTL,
    sourceAttemptsPerMinute: values.SOURCE_ATTEMPTS_PER_MINUTE,
    pendingMax: values.PENDING_MAX,
    pendingPerSourceMax: values.PENDING_PER_SOURCE_MAX,
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

function gatewayFaults(
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

/** Quotes a value for a message: short, and nothing in it that a terminal would obey. */
const quoted = (text: string) =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    '?',
  );

function readValue<Value>(
  environment: Environment,
  name: string,
  { schema, fallback, expected, more }: Variable<Value>,
  faults: ConfigFault[],
): Value | undefined {
  const given = textOf(environment, name, faults);
  const text = given?.text ?? fallback;
  if (text === null) return undefined;
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  const shown =
    more.secret || given?.isFile ? 'has a value that does not fit' : `is ${quoted(text)}`;
  faults.push({
    variable: `${prefix}${name}${given?.isFile ? '_FILE' : ''}`,
    problem: more.later?.test(text) ? 'asks for what this version does not support yet' : shown,
    remedy: `Give ${expected}`,
  });
  return undefined;
}

/** A variable's text, from itself or from its file; empty is not set. Adds to `faults`. */
function textOf(environment: Environment, name: string, faults: ConfigFault[]) {
  const own = environment[`${prefix}${name}`] ?? '';
  const path = environment[`${prefix}${name}_FILE`] ?? '';
  if (path === '') return own === '' ? null : { text: own, isFile: false };
  const variable = `${prefix}${name}_FILE`;
  if (own !== '') {
    const problem = `is set beside ${prefix}${name}`;
    faults.push({ variable, problem, remedy: 'Keep one of the two' });
    return null;
  }
  try {
    if (statSync(path).size > valueFileBytesMax)
      throw Object.assign(new Error(), { code: 'EFBIG' });
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), isFile: true };
  } catch (error) {
    const { code = 'unreadable' } = error as { code?: string };
    const problem = `names a file that cannot be read (${code})`;
    const remedy =
      'Name a file of at most 64 KiB that the service may read, or remove the variable';
    faults.push({ variable, problem, remedy });
    return null;
  }
}

function unknownVariables(environment: Environment): ConfigFault[] {
  const known = [...Object.keys(variables), ...commandLineNames].flatMap((name) => [
    `${prefix}${name}`,
    `${prefix}${name}_FILE`,
  ]);
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith(prefix) && environment[name] && !known.includes(name),
  );
  return unknown.map((name) => {
    const isLater = laterNames.includes(name.slice(prefix.length).replace(/_FILE$/, ''));
    const meant = isLater ? null : nearestWord(name, known);
    return {
      variable: quoted(name).slice(1, -1),
      problem: isLater ? 'is not supported by this version yet' : 'is not known',
      remedy: `${meant === null ? 'Remove it' : `Did you mean ${meant}?`} (gatebook serve --help lists all)`,
    };
  });
}

/** Two listeners can share a port only on different addresses. What is a fault already clashes with nothing. */
function portClashes(values: Partial<Values>): ConfigFault[] {
  const gates = values.GATEWAY_UPSTREAM !== undefined;
  const listeners = [
    ['HTTP_PORT', values.HTTP_PORT, values.HTTP_HOST ?? values.HOST],
    ['MQTT_PORT', values.MQTT_PORT, values.MQTT_HOST ?? values.HOST],
    ['MQTT_WS_PORT', values.MQTT_WS_PORT, values.MQTT_HOST ?? values.HOST],
    ['DOOR_PORT', values.DOOR_PORT, values.DOOR_HOST ?? values.HOST],
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

/** What the command line reads from the environment; null where it is not set. */
export interface CommandLineSettings {
  readonly url: string | null;
  readonly token: string | null;
  readonly username: string | null;
  readonly password: string | null;
  /** The folder of `gatebook/credentials.json`, after the XDG base directory specification. */
  readonly configFolder: string | null;
  /** NO_COLOR (https://no-color.org): set and not empty. */
  readonly noColor: boolean;
}

/** @throws ConfigError when a variable and its file are both set, or a file cannot be read. */
export function commandLineSettings(environment: Environment): CommandLineSettings {
  const faults: ConfigFault[] = [];
  const text = (name: string) => textOf(environment, name, faults)?.text ?? null;
  const home = environment.HOME || environment.USERPROFILE;
  const settings = {
    url: text('URL'),
    token: text('TOKEN'),
    username: text('USERNAME'),
    password: text('PASSWORD'),
    configFolder: environment.XDG_CONFIG_HOME || (home ? join(home, '.config') : null),
    noColor: (environment.NO_COLOR ?? '') !== '',
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return settings;
}
