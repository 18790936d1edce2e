/** For auditors: `history`, what happened, newest first. */
import type { Event } from '../http/shapes.ts';
import { type Command, exitCodes } from './command.ts';
import { listOptions, page, sayMore } from './listing.ts';
import type { Rights } from './rights.ts';
import { signedIn } from './sign-in.ts';
import { dateTimeText, instantOf, permissionText, rightsText, shortened } from './words.ts';

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
  const rights = 'rights' in data ? rightsText(record(data.rights) as Partial<Rights>) : '';
  const permissions = Array.isArray(data.permissions) ? data.permissions.map(permissionText) : [];
  const wants = strings(data.requestedRoles);
  const context = Object.entries(record(data.context)).map(([name, value]) => `${name}=${value}`);
  return [
    ...said('', data.flow),
    ...said('', data.source),
    ...said('client id', data.clientId),
    ...said('pairing ID', data.pairingId),
    ...shortened(context, 4),
    ...(wants.length > 0 ? [`wants roles ${wants.join(' ')}`] : []),
    ...(rights === '' ? [] : [rights]),
    ...said('', data.name),
    ...shortened(permissions, 4),
    ...said('', data.broker),
    ...said('', data.kind),
    ...said('', data.label),
    ...('until' in data ? [`until ${dateTimeText(text(data.until))}`] : []),
    ...said('for', limits.usernamePattern),
    ...(strings(limits.sources).length > 0 ? [`from ${strings(limits.sources).join(' ')}`] : []),
    ...(typeof limits.maxRequests === 'number' ? [`at most ${limits.maxRequests}`] : []),
    ...said('note:', limits.note),
    ...said('reason:', data.reason),
    ...(text(data.blockedUntil) === null
      ? []
      : [`blocked until ${dateTimeText(text(data.blockedUntil))}`]),
  ].join(', ');
}

export const historyCommands: readonly Command[] = [
  {
    name: 'history',
    summary: 'see what happened, of one client or of everything',
    positionals: '[NAME]',
    options: {
      type: { value: 'TYPE', help: 'only events of this type: RegistrationGranted' },
      actor: { value: 'NAME', help: 'only what this person, client or gatebook did' },
      window: { value: 'ID', help: 'only what belongs to this window' },
      since: { value: 'T', help: 'only from then on' },
      until: { value: 'T', help: 'only before' },
      query: { value: 'T', help: 'only with this in client, actor or type' },
      ...listOptions,
    },
    examples: [
      'gatebook history press-17',
      'gatebook history --actor admin --type RegistrationGranted --since 2026-11-23',
      'gatebook history --limit 1000 --json',
    ],
    run: async (call) => {
      const [username = null] = call.positionals;
      const registry = await signedIn(call);
      const { body, text: json } = await page<Event>(call, registry, '/audit/events', {
        username,
        type: call.text('type'),
        actor: call.text('actor'),
        windowId: call.text('window'),
        since: call.read('since', (typed) => instantOf(typed, call.now())),
        until: call.read('until', (typed) => instantOf(typed, call.now())),
        q: call.text('query'),
      });
      if (call.json) call.terminal.json(json);
      else if (body.items.length === 0)
        call.terminal.line(
          username === null ? 'Nothing happened yet.' : `Nothing is known of ${username}.`,
        );
      else {
        const columns = ['WHEN', 'WHAT', 'WHO', 'DETAILS'];
        call.terminal.table(
          username === null ? columns.toSpliced(2, 0, 'CLIENT') : columns,
          body.items.map((event) => {
            const who = event.actor.kind === 'system' ? 'system' : event.actor.name;
            const row = [dateTimeText(event.at), event.type, who, detailsText(event)];
            return username === null ? row.toSpliced(2, 0, event.username ?? '–') : row;
          }),
        );
        sayMore(call, body);
      }
      return exitCodes.done;
    },
  },
];
