/** Addresses: in one spelling, in networks in CIDR notation, as sources of what comes in. */
import { BlockList, isIP, isIPv6 } from 'node:net';

const lists = new WeakMap<readonly string[], BlockList>();

function listOf(networks: readonly string[]): BlockList {
  const known = lists.get(networks);
  if (known) return known;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length = ''] = network.split('/');
    list.addSubnet(address, Number(length), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  lists.set(networks, list);
  return list;
}

/**
 * An address in one spelling: IPv4 in IPv6 (RFC 4291, section 2.5.5.2) as IPv4, IPv6 without zone and as
 * RFC 5952 writes it. Null for what is no address.
 */
export function plainAddress(text: string | undefined): string | null {
  const address = text?.trim().replace(/%.*$/, '') ?? '';
  switch (isIP(address)) {
    case 4:
      return address;
    case 6: {
      const { hostname } = new URL(`http://[${address}]`);
      const plain = hostname.slice(1, -1);
      const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain) ?? [];
      if (high === undefined || low === undefined) return plain;
      const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16);
      return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
    }
    default:
      return null;
  }
}

/** An address that is not known lies in no network. */
export const matchesNetworks = (networks: readonly string[], address: string | null): boolean =>
  address !== null && listOf(networks).check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/**
 * What counts as one source where shares and limits are kept: an IPv4 address, or the /64 of an IPv6 one,
 * since a single host has a whole /64 to itself (RFC 6177).
 */
export function sourceKey(address: string | null): string {
  if (address === null) return 'unknown';
  if (!address.includes(':') || !isIPv6(address)) return address;
  // IPv4 in IPv6 (RFC 4291, section 2.5.5.2) is that IPv4 host.
  const [, ipv4] = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address) ?? [];
  if (ipv4 !== undefined) return ipv4;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/** What sources are neighbours in: the /48 of a /64, which one customer may have whole (RFC 6177); else itself. */
export function networkOf(source: string): string {
  if (!source.endsWith('::/64')) return source;
  return `${source.split(':').slice(0, 3).join(':')}::/48`;
}

/** Whether an address is this machine's own, which no network sees. */
export const isLoopback = (address: string | null): boolean =>
  address !== null && (address.startsWith('127.') || address === '::1');

/** The network of an address that may be written down where it is never erased: an IPv4 /24, an IPv6 /48. */
export function networkText(address: string | null): string | null {
  if (address === null) return null;
  const source = sourceKey(address);
  const ipv4 = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(source)?.[1];
  return ipv4 === undefined ? networkOf(source) : `${ipv4}.0/24`;
}
