/** For administrators: `users list`. */
import type { User } from '../../api/output.ts';
import { certificateDaysMax, endDaysMax } from '../../limits.ts';
import { listOptions, page, sayMore } from '../client/lists.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../command.ts';
import type { Piece } from '../terminal/terminal.ts';
import { agoText, dateTimeText } from '../text/format.ts';
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

async function runList(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const days = call.read('certificate-ends-within', (given) =>
    countOf(given, 1, certificateDaysMax),
  );
  const unseenDays = call.read('unseen-for', (given) => countOf(given, 1, endDaysMax));
  const endDays = call.read('ends-within', (given) => countOf(given, 1, endDaysMax));
  const { body, text } = await page<User>(call, registry, '/users', {
    status: call.text('status'),
    role: call.text('role'),
    q: call.text('query'),
    endsWithinDays: endDays,
    certificateEndsWithinDays: days,
    unseenForDays: unseenDays,
    stale: call.has('stale') ? 'true' : null,
  });
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line('No users.');
  else {
    const now = call.now();
    const last = endDays !== null ? 'ENDS' : days === null ? 'CHANGED' : 'CERTIFICATE ENDS';
    call.terminal.table(
      ['NAME', 'STATUS', 'ROLES', 'PERMISSIONS', 'SESSIONS', 'SEEN', last],
      body.items.map((user) => [
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
    sayMore(call, body);
  }
  return exitCodes.done;
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
    'gatebook users --ends-within 14',
    'gatebook users --unseen-for 90',
    'gatebook users --certificate-ends-within 30',
  ],
  run: runList,
};
