/** The address that a request comes from; forwarded addresses count only from trusted proxies. */
import { BlockList, isIP } from 'node:net';
import { forwardedHopsMax } from '../../limits/http.ts';
import { plainAddress } from '../../platform/networks.ts';

/** One element of `X-Forwarded-For`: an address, perhaps with a port. */
const hopAddress = (element: string): string | null => {
  const hop = element.trim();
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop) ?? [];
  const [, version4] = /^([0-9.]+):\d{1,5}$/.exec(hop) ?? [];
  return plainAddress(bracketed ?? version4 ?? hop);
};

export type SourceOf = (
  peer: string | undefined,
  forwardedFor: string | undefined,
) => string | null;

/**
 * Makes the rule for one configuration: the rightmost hop that is no trusted proxy, null where it is
 * not known.
 * @param trustedProxies CIDRs; none: `X-Forwarded-For` never counts
 */
export function sourceReader(trustedProxies: readonly string[]): SourceOf {
  const trusted = new BlockList();
  for (const cidr of trustedProxies) {
    const [network = '', bits] = cidr.split('/');
    trusted.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  const isTrusted = (address: string) =>
    trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

  // Connections that stay ask many times: those that know of no proxy are told again what they were told.
  let last: { peer: string | undefined; source: string | null } = { peer: undefined, source: null };

  return (peer, forwardedFor) => {
    if (forwardedFor === undefined) {
      if (last.peer !== peer) last = { peer, source: plainAddress(peer) };
      return last.source;
    }
    let source = plainAddress(peer);
    const hops = forwardedFor.split(',');
    for (let hop = 0; hops.length > 0 && source !== null && isTrusted(source); hop++) {
      if (hop === forwardedHopsMax) return null;
      source = hopAddress(hops.pop() ?? '');
    }
    return source;
  };
}
