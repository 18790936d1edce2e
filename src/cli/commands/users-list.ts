/** For administrators: `users list`. */
import type { User } from '../../api/output.ts';
import { certificateDaysMax, endDaysMax } from '../../limits/jobs.ts';
import { everyItem, listOptions, page, sayMore } from '../client/lists.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes, usageFault } from '../command.ts';
import type { Piece } from '../terminal/terminal.ts';
import { agoText, countText, dateTimeText } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';
import { countOf } from '../text/parse.ts';

export const statusPiece = (status: User['status']): Piece => ({
  text: status,
  style: status === 'active' ? 'good' : status === 'pending' ? 'warning' : 'bad',
});

/** When the last of its certificates ends. */
function certificateEndPiece({ credentials }: User, now: Date): Piece {
  const ends = credentials.flatMap(({ kind, expiresAt }) =>
    kind === 'certificate' && expiresAt !== null ? [expiresAt] : [],
  );
  const end = ends.sort().at(-1) ?? null;
  const isOver = end !== null && Date.parse(end) <= now.getTime();
  return { text: dateTimeText(end), style: isOver ? 'bad' : 'warning' };
}

/** When its access ends by itself. */
function endPiece({ expiresAt }: User): Piece {
  return { text: dateTimeText(expiresAt), style: 'warning' };
}

const byName = new Intl.Collator('en', { numeric: true }).compare;
type UserOrder = (one: User, other: User) => number;
/** Of instants; none comes last. */
const latestFirst = (one: string | null, other: string | null) => byName(other ?? '', one ?? '');
const soonestFirst = (one: string | null, other: string | null) => byName(one ?? '9', other ?? '9');
const comparisons: Readonly<Record<string, UserOrder>> = {
  name: (one, other) => byName(one.username, other.username),
  status: (one, other) => byName(one.status, other.status) || byName(one.username, other.username),
  sessions: (one, other) => other.sessionCount - one.sessionCount,
  seen: (one, other) => latestFirst(one.lastSeenAt, other.lastSeenAt),
  changed: (one, other) => latestFirst(one.changedAt, other.changedAt),
  ends: (one, other) => soonestFirst(one.expiresAt, other.expiresAt),
};
const orders = Object.keys(comparisons);
const shownDefault = 100;
const usersShownMax = 1_000;

const queryOf = (call: Call) => ({
  status: call.text('status'),
  role: call.text('role'),
  q: call.text('query'),
  endsWithinDays: call.read('ends-within', (given) => countOf(given, 1, endDaysMax)),
  certificateEndsWithinDays: call.read('certificate-ends-within', (given) =>
    countOf(given, 1, certificateDaysMax),
  ),
  unseenForDays: call.read('unseen-for', (given) => countOf(given, 1, endDaysMax)),
  stale: call.has('stale') ? 'true' : null,
  connected: call.has('connected') ? 'true' : null,
});
type UserFilters = ReturnType<typeof queryOf>;

/** All that fit, in the order that was asked for, as one page. @throws MistypedError */
async function sortedPage(call: Call, registry: Registry, query: UserFilters, order: string) {
  const compare = Object.hasOwn(comparisons, order) ? comparisons[order] : undefined;
  if (compare === undefined)
    throw new MistypedError(`"${order}" is no order. Give one of ${orders.join(', ')}.`);
  if (call.has('cursor')) throw usageFault('--sort and --cursor do not go together.');
  const all: User[] = [];
  for await (const user of everyItem<User>(registry, '/users', query)) all.push(user);
  const limit = call.read('limit', (text) => countOf(text, 1, usersShownMax)) ?? shownDefault;
  const body = { items: all.toSorted(compare).slice(0, limit), nextCursor: null };
  return { body, text: JSON.stringify(body), total: all.length };
}

async function runList(call: Call): Promise<number> {
  const query = queryOf(call);
  const order = call.text('sort');
  const registry = await signedIn(call);
  const found =
    order === null
      ? { ...(await page<User>(call, registry, '/users', query)), total: null }
      : await sortedPage(call, registry, query, order);
  const { body, text } = found;
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line('No users.');
  else {
    showUsers(call, body.items, query);
    sayMore(call, body);
    const total = found.total ?? body.items.length;
    const isPart = body.nextCursor !== null || call.has('cursor') || total > body.items.length;
    const shown = `${countText(body.items.length, 'user')} shown`;
    call.terminal.line(
      !isPart
        ? `${countText(total, 'user')}.`
        : total > body.items.length
          ? `${shown}, of ${total.toLocaleString('en')}: --limit ${usersShownMax}`
          : `${shown}.`,
    );
  }
  return exitCodes.done;
}

function showUsers(call: Call, users: readonly User[], query: UserFilters): void {
  const { endsWithinDays: endDays, certificateEndsWithinDays: days } = query;
  const now = call.now();
  const last = endDays !== null ? 'ENDS' : days === null ? 'CHANGED' : 'CERTIFICATE ENDS';
  call.terminal.table(
    ['NAME', 'STATUS', 'ROLES', 'PERMISSIONS', 'SESSIONS', 'SEEN', last],
    users.map((user) => [
      { text: user.username, style: 'strong' },
      statusPiece(user.status),
      user.roles.length > 0 ? user.roles.join(' ') : '–',
      user.permissions.length > 0 ? `${user.permissions.length} own` : '–',
      String(user.sessionCount),
      agoText(user.lastSeenAt, now),
      endDays !== null
        ? endPiece(user)
        : days === null
          ? agoText(user.changedAt, now)
          : certificateEndPiece(user, now),
    ]),
  );
}

export const listCommand: Command = {
  name: 'users list',
  summary: 'see who has or had access',
  positionals: '',
  options: {
    status: { value: 'S', help: 'active, suspended, revoked, expired, denied, pending, unknown' },
    role: { value: 'ROLE', help: 'only those with this role' },
    query: { value: 'T', help: 'only those with this in the name' },
    'ends-within': {
      value: 'DAYS',
      help: 'only those whose access ends within so many days, the first to end first',
    },
    'unseen-for': {
      value: 'DAYS',
      help: 'only active ones that nobody saw for so many days, the longest unseen first',
    },
    connected: { help: 'only those with a live session now' },
    sort: {
      value: 'S',
      help: `of all that fit: ${orders.join(', ')} (default: as the registry lists them)`,
    },
    stale: { help: 'the same for GATEBOOK_STALE_AFTER of the service' },
    'certificate-ends-within': {
      value: 'DAYS',
      help: 'only those whose last certificate ends within so many days, the first to end first',
    },
    ...listOptions,
  },
  examples: [
    'gatebook users',
    'gatebook users list --role press --status active',
    'gatebook users --connected --sort seen',
    'gatebook users --ends-within 14',
    'gatebook users --unseen-for 90',
    'gatebook users --certificate-ends-within 30',
  ],
  run: runList,
};
