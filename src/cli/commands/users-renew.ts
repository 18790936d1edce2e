/** For administrators: `users renew`. */
import type { User } from '../../api/output.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes, usageFault } from '../command.ts';
import { dateTimeText } from '../text/format.ts';
import { instantOf } from '../text/instants.ts';

async function runRenew(call: Call): Promise<number> {
  const [username = ''] = call.positionals;
  const until = call.read('until', (given) => instantOf(given, call.now()));
  if (until !== null && call.has('without-end'))
    throw usageFault('--until and --without-end contradict each other.', ['Give one of the two.']);
  const registry = await signedIn(call);
  const reason = call.text('reason');
  const { body, text } = await registry.send<User>(
    'POST',
    `/users/${encodeURIComponent(username)}/renew`,
    {
      ...(until !== null && { expiresAt: until }),
      ...(call.has('without-end') && { expiresAt: null }),
      ...(reason !== null && { reason }),
    },
  );
  if (call.json) call.terminal.json(text);
  else
    call.terminal.line(
      { text: 'Renewed', style: 'good' },
      ` ${body.username}: ${body.expiresAt === null ? 'without an end' : `until ${dateTimeText(body.expiresAt)}`}.`,
    );
  return exitCodes.done;
}

export const renewCommand: Command = {
  name: 'users renew',
  summary: 'give a user another end, and all else as it is',
  positionals: 'NAME',
  options: {
    until: {
      value: 'T',
      help: 'the end: 30d, 2026-12-31 (else as long again as it was given for)',
    },
    'without-end': { help: 'it ends by itself no more' },
    reason: { value: 'T', help: 'kept in the log' },
  },
  examples: ['gatebook users renew press-17', 'gatebook users renew press-17 --until 90d'],
  run: runRenew,
};
