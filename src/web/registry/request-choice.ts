/** Which of the waiting requests are looked at, and in which order. */
import type { Request } from '../../api/output.ts';

export interface RequestChoice {
  readonly door: Request['door'] | '';
  /** CIDR, an address, or its beginning. */
  readonly network: string;
  /** `line=4`, or a part of anything that a device says of itself. */
  readonly said: string;
  readonly contested: boolean;
  readonly sort: 'contested' | 'newest' | 'oldest' | 'name' | 'source';
}

export const everyRequest: RequestChoice = {
  ...{ door: '', network: '', said: '', contested: false, sort: 'contested' },
};

export const isEvery = ({ door, network, said, contested }: RequestChoice): boolean =>
  door === '' && network.trim() === '' && said.trim() === '' && !contested;

interface ParsedAddress {
  readonly bits: bigint;
  readonly width: 32 | 128;
}

const ofGroups = (groups: readonly number[], size: 8 | 16): bigint =>
  groups.reduce((sum, group) => (sum << BigInt(size)) | BigInt(group), 0n);

function ipv4Of(text: string): ParsedAddress | null {
  const groups = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : [256];
  return groups.every((group) => group < 256) ? { bits: ofGroups(groups, 8), width: 32 } : null;
}

function ipv6Of(text: string): ParsedAddress | null {
  const [head = '', tail, more] = text.toLowerCase().split('::');
  if (!text.includes(':') || more !== undefined) return null;
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...before, ...Array<string>(missing).fill('0'), ...after];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return null;
  return {
    bits: ofGroups(
      groups.map((group) => Number.parseInt(group, 16)),
      16,
    ),
    width: 128,
  };
}

const addressOf = (text: string): ParsedAddress | null => ipv4Of(text) ?? ipv6Of(text);

/** What is no network yet, since somebody still types it, fits addresses that begin so. */
export function inNetwork(typed: string): (address: string) => boolean {
  const text = typed.trim();
  const [base = '', length] = text.split('/');
  const network = addressOf(base);
  const bits = length === undefined || length === '' ? network?.width : Number(length);
  if (network === null || bits === undefined || !(bits >= 0 && bits <= network.width))
    return (address) => address.startsWith(base);
  const shift = BigInt(network.width - Math.floor(bits));
  return (address) => {
    const its = addressOf(address);
    return its?.width === network.width && its.bits >> shift === network.bits >> shift;
  };
}

function saidFits(typed: string): (request: Request) => boolean {
  const text = typed.trim().toLowerCase();
  const [, name, value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  return ({ context, clientId }) => {
    const said = Object.entries(context ?? {}).map(
      ([key, its]) => [key.toLowerCase(), its.toLowerCase()] as const,
    );
    if (name !== undefined)
      return said.some(([key, its]) => key === name.trim() && its.includes(value.trim()));
    return (
      clientId?.toLowerCase().includes(text) === true ||
      said.some(([key, its]) => key.includes(text) || its.includes(text))
    );
  };
}

export function chosenBy(choice: RequestChoice): (request: Request) => boolean {
  const { door, network, said, contested } = choice;
  const isIn = network.trim() === '' ? null : inNetwork(network);
  const says = said.trim() === '' ? null : saidFits(said);
  return (request) =>
    (door === '' || request.door === door) &&
    (!contested || request.contested) &&
    (isIn === null || (request.source !== null && isIn(request.source))) &&
    (says === null || says(request));
}

const byName = new Intl.Collator('en', { numeric: true }).compare;
type ListOrder = (one: Request, other: Request) => number;
const newestFirst: ListOrder = (one, other) =>
  one.requestedAt === other.requestedAt ? 0 : one.requestedAt < other.requestedAt ? 1 : -1;

export const orders: Readonly<Record<RequestChoice['sort'], ListOrder>> = {
  contested: (one, other) =>
    Number(other.contested) - Number(one.contested) || newestFirst(one, other),
  newest: newestFirst,
  oldest: (one, other) => newestFirst(other, one),
  name: (one, other) => byName(one.username, other.username),
  source: (one, other) => byName(one.source ?? '', other.source ?? '') || newestFirst(one, other),
};
