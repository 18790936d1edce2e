/** Parses `GATEBOOK_BROKER`: which brokers there are, and how they are reached. */
import { z } from 'zod';

/** Where Mosquitto's control connection goes, and as whom. */
export interface MosquittoAddress {
  readonly transport:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean }
    | { readonly kind: 'unix'; readonly path: string };
  readonly username: string;
  readonly password: string;
}

/** A broker's REST API, and as whom it is called. */
export interface ApiAddress {
  /** Without a slash at the end. */
  readonly url: string;
  readonly username: string;
  /** Empty where a key alone is the user. */
  readonly password: string;
}

export type BrokerSetting =
  | { readonly kind: 'embedded' }
  /** `address` null: a private one, started and looked after by the registry. */
  | { readonly kind: 'mosquitto'; readonly address: MosquittoAddress | null }
  /**
   * It asks the registry over HTTP. `vhosts`: the virtual hosts of RabbitMQ that clients may use. `byCertificate`: it lets
   * clients in by certificates, which it checks against the list of revoked ones.
   */
  | {
      readonly kind: 'emqx' | 'rabbitmq' | 'vernemq';
      readonly api: ApiAddress;
      readonly vhosts: readonly string[];
      readonly byCertificate: boolean;
    };

/** Brokers that one registry drives at once. */
export const brokersMax = 8;

export const brokersExpected =
  'embedded, mosquitto (a private one), mosquitto+mqtt://user:password@host:1883, mosquitto+mqtts://…, ' +
  'mosquitto+unix://user:password@localhost/path/of/the.sock, emqx+http://key:secret@host:18083, ' +
  'rabbitmq+http://user:password@host:15672 or vernemq+http://key@host:8888 (a list)';

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** Null: not such an address. User and password are percent-encoded, as in any URL. */
function mosquittoAddress(text: string): MosquittoAddress | null {
  const [, scheme = ''] = /^mosquitto\+(mqtts?|unix):\/\//.exec(text) ?? [];
  const plain = text.replace(/^mosquitto\+(mqtts?|unix):/, 'http:');
  if (scheme === '' || !URL.canParse(plain)) return null;
  const url = new URL(plain);
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (!username || !password || url.search + url.hash !== '') return null;
  if (scheme === 'unix') {
    const path = decoded(url.pathname);
    const isLocal = url.hostname === 'localhost' && url.port === '';
    if (!isLocal || path === null || path.length < 2) return null;
    return { transport: { kind: 'unix', path }, username, password };
  }
  if (url.pathname !== '/' && url.pathname !== '') return null;
  const tls = scheme === 'mqtts';
  // As `http:` the port 80 is dropped from the URL: look at what was written.
  const [, written] = /:(\d{1,5})\/?$/.exec(text) ?? [];
  const port = written === undefined ? (tls ? 8883 : 1883) : Number(written);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { transport: { kind: 'tcp', host, port, tls }, username, password };
}

/**
 * Null: not such an address. RabbitMQ's virtual hosts stand in the query, `?vhost=plant` (none: `/`), and `certificates=crl`.
 */
function hookSetting(text: string): BrokerSetting | null {
  const [, kind, address = ''] = /^(emqx|rabbitmq|vernemq)\+(https?:\/\/.*)$/.exec(text) ?? [];
  if (kind === undefined || !URL.canParse(address)) return null;
  const url = new URL(address);
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (!username || password === null || (password === '' && kind !== 'vernemq')) return null;
  const vhosts = url.searchParams.getAll('vhost');
  const certificates = url.searchParams.getAll('certificates');
  const strange =
    [...url.searchParams.keys()].some((key) => key !== 'vhost' && key !== 'certificates') ||
    (url.search !== '' && kind !== 'rabbitmq') ||
    certificates.some((how) => how !== 'crl');
  if (strange || url.hash !== '') return null;
  const path = url.pathname.replace(/\/+$/, '');
  return {
    kind: kind as 'emqx' | 'rabbitmq' | 'vernemq',
    api: { url: `${url.origin}${path}`, username, password },
    vhosts: vhosts.length > 0 ? vhosts : ['/'],
    byCertificate: certificates.length > 0,
  };
}

export const Broker = z.string().transform((text, context): BrokerSetting => {
  if (text === 'embedded') return { kind: 'embedded' };
  if (text === 'mosquitto') return { kind: 'mosquitto', address: null };
  const address = mosquittoAddress(text);
  if (address !== null) return { kind: 'mosquitto', address };
  const setting = hookSetting(text);
  if (setting !== null) return setting;
  context.addIssue('is no broker');
  return z.NEVER;
});

/** Whether RabbitMQ lets clients in by certificates. All of several, since a question does not say whose it is. */
export const rabbitmqByCertificate = (brokers: readonly BrokerSetting[]): boolean => {
  const all = brokers.filter(({ kind }) => kind === 'rabbitmq');
  return all.length > 0 && all.every((one) => one.kind === 'rabbitmq' && one.byCertificate);
};

/**
 * Whether `GATEWAY_UPSTREAM` is a Mosquitto whose accounts this registry keeps: then the gateway can admit clients by their
 * certificates. Of several nobody could say which one it stands before.
 */
export const keepsUpstreamAccounts = (brokers: readonly BrokerSetting[]): boolean => {
  const [one, more] = brokers.filter(({ kind }) => kind === 'mosquitto');
  return one?.kind === 'mosquitto' && one.address !== null && more === undefined;
};

/** One broker at most on the MQTT ports of this process: the embedded one, or a private Mosquitto. */
export const atMostOneInProcess = (brokers: readonly BrokerSetting[]): boolean =>
  brokers.filter(
    (one) => one.kind === 'embedded' || (one.kind === 'mosquitto' && one.address === null),
  ).length <= 1;
