/** How requests are chosen, ordered and shown: the contested ones first. */
import type { Request } from '../../../api/output.ts';
import { matchesNetworks } from '../../../platform/networks.ts';
import type { Call, CommandOptions } from '../../command.ts';
import type { Column, Piece } from '../../terminal/terminal.ts';
import { agoText, countText, pairingText } from '../../text/format.ts';
import { MistypedError } from '../../text/mistyped.ts';
import { cidrOf } from '../../text/parse.ts';
import { permissionText } from '../../text/rights.ts';

const flows = ['explicit', 'implicit', 'est'];
const orders = ['contested', 'asked', 'name', 'source'] as const;

export const choiceOptions: CommandOptions = {
  flow: { value: 'F', help: `only those that came by ${flows.join(', ')}` },
  from: { value: 'CIDR', many: true, help: 'only those from this network or address (repeatable)' },
  context: {
    value: 'K=V',
    many: true,
    help: 'only those that say this of themselves (repeatable)',
  },
  contested: { help: 'only those whose name another credential asked for, too' },
  sort: {
    value: 'S',
    help: `${orders.join(', ')} (default contested: those first, then the newest)`,
  },
};

/** One word of a few. @throws MistypedError */
const oneOf = (text: string, words: readonly string[], what: string): string => {
  if (words.includes(text)) return text;
  throw new MistypedError(`"${text}" is no ${what}. Give one of ${words.join(', ')}.`);
};

/** The flow, or the door of it that has a name of its own. */
export const flowText = ({ flow, door }: Pick<Request, 'flow' | 'door'>): string =>
  door === 'est' ? door : flow;

const byName = new Intl.Collator('en', { numeric: true }).compare;
type RequestOrder = (one: Request, other: Request) => number;
const newestFirst: RequestOrder = (one, other) => (one.requestedAt < other.requestedAt ? 1 : -1);
const comparisons: Readonly<Record<string, RequestOrder>> = {
  contested: (one, other) =>
    Number(other.contested) - Number(one.contested) || newestFirst(one, other),
  asked: newestFirst,
  name: (one, other) => byName(one.username, other.username),
  source: (one, other) => byName(one.source ?? '', other.source ?? '') || newestFirst(one, other),
};

export interface Choice {
  /** Whether every request is wanted, as the registry orders them. */
  readonly isPlain: boolean;
  /** Those that are wanted, in the order that is wanted. */
  of(requests: readonly Request[]): Request[];
}

/** What the options say of which requests are wanted. @throws MistypedError */
export function choiceOf(call: Call): Choice {
  const flow = call.read('flow', (text) => oneOf(text, flows, 'flow'));
  const networks = call.all('from').map(cidrOf);
  const context = call.all('context').map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw new MistypedError(`"${text}" is no context. Give NAME=VALUE.`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const contested = call.has('contested');
  const sort = call.read('sort', (text) => oneOf(text, orders, 'order'));
  const fits = (one: Request) =>
    (flow === null || flowText(one) === flow) &&
    (networks.length === 0 || matchesNetworks(networks, one.source)) &&
    context.every(([name, value]) => one.context?.[name] === value) &&
    (!contested || one.contested);
  return {
    isPlain: Object.keys(choiceOptions).every((option) => !call.has(option)),
    of: (requests) => requests.filter(fits).toSorted(comparisons[sort ?? 'contested']),
  };
}

export const contextText = ({ context }: Pick<Request, 'context'>): string =>
  Object.entries(context ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** What is told of another credential: the registry counts windows, not tries. */
export const contestedText = ({ conflictCount }: Pick<Request, 'conflictCount'>): string =>
  conflictCount > 1
    ? `contested (another credential, in ${countText(conflictCount, 'window')})`
    : 'contested (another credential)';

/** In a table the word that matters comes first: what is cut is the rest. */
export function kindPiece({ kind, contested, conflictCount, csr }: Request): Piece {
  // A registry of before certificates says nothing of a key.
  const key = csr == null ? '' : `, ${csr.publicKeyAlgorithm} key ${csr.fingerprint}`;
  const names = csr?.otherNames ?? [];
  const same = names.length === 0 ? '' : `, same key as ${names.join(' ')}`;
  if (contested)
    return { text: `${contestedText({ conflictCount })}, ${kind}${key}${same}`, style: 'warning' };
  const text = `${kind}${key}${same}`;
  return names.length === 0 ? text : { text, style: 'warning' };
}

export function wantsText({ requestedRoles, requestedPermissions }: Request): string {
  const roles = requestedRoles.length > 0 ? [`roles: ${requestedRoles.join(' ')}`] : [];
  const wants = [...roles, ...requestedPermissions.map(permissionText)];
  return wants.length > 0 ? wants.join(', ') : '–';
}

/** What became of a request: `granted by admin 2 min ago`. */
export function outcomePiece({ status, decision }: Request, now: Date): Piece {
  if (decision === null) return status;
  const text = `${status} by ${decision.by} ${agoText(decision.at, now)} ago`;
  return { text, style: status === 'granted' ? 'good' : 'bad' };
}

/** Whatever is cut, this word is not. */
const kindColumn = { text: 'KIND', least: 'contested'.length };
const header = ['NAME', 'PAIRING', kindColumn, 'FLOW', 'SOURCE', 'ASKED', 'WANTS'];
/** A terminal that is narrower has no room for what requests show has, too. */
const roomyColumns = 120;

/**
 * `isOpen`: all of them still wait. `columns` of the terminal; null: nothing is cut. A column that says nothing of
 * any of the requests is left out.
 */
export function requestTable(
  requests: readonly Request[],
  isOpen: boolean,
  now: Date,
  columns: number | null,
): [Column[], Piece[][]] {
  const says = requests.map(contextText);
  const isRoomy = columns === null || columns >= roomyColumns;
  const hasClientId = isRoomy && requests.some(({ clientId }) => clientId !== null);
  const hasContext = isRoomy && says.some((text) => text !== '');
  const rows = requests.map((request, at): Piece[] => [
    { text: request.username, style: 'strong' },
    pairingText(request.pairingId),
    kindPiece(request),
    flowText(request),
    request.source ?? '–',
    agoText(request.requestedAt, now),
    wantsText(request),
    ...(hasClientId ? [request.clientId ?? '–'] : []),
    ...(hasContext ? [says[at] === '' ? '–' : (says[at] ?? '–')] : []),
    ...(isOpen ? [] : [outcomePiece(request, now)]),
  ]);
  const more = [
    ...(hasClientId ? ['CLIENT ID'] : []),
    ...(hasContext ? ['SAYS'] : []),
    ...(isOpen ? [] : ['OUTCOME']),
  ];
  return [[...header, ...more], rows];
}
