/** Says on stderr what went wrong: what happened, why, and the remedy; never a stack. What waits is said on stdout. */
import { ConfigError } from '../config/fault.ts';
import { ProblemAnswered } from './client/problem.ts';
import { CommandWaits, sayWaits } from './client/proposed.ts';
import { CommandFailed, exitCodes, usageFault } from './command.ts';
import type { Terminal } from './terminal/terminal.ts';
import { MistypedError } from './text/mistyped.ts';

const fileReasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'this is a folder, not a file',
  ENOTDIR: 'a part of this path is no folder',
  EACCES: 'you may not open it',
  EPERM: 'you may not open it',
  EROFS: 'this disk is not writable',
  ENAMETOOLONG: 'this name is too long',
  ELOOP: 'its links lead in a circle',
};
/** What the system says where a disk, or somebody's part of it, is full. */
export const fullDiskFaults: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** Throws it again: what the system says of a file that was named, in words. `file`: where it stood in another's place. */
export function fileFault(error: unknown, file?: string): never {
  const { code = '', path } = error as NodeJS.ErrnoException;
  if (fullDiskFaults.includes(code))
    throw new CommandFailed(exitCodes.failed, `${file ?? path ?? 'A file'}: the disk is full.`, [
      'Make room on it, or name a file on another disk.',
    ]);
  const reason = fileReasons[code];
  if (reason === undefined) throw error;
  throw usageFault(`${file ?? path ?? 'a file'}: ${reason}.`);
}

/** Says it, and gives the exit code. With `--json` a problem is printed as the registry sent it. */
export function reportFault(terminal: Terminal, json: boolean, error: unknown): number {
  terminal.progress('');
  if (error instanceof CommandWaits) {
    sayWaits({ terminal, json }, error);
    return error.exitCode;
  }
  if (error instanceof ProblemAnswered && json) {
    terminal.errorJson(error.text);
    return error.exitCode;
  }
  if (error instanceof CommandFailed) {
    for (const line of [error.message, ...error.hints]) terminal.error(line);
    return error.exitCode;
  }
  if (error instanceof ConfigError || error instanceof MistypedError) {
    for (const line of error.message.split('\n')) terminal.error(line);
    return exitCodes.usage;
  }
  const { name = 'Error', message = String(error) } = error as Partial<Error>;
  terminal.error(`This went wrong: ${message} (${name})`);
  return exitCodes.failed;
}
