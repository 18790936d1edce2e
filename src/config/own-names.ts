/**
 * The names that this registry is reached by. A page of another site can have its own name lead to this machine (DNS
 * rebinding), and may open a WebSocket to any; over the loopback, names and origins give it away.
 */
import type { IncomingMessage } from 'node:http';
import { hostname as machineName } from 'node:os';
import { isLoopback, matchesNetworks, plainAddress } from '../platform/networks.ts';
import type { Config } from './config.ts';

interface OwnNames
  extends Pick<Config, 'publicUrl' | 'publicMqttUrls' | 'httpHost' | 'doorHost' | 'mqttHost'> {
  readonly tls: Pick<Config['tls'], 'names'>;
  /** The machine's. */
  readonly hostname: string;
}

/** The name in a `Host` (RFC 9110, section 7.2); null: it is an address, which nobody can make lead elsewhere. */
function nameIn(host: string): string | null | undefined {
  const [, address, name] =
    /^(?:(\[[0-9a-f:.]+\])|([a-z0-9._-]+?)\.?)(?::\d{1,5})?$/i.exec(host) ?? [];
  if (address !== undefined) return plainAddress(address.slice(1, -1)) === null ? undefined : null;
  if (name === undefined) return undefined;
  return plainAddress(name) === null ? name.toLowerCase() : null;
}

const hostsOf = (urls: readonly string[]) => urls.map((url) => new URL(url).hostname.toLowerCase());

const namesOf = ({ publicUrl, publicMqttUrls, hostname, ...config }: OwnNames) => {
  const machine = hostname.toLowerCase();
  const short = machine.split('.')[0] ?? machine;
  return {
    all: new Set([
      ...['localhost', machine, short, `${short}.local`],
      ...[config.httpHost, config.doorHost, config.mqttHost].map((one) => one.toLowerCase()),
      ...config.tls.names.map((one) => one.toLowerCase()),
      ...hostsOf(publicUrl === null ? publicMqttUrls : [publicUrl, ...publicMqttUrls]),
    ]),
    mqtt: new Set(hostsOf(publicMqttUrls)),
  };
};

export function isOwnHost(names: OwnNames): (host: string) => boolean {
  const own = namesOf(names).all;
  const judged = (host: string): boolean => {
    const name = nameIn(host);
    return name === null || (name !== undefined && (own.has(name) || name.endsWith('.localhost')));
  };
  // Most requests say the name of the one before.
  let last = { host: '', isOwn: judged('') };
  return (host) => {
    if (host !== last.host) last = { host, isOwn: judged(host) };
    return last.isOwn;
  };
}

/**
 * Whether a page of this origin (RFC 6454, section 6.2) may open a WebSocket to this host. Every page may where the
 * host is a name that devices are told; at this machine's own names only its own pages may: to `null` belongs whatever
 * hides where it comes from.
 */
export function isOwnOrigin(names: OwnNames): (origin: string, host: string) => boolean {
  const { mqtt } = namesOf(names);
  const isOwn = isOwnHost(names);
  return (origin, host) => {
    const name = nameIn(host);
    if (typeof name === 'string' && mqtt.has(name)) return true;
    if (!URL.canParse(origin)) return false;
    const from = new URL(origin).hostname;
    const address = plainAddress(from.replace(/^\[|\]$/g, ''));
    return address === null ? isOwn(from) : isLoopback(address) || names.tls.names.includes(from);
  };
}

type Arriving = Pick<IncomingMessage, 'headers' | 'socket'>;
type KnownNames = Omit<OwnNames, 'hostname'> & Pick<Config, 'trustedProxies'>;

/**
 * What requests over the loopback alone are judged by: on other addresses people and programs use names that only their
 * network knows, and a trusted proxy says whatever name it was asked for.
 */
const isLocal = (
  { trustedProxies }: Pick<Config, 'trustedProxies'>,
  { socket: { localAddress, remoteAddress } }: Arriving,
): boolean =>
  isLoopback(plainAddress(localAddress)) &&
  !matchesNetworks(trustedProxies, plainAddress(remoteAddress));

/** Whether a request comes over the loopback and names another host than this registry. */
export function foreignHosts(config: KnownNames): (request: Arriving) => boolean {
  const isOwn = isOwnHost({ ...config, hostname: machineName() });
  return (request) => {
    const { host } = request.headers;
    return host !== undefined && !isOwn(host) && isLocal(config, request);
  };
}

/** The same of a WebSocket, which a browser opens for any page: also whether that page is of another site. */
export function foreignSockets(config: KnownNames): (request: Arriving) => boolean {
  const isForeign = foreignHosts(config);
  const isOwn = isOwnOrigin({ ...config, hostname: machineName() });
  return (request) => {
    const { origin, host } = request.headers;
    if (isForeign(request)) return true;
    return origin !== undefined && !isOwn(origin, host ?? '') && isLocal(config, request);
  };
}
