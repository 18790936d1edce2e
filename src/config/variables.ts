/** Every environment variable of the service: what it means, its default, what it must be. */
import { z } from 'zod';
import { approvalsNeededMax } from '../../domain/approvals/policy.ts';
import { Text, Username } from '../../domain/values.ts';
import { Cidr } from '../../domain/window.ts';
import { endWarningsMax } from '../limits/jobs.ts';
import { atMostOneInProcess, Broker, brokersExpected, brokersMax } from './brokers.ts';
import { PasswordPolicy } from './password-policy.ts';
import {
  isConfidential,
  OidcClaim,
  OidcName,
  OidcRealm,
  OidcRoles,
  OidcSession,
} from './sso-values.ts';
import {
  ClientAuth,
  Duration,
  DurationOrOff,
  EstRetryAfter,
  HookSecret,
  Host,
  listOf,
  numberFrom,
  Password,
  Pem,
  PortOrOff,
  SiemToken,
  SiemUrl,
  SizeOrOff,
  Store,
  urlOf,
  WebhookSecret,
} from './values.ts';

export const prefix = 'GATEBOOK_';

export interface Variable<Value> {
  readonly schema: z.ZodType<Value, string>;
  /** What stands when nobody sets it; null: nothing. */
  readonly fallback: string | null;
  readonly meaning: string;
  /** What it must be, as a person would say it. */
  readonly expected: string;
  /** `shown`: the default in words. `secret`: no fault repeats the value. */
  readonly more: { readonly shown?: string; readonly secret?: true };
}

const variable = <Value>(
  schema: z.ZodType<Value, string>,
  fallback: string,
  meaning: string,
  expected: string,
  more: Variable<Value>['more'] = {},
): Variable<Value> => ({ schema, fallback, meaning, expected, more });

const optional = <Value>(
  schema: z.ZodType<Value, string>,
  shown: string,
  meaning: string,
  expected: string,
  more: Variable<Value>['more'] = {},
): Variable<Value | undefined> => ({
  schema,
  fallback: null,
  meaning,
  expected,
  more: { ...more, shown },
});

const portOrOff = 'a port from 0 to 65535 (0 takes a free one), or off';
const host = 'a host name or an IP address, without a port';
const duration = 'a duration such as 500ms, 90s, 24h or 30d';
const Count = numberFrom(1, 1_000_000);
const count = 'a number from 1 to 1000000';
const secret = { secret: true } as const;

