/** The names and addresses that this service is reached by, for its own certificate. */
import { isIP } from 'node:net';

interface NamedBy {
  /** Chosen ones; none: the default. */
  readonly names: readonly string[];
  readonly publicUrl: string | null;
  readonly publicMqttUrls: readonly string[];
  /** The machine's. */
  readonly hostname: string;
}

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '');

/** What a DNS name can be in a certificate (RFC 5280, section 4.2.1.6). */
const isName = (name: string): boolean =>
  isIP(name) !== 0 || /^[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?$/i.test(name);

/** `names`, or else: localhost, the loopback's addresses, the machine's name, and what the public URLs name. */
export function serverNames({ names, publicUrl, publicMqttUrls, hostname }: NamedBy) {
  const urls = [...(publicUrl === null ? [] : [publicUrl]), ...publicMqttUrls];
  const found =
    names.length > 0 ? names : ['localhost', '127.0.0.1', '::1', hostname, ...urls.map(hostOf)];
  return [...new Set(found.map((name) => name.toLowerCase()).filter(isName))];
}
