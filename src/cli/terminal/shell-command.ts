/** Runs what a person gave as a command of a shell. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What it says goes to stderr: stdout is the answer's. @returns its exit code, or the signal that ended it */
export async function runInShell(command: string): Promise<number | string> {
  const child = spawn(command, { shell: true, stdio: ['ignore', process.stderr, 'inherit'] });
  const [code, signal] = await once(child, 'close');
  return code ?? signal;
}

/** As git does: the variable may hold options, and a shell reads it. @returns its exit code, or the signal that ended it */
export async function runEditor(editor: string, file: string): Promise<number | string> {
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
  const [code, signal] = await once(child, 'close');
  return code ?? signal;
}
