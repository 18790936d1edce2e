/** The header with which a proxy sends its client's address: PROXY protocol, version 2. */
import { isIPv4, isIPv6 } from 'node:net';

/** Both ends of the connection that a client made. */
export interface Ends {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** Version 2, command PROXY. */
const proxied = 0x21;
const family = { unknown: 0x00, tcp4: 0x11, tcp6: 0x21 };

const plain = (address = '') => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');

/** Bytes of an address; undefined for what is none. */
function bytesOf(address: string): number[] | undefined {
  if (isIPv4(address)) return address.split('.').map(Number);
  if (!isIPv6(address)) return undefined;
  const [, before = address, ipv4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  const end = ipv4?.split('.').map(Number) ?? [];
  const of = (text: string) =>
    text
      .split(':')
      .filter((group) => group !== '')
      .flatMap((group) => {
        const value = Number.parseInt(group, 16);
        return [value >> 8, value & 0xff];
      });
  const [head = '', tail = ''] = before.split('::');
  const after = [...of(tail), ...end];
  const zeros = Math.max(0, 16 - of(head).length - after.length);
  return [...of(head), ...Array<number>(zeros).fill(0), ...after];
}

/** The header of section 2.2 of the specification; without two addresses of one family: unknown. */
export function proxyHeader(ends: Ends): Buffer {
  const from = bytesOf(plain(ends.remoteAddress));
  const to = bytesOf(plain(ends.localAddress));
  const known = from !== undefined && to !== undefined && from.length === to.length;
  const addresses = known ? [...from, ...to] : [];
  const ports = Buffer.alloc(known ? 4 : 0);
  if (known) {
    ports.writeUInt16BE(ends.remotePort ?? 0, 0);
    ports.writeUInt16BE(ends.localPort ?? 0, 2);
  }
  const length = addresses.length + ports.length;
  const kind = !known ? family.unknown : from.length === 4 ? family.tcp4 : family.tcp6;
  return Buffer.concat([
    signature,
    Buffer.from([proxied, kind, length >> 8, length & 0xff, ...addresses]),
    ports,
  ]);
}
