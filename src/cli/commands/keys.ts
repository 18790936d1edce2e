/** For administrators: `keys rotate`, with the older keys beside the new one or ended at once. */
import type { Keys } from '../../api/service.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, retyped } from '../command.ts';
import { confirmed } from '../terminal/confirm.ts';
import { countText, dateTimeText } from '../text/format.ts';

const retiring = 'retire-now';

async function runRotate(call: Call): Promise<number> {
  const retireNow = call.has(retiring);
  if (
    retireNow &&
    !(await confirmed(
      call,
      'End every older key and revoke every token, your own too',
      'Nothing was rotated: this needs --yes, or a terminal to ask on.',
      [
        `Everybody must sign in anew. If that is meant: gatebook keys rotate ${retyped(call)} --yes`,
      ],
    ))
  )
    throw new CommandFailed(exitCodes.failed, 'Nothing was rotated.');
  const { body, text } = await (await signedIn(call)).send<Keys>('POST', '/keys/rotate', {
    retireNow,
  });
  if (call.json) call.terminal.json(text);
  else sayKeys(call, body, retireNow);
  return exitCodes.done;
}

function sayKeys({ terminal }: Call, { keys }: Keys, hasRetired: boolean): void {
  const signing = keys.find(({ use }) => use === 'sign');
  const older = keys.filter(({ use }) => use === 'verify');
  terminal.line(`Tokens are signed with ${signing?.kid ?? '?'} from now on.`);
  if (hasRetired)
    terminal.line(
      'Every older key and every token has ended, yours too. Sign in anew: gatebook login',
    );
  for (const { kid, until } of older)
    terminal.line(`  ${kid} is checked until ${dateTimeText(until)}`);
  if (older.length > 0)
    terminal.line(
      `${countText(older.length, 'older key')} beside it. If one was stolen: gatebook keys rotate --${retiring}`,
    );
}

export const keyCommands: readonly Command[] = [
  {
    name: 'keys rotate',
    summary: 'sign tokens with a new key; the older ones are checked until their tokens end',
    positionals: '',
    options: {
      [retiring]: { help: 'a key was stolen: end every older key and revoke every token, at once' },
      yes: { help: 'do not ask' },
    },
    notes: [
      `After --${retiring} everybody signs in anew, you too, and services need new tokens.`,
      'MQTT sessions that a token opened end with it; passwords go on working.',
    ],
    examples: ['gatebook keys rotate', `gatebook keys rotate --${retiring}`],
    run: runRotate,
  },
];
