/**
 * Whether a request names this registry as its host. A page of another site can have its own name lead to this
 * machine (DNS rebinding) and would then call the registry as if it were its own; the name gives it away.
 */
import { hostname as machineName } from 'node:os';
import type { Config } from '../../config/config.ts';
import { isLoopback, matchesNetworks } from '../../platform/networks.ts';
import type { Guard } from '../edge.ts';
import { malformed } from '../response/problem.ts';
import { plainAddress } from './client-address.ts';

interface OwnNames extends Pick<Config, 'publicUrl' | 'httpHost' | 'doorHost' | 'tls'> {
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

export function isOwnHost(names: OwnNames): (host: string) => boolean {
  const machine = names.hostname.toLowerCase();
  const short = machine.split('.')[0] ?? machine;
  const { publicUrl } = names;
  const own = new Set([
    ...['localhost', machine, short, `${short}.local`],
    ...[names.httpHost, names.doorHost, ...names.tls.names].map((one) => one.toLowerCase()),
    ...(publicUrl === null ? [] : [new URL(publicUrl).hostname]),
  ]);
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
 * Refuses foreign names where a request comes in over the loopback. On other addresses people and programs use
 * names that only their network knows; and a trusted proxy says whatever name it was asked for.
 * @throws Problem 400
 */
export function ownHostOnly(
  config: Omit<OwnNames, 'hostname'> & Pick<Config, 'trustedProxies'>,
): Guard {
  const isOwn = isOwnHost({ ...config, hostname: machineName() });
  return ({ headers: { host }, socket: { localAddress, remoteAddress } }) => {
    if (
      host !== undefined &&
      !isOwn(host) &&
      isLoopback(plainAddress(localAddress)) &&
      !matchesNetworks(config.trustedProxies, plainAddress(remoteAddress))
    )
      throw malformed([
        {
          parameter: 'Host',
          detail:
            "Host is no name of this registry: use localhost, its address or the machine's name, or set GATEBOOK_PUBLIC_URL to the name (of a proxy: GATEBOOK_TRUSTED_PROXIES).",
        },
      ]);
  };
}
