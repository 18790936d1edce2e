/** For auditors: `history`, what happened, newest first. */
import type { Event } from '../../api/output.ts';
import { listOptions, page, sayMore } from '../client/lists.ts';
import type { QueryParameters } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes, usageFault } from '../command.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import { dateTimeText, shortened } from '../text/format.ts';
import { pastInstantOf } from '../text/instants.ts';
import type { ShownRights } from '../text/rights.ts';
import { permissionText, rightsText } from '../text/rights.ts';
import { followEvents } from './history-follow.ts';

const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

const said = (words: string, value: unknown): string[] => {
  const found = text(value);
  return found === null ? [] : [words === '' ? found : `${words} ${found}`];
};

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** What an event says beside its name, in one line, whatever kind of event it is. */
export function detailsText({ data }: Pick<Event, 'data'>): string {
  const limits = record(data.limits);
  const rights = 'rights' in data ? rightsText(record(data.rights) as Partial<ShownRights>) : '';
  const permissions = Array.isArray(data.permissions) ? data.permissions.map(permissionText) : [];
  const wants = strings(data.requestedRoles);
  const context = Object.entries(record(data.context)).map(([name, value]) => `${name}=${value}`);
  return [
    ...said('', data.door ?? data.flow),
    ...said('', data.source),
    ...said('client id', data.clientId),
    ...said('pairing ID', data.pairingId),
    ...shortened(context, 4),
    ...(wants.length > 0 ? [`wants roles ${wants.join(' ')}`] : []),
    ...(rights === '' ? [] : [rights]),
    ...said('', data.name),
    ...shortened(permissions, 4),
    ...said('rule', data.preauthorizationId),
    ...said('', data.broker),
    ...said('', data.kind),
    ...said('', data.label),
    ...('until' in data ? [`until ${dateTimeText(text(data.until))}`] : []),
    ...said('for', limits.usernamePattern),
    ...(strings(limits.sources).length > 0 ? [`from ${strings(limits.sources).join(' ')}`] : []),
    ...(typeof limits.maxRequests === 'number' ? [`at most ${limits.maxRequests}`] : []),
    ...said('note:', limits.note),
    // The commands that ask for a window want its id; with requests it would only be noise.
    ...('requestId' in data ? [] : said('window', data.windowId)),
    ...(data.turnedAwayCount ? [`${data.turnedAwayCount} turned away`] : []),
    ...said('reason:', data.reason),
    ...(text(data.blockedUntil) === null
      ? []
      : [`blocked until ${dateTimeText(text(data.blockedUntil))}`]),
  ].join(', ');
}

const historyQuery = (call: Call): QueryParameters => ({
  username: call.positionals[0] ?? null,
  type: call.text('type'),
  actor: call.text('actor'),
  windowId: call.text('window'),
  since: call.read('since', (typed) => pastInstantOf(typed, call.now())),
  until: call.read('until', (typed) => pastInstantOf(typed, call.now())),
  q: call.text('query'),
});

const columnsOf = (ofOne: boolean): string[] =>
  ofOne ? ['WHEN', 'WHAT', 'WHO', 'DETAILS'] : ['WHEN', 'WHAT', 'CLIENT', 'WHO', 'DETAILS'];

function cellsOf(event: Event, ofOne: boolean): string[] {
  const who = event.actor.kind === 'system' ? 'system' : event.actor.name;
  const client = ofOne ? [] : [event.username ?? '–'];
  return [dateTimeText(event.at), event.type, ...client, who, detailsText(event)];
}

function nothingText({ username = null, ...filters }: QueryParameters): string {
  if (Object.values(filters).some((value) => value !== null)) return 'Nothing that fits.';
  return username === null ? 'Nothing happened yet.' : `Nothing is known of ${username}.`;
}

/** Room of the columns of lines that come one by one; whatever is longer moves the rest of its line. */
const followedRoom = { WHEN: 25, WHAT: 22, CLIENT: 16, WHO: 12, DETAILS: 0 };

async function follow(call: Call): Promise<number> {
  if (call.text('cursor') !== null)
    throw usageFault('--follow begins at the newest events; --cursor goes on with older ones.', [
      'Give one of the two.',
    ]);
  const query = historyQuery(call);
  const ofOne = query.username !== null;
  const columns = columnsOf(ofOne);
  const rooms = columns.map((name) => followedRoom[name as keyof typeof followedRoom]);
  const say = (cells: readonly string[]) =>
    call.terminal.line(
      cells
        .map((cell, at) => cell.padEnd(rooms[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  if (!call.json) say(columns);
  const show = (event: Event) =>
    call.json ? call.terminal.json(JSON.stringify(event)) : say(cellsOf(event, ofOne));
  await untilInterrupted((signal) => followEvents(call, query, show, signal), { orUnread: true });
  return exitCodes.done;
}

async function runHistory(call: Call): Promise<number> {
  if (call.has('follow')) return await follow(call);
  const query = historyQuery(call);
  const registry = await signedIn(call);
  const { body, text: json } = await page<Event>(call, registry, '/audit/events', query);
  const ofOne = query.username !== null;
  if (call.json) call.terminal.json(json);
  else if (body.items.length === 0) call.terminal.line(nothingText(query));
  else {
    call.terminal.table(
      columnsOf(ofOne),
      body.items.map((event) => cellsOf(event, ofOne)),
    );
    sayMore(call, body);
  }
  return exitCodes.done;
}

export const historyCommands: readonly Command[] = [
  {
    name: 'history',
    summary: 'see what happened, of one client or of everything, once or live',
    positionals: '[NAME]',
    options: {
      type: { value: 'TYPE', help: 'only events of this type: RegistrationGranted' },
      actor: { value: 'NAME', help: 'only what this person, client or gatebook did' },
      window: { value: 'ID', help: 'only what belongs to this window' },
      since: { value: 'T', help: 'only from then on' },
      until: { value: 'T', help: 'only before' },
      query: { value: 'T', help: 'only with this in client, actor or type' },
      follow: { help: 'oldest first, and go on with what happens, until Ctrl-C' },
      ...listOptions,
    },
    examples: [
      'gatebook history press-17',
      'gatebook history --follow --type RegistrationGranted',
      'gatebook history --actor admin --since 2026-11-23',
      'gatebook history --limit 1000 --json',
    ],
    run: runHistory,
  },
];
