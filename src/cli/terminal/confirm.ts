/** Asks before something is done to many; a script says `--yes` instead. */
import { type Call, usageFault } from '../command.ts';
import { promptLine } from './prompt.ts';

/**
 * @param question without its mark: `Revoke 3 users`
 * @throws CommandFailed with `fault` and `hints` where there is nobody to ask
 */
export async function confirmed(
  call: Call,
  question: string,
  fault: string,
  hints: readonly string[],
): Promise<boolean> {
  if (call.has('yes')) return true;
  if (!call.terminal.isTerminal || process.stdin.isTTY !== true) throw usageFault(fault, hints);
  return (await promptLine(`${question}? Type yes: `)) === 'yes';
}
