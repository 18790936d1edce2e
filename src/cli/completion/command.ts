/** `completion`: a script for a shell, and what that script asks. */
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../command.ts';
import { MistypedError } from '../text/mistyped.ts';
import { namesOf } from './names.ts';
import { scripts } from './scripts.ts';
import { offerFor } from './words.ts';

/** As it was typed of the line that is completed, or as this call has it. */
const typedOption = (call: Call, typed: readonly string[], option: string): string | null => {
  const at = typed.indexOf(`--${option}`);
  return at === -1 ? call.text(option) : (typed[at + 1] ?? null);
};

/** Nobody signs in with a password at each Tab: that would be an event in the log each time. */
const mayAsk = (call: Call, typed: readonly string[]): boolean =>
  call.settings.username === null ||
  call.settings.token !== null ||
  typedOption(call, typed, 'token') !== null;

async function runWords(call: Call, commands: readonly Command[]): Promise<number> {
  const typed = call.positionals.slice(1);
  const current = typed.at(-1) ?? '';
  const { words, names } = offerFor(commands, typed);
  let known: string[] = [];
  if (names !== null && mayAsk(call, typed))
    try {
      const asking = { ...call, text: (option: string) => typedOption(call, typed, option) };
      known = await namesOf(await signedIn(asking), names, current);
    } catch {
      // Nobody to ask, or not theirs to see: then nothing completes, and the shell stays quiet.
    }
  for (const word of new Set([...words, ...known]))
    if (word.startsWith(current)) call.terminal.line(word);
  return exitCodes.done;
}

/** @param commands all that complete, this one too */
export const completionCommand = (commands: () => readonly Command[]): Command => ({
  name: 'completion',
  summary: 'let a shell complete commands, options and names of devices',
  positionals: 'bash|zsh|fish [WORD…]',
  options: {},
  notes: [
    'Names of waiting devices complete behind grant and deny, of clients behind users and history, and so on:',
    'with a login that is kept, or GATEBOOK_TOKEN. The scripts ask: gatebook completion words -- WORD…',
  ],
  examples: [
    'source <(gatebook completion bash)',
    'gatebook completion zsh',
    'gatebook completion fish',
  ],
  run: async (call) => {
    const [shell = ''] = call.positionals;
    if (shell === 'words') return await runWords(call, commands());
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined)
      throw new MistypedError(
        `"${shell}" is no shell. Give one of ${Object.keys(scripts).join(', ')}.`,
      );
    for (const line of script.trimEnd().split('\n')) call.terminal.line(line);
    return exitCodes.done;
  },
});