export const variables = {
  HTTP_PORT: variable(PortOrOff, '8080', 'web page and REST API', portOrOff),
  HTTPS_PORT: optional(
    PortOrOff,
    '8443 (free one if HTTP_PORT is 0)',
    'the same by TLS, and certificates',
    portOrOff,
  ),
  MQTT_PORT: variable(PortOrOff, '1883', 'MQTT over TCP', portOrOff),
  MQTT_TLS_PORT: optional(PortOrOff, '8883 (as MQTT_PORT if 0 or off)', 'MQTT over TLS', portOrOff),
  MQTT_WS_PORT: variable(PortOrOff, '9001', 'MQTT over WebSocket, path /mqtt', portOrOff),
  MQTT_WSS_PORT: variable(PortOrOff, 'off', 'the same by TLS', portOrOff),
  DOOR_PORT: variable(PortOrOff, 'off', 'a second port with what devices need alone', portOrOff),
  DOOR_TLS_PORT: variable(PortOrOff, 'off', 'the same by TLS', portOrOff),
  TLS_CERT: optional(
    Pem,
    "issued by the registry's own CA",
    'the certificate chain of all TLS ports (PEM; its file is read again when it changes)',
    'PEM',
    secret,
  ),
  TLS_KEY: optional(Pem, 'made', 'its private key (PEM; likewise)', 'PEM', secret),
  CA_CERT: optional(
    Pem,
    'made at the first start',
    'the CA that certificates are issued by: the issuer first, its chain with the root (PEM)',
    'PEM',
    secret,
  ),
  CA_KEY: optional(Pem, 'made', "the issuer's private key (PEM)", 'PEM', secret),
  CA_OVERLAP: optional(
    z.union([z.literal('none'), Pem]),
    'a CA made before CA_CERT was set',
    'other CAs to trust while the CA changes: each with its chain, and its key where it is to sign lists of revoked ones (PEM); none: no other',
    'PEM',
    secret,
  ),
  TLS_NAMES: optional(
    listOf(Host, 64),
    'localhost, the host, PUBLIC_*',
    'names and addresses that the own certificate is for (a list)',
    'host names or IP addresses, separated by commas',
  ),
  HOST: variable(Host, '127.0.0.1', 'the address that all listeners bind to', host),
  HTTP_HOST: optional(Host, '$HOST', 'instead of HOST for HTTP_PORT', host),
  MQTT_HOST: optional(Host, '$HOST', 'instead of HOST for MQTT', host),
  DOOR_HOST: optional(Host, '$HOST', 'instead of HOST for DOOR_PORT', host),
  DATA_DIR: variable(z.string(), './data', 'folder of the log and the read models', 'a folder'),
  DISK_FREE_MIN: variable(
    SizeOrOff,
    '100MB',
    'with less room on the disk of DATA_DIR the service is not ready',
    'a size such as 500MB or 2GB, or off',
  ),
  KEYS_DIR: optional(z.string(), '$DATA_DIR/keys', 'folder of the key files', 'a folder'),
  STORE: variable(
    Store,
    'sqlite',
    'where the log is kept: sqlite, or kurrentdb://… (EventStoreDB and KurrentDB)',
    'sqlite, or a connection string such as kurrentdb://user:password@host:2113?tls=true',
    secret,
  ),
  BROKER: variable(
    listOf(Broker, brokersMax).refine(atMostOneInProcess),
    'embedded',
    'the brokers that clients connect to (a list)',
    brokersExpected,
    secret,
  ),
  ADMIN_USERNAME: variable(
    Username,
    'admin',
    'the administrator that the first start makes',
    '3 to 128 of A-Z a-z 0-9 . _ @ : -, starting with a letter or digit',
  ),
  ADMIN_PASSWORD: optional(
    Password,
    'made at the first start',
    'its password; counts at the first start only',
    'one line of at least 5 characters and at most 1024 bytes, not a token',
    secret,
  ),
  LOG_LEVEL: variable(
    z.enum(['debug', 'info', 'warn', 'error']),
    'info',
    'the least that is logged',
    'debug, info, warn or error',
  ),
  HOOK_SECRET: optional(
    HookSecret,
    'hooks are off',
    'what EMQX, RabbitMQ and VerneMQ show when they ask',
    '16 to 256 of A-Z a-z 0-9 . _ ~ -',
    secret,
  ),
  GATEWAY_UPSTREAM: optional(
    urlOf('mqtt:', 'mqtts:'),
    'none',
    'the broker that the gateway stands before',
    'an mqtt or mqtts URL without a user, such as mqtt://127.0.0.1:1884',
    secret,
  ),
  GATEWAY_PORT: variable(
    PortOrOff,
    '1885',
    'where clients reach that broker by the gateway',
    portOrOff,
  ),
  GATEWAY_HOST: optional(Host, '$HOST', 'instead of HOST for GATEWAY_PORT', host),
  GATEWAY_TLS_PORT: variable(PortOrOff, 'off', 'the same by TLS, which ends here', portOrOff),
  GATEWAY_TLS_KEY: optional(Pem, 'none', 'its private key (PEM)', 'PEM', secret),
  GATEWAY_TLS_CERT: optional(Pem, 'none', 'its certificate chain (PEM)', 'PEM', secret),
  GATEWAY_PROXY_PROTOCOL: variable(
    z.enum(['off', 'v2']),
    'off',
    'tells that broker the addresses of clients',
    'off or v2',
  ),
  PUBLIC_URL: optional(
    urlOf('http:', 'https:'),
    'as it listens',
    'where people and devices reach this service',
    'an http or https URL without a user, a query or a fragment',
    secret,
  ),
  PUBLIC_MQTT_URLS: optional(
    listOf(urlOf('mqtt:', 'mqtts:', 'ws:', 'wss:'), 64),
    'as it listens',
    'broker addresses for granted devices (a list)',
    'mqtt, mqtts, ws or wss URLs without a user, separated by commas',
    secret,
  ),
  TRUSTED_PROXIES: optional(
    listOf(Cidr, 256),
    'none',
    'proxies whose X-Forwarded-For counts (CIDRs)',
    'CIDRs such as 10.0.0.0/8 or fd00::/8, separated by commas',
  ),
  PASSWORD_POLICY: variable(
    PasswordPolicy,
    '{"min":5}',
    'what passwords need: min lower upper numeric symbol',
    'JSON with min, lower, upper, numeric or symbol, each from 0 to 1024',
  ),
  PENDING_TTL: variable(Duration, '24h', 'how long a request waits for a decision', duration),
  MQTT_TLS_CLIENT_AUTH: variable(
    ClientAuth,
    'either',
    'what opens MQTT over TLS: a certificate or a password, a certificate, or both',
    'either, certificate or both',
  ),
  CERTIFICATE_TTL: variable(
    Duration,
    '8760h',
    "life of a client's certificate, at most that of its grant and of the CA",
    duration,
  ),
  DOOR: variable(
    z.enum(['strict', 'lenient']),
    'strict',
    'lenient: devices of another registry register with unknown members and any content type, too',
    'strict or lenient',
  ),
  EST_BASIC: variable(
    z.enum(['optional', 'required']),
    'optional',
    'whether EST takes a name and a password beside the CSR, or wants them',
    'optional or required',
  ),
  EST_RETRY_AFTER: variable(
    EstRetryAfter,
    '30s',
    'when a client that waits by EST asks again; under load later, up to 600 s',
    'a duration of whole seconds from 1s to 600s, such as 30s or 2m',
  ),
  CERTIFICATE_FILES_DIR: optional(
    z.string(),
    'none',
    'folder where ca.pem and crl.pem are kept up to date for brokers',
    'a folder',
  ),
  CERTIFICATE_FILES_EXEC: optional(
    z.string(),
    'none',
    'a command after each change there, to have brokers read it: systemctl reload mosquitto',
    'a command of the shell',
    secret,
  ),
  END_WARNINGS: optional(
    listOf(Duration, endWarningsMax),
    'none',
    'how long before its end a grant is warned of (a list)',
    `up to ${endWarningsMax} durations such as 14d,1d`,
  ),
  STALE_AFTER: variable(
    DurationOrOff,
    'off',
    'how long a client may not be seen until it counts as stale',
    `${duration}, or off`,
  ),
  STALE_SUSPEND: variable(
    z.enum(['true', 'false']),
    'false',
    'suspends clients that are stale, never people',
    'true or false',
  ),
  REFUSED_TTL: variable(
    Duration,
    '30d',
    'how long verifiers of refused credentials are kept',
    duration,
  ),
  SOURCE_ATTEMPTS_PER_MINUTE: variable(
    numberFrom(0, 1_000_000),
    '600',
    'attempts of one source that match nothing (0: no limit)',
    'a number from 0 to 1000000',
  ),
  WEBHOOK_URL: optional(
    urlOf('http:', 'https:'),
    'none',
    'told of requests, decisions, the lock and clients',
    'an http or https URL without a user, a query or a fragment',
    secret,
  ),
  WEBHOOK_SECRET: optional(
    WebhookSecret,
    'unsigned',
    'signs webhooks (Standard Webhooks)',
    'whsec_ and base64 of 24 to 64 bytes',
    secret,
  ),
  WEBHOOK_FORMAT: variable(
    z.enum(['plain', 'cloudevents']),
    'plain',
    'the form of webhooks: { event, at, data }, or CloudEvents 1.0 (structured)',
    'plain or cloudevents',
  ),
  NTFY_URL: optional(
    urlOf('http:', 'https:'),
    'none',
    'an ntfy topic that tells people who waits for a decision',
    'an http or https URL without a user, a query or a fragment',
    secret,
  ),
  SIEM_URL: optional(
    SiemUrl,
    'none',
    'gets every event of the log, by syslog (RFC 5424) or as NDJSON by POST',
    'syslog+tcp://host:port, syslog+tls://host:port, or an http or https URL, without a user, a query or a fragment',
    secret,
  ),
  SIEM_TOKEN: optional(
    SiemToken,
    'none',
    'shown to an http or https SIEM as a Bearer token, or with the word before it that it has itself',
    'one line of 1 to 4096 visible characters, with one space at most',
    secret,
  ),
  SIEM_CA: optional(Pem, "the system's", 'the CAs of its certificate (PEM)', 'PEM', secret),
  SIEM_FROM: variable(
    z.enum(['beginning', 'now']),
    'beginning',
    'which event is sent first where none was sent yet',
    'beginning or now',
  ),
  OIDC_ISSUER: optional(
    urlOf('https:', 'http:').refine(isConfidential),
    'single sign-on is off',
    'the identity provider (OpenID Connect) that people sign in at',
    'an https URL without a user, a query or a fragment (http on this machine alone)',
  ),
  OIDC_CLIENT_ID: optional(
    Text(1, 256),
    'none',
    'the id that it knows this registry by',
    'text of 1 to 256 characters',
  ),
  OIDC_CLIENT_SECRET: optional(
    Text(1, 1_024),
    'none',
    'the secret of that id',
    'text of 1 to 1024 characters',
    secret,
  ),
  OIDC_NAME: variable(
    OidcName,
    'single sign-on',
    "what the page's button says behind “Sign in with”",
    'one line of 1 to 64 characters',
  ),
  OIDC_REALM: variable(
    OidcRealm,
    'sso',
    'what names of people end in, behind an @: nobody else may have such a name',
    '1 to 63 of A-Z a-z 0-9 . -, starting with a letter or digit',
  ),
  OIDC_SESSION: variable(
    OidcSession,
    '8h',
    'how long a sign-in lasts, with all its tokens',
    'a duration of at most 24h, such as 8h',
  ),
  OIDC_USERNAME_CLAIM: variable(
    OidcClaim,
    'preferred_username',
    'the claim that people are named by here',
    'the name of a claim, of 1 to 128 characters',
  ),
  OIDC_ROLES: optional(
    OidcRoles,
    'none',
    'the claim that has the groups, and the roles of each group (JSON)',
    'JSON such as {"claim":"groups","roles":{"plant-admins":["administrator"]}}, with at most 256 groups and 32 different roles',
  ),
  MQTT_CONNECTIONS_MAX: variable(
    Count,
    '20000',
    'MQTT connections open at once, over all listeners',
    count,
  ),
  PENDING_MAX: variable(Count, '10000', 'requests that wait at once', count),
  PENDING_PER_SOURCE_MAX: variable(Count, '1000', 'the same, from one source', count),
  APPROVALS: variable(
    numberFrom(1, approvalsNeededMax),
    '1',
    'different people that a decision needs',
    `a number from 1 to ${approvalsNeededMax}`,
  ),
  APPROVALS_FOR: variable(
    z.enum(['all', 'people']),
    'all',
    'what needs them: all decisions, or those about people and their HTTP rights alone',
    'all or people',
  ),
  APPROVALS_UNLOCK: variable(
    z.enum(['on', 'off']),
    'off',
    'whether unlocking needs them, too',
    'on or off',
  ),
  APPROVAL_TTL: variable(Duration, '24h', 'how long a proposal waits for approval', duration),
};

export type Values = {
  [Name in keyof typeof variables]: (typeof variables)[Name] extends Variable<infer Value>
    ? Value
    : never;
};

/** Read by the command line; the service lets them stand. */
export const commandLineNames = [
  'URL',
  'TOKEN',
  'USERNAME',
  'PASSWORD',
  'CA_FINGERPRINT',
  'ENROLMENT_CODE',
  'PASSPHRASE',
];
/** Every variable of the service, for `gatebook serve --help` and the docs. */
export const configTable: readonly { name: string; default: string; meaning: string }[] =
  Object.entries(variables).map(([name, { fallback, meaning, more }]) => ({
    name: `${prefix}${name}`,
    default: more.shown ?? fallback ?? '',
    meaning,
  }));
