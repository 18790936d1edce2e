/** Asks a person on the terminal, or reads what a script gives on stdin. */
import { declarationBytesMax } from '../../limits/operating.ts';
import { CommandFailed, exitCodes, usageFault } from '../command.ts';

const lineBytesMax = 4_096;

export const promptLine = (question: string): Promise<string> => prompt(question, true);

/** A line that is not shown while it is typed. */
export const promptSecret = (question: string): Promise<string> => prompt(question, false);

/** Reads one line, key by key, so that nothing of it need be shown. Rejects with CommandFailed on Ctrl-C. */
function prompt(question: string, isShown: boolean): Promise<string> {
  const { stdin, stderr } = process;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed: string[] = [];
  const press = (key: string) => {
    if (key === '\r' || key === '\n') return resolve(typed.join(''));
    if (key === '\x03') return reject(new CommandFailed(exitCodes.interrupted, 'Stopped.'));
    if (key === '\x04' && typed.length === 0) return resolve('');
    if (key === '\x7f' || key === '\b') {
      if (typed.pop() !== undefined && isShown) stderr.write('\b \b');
    } else if (key === '\x15') {
      if (isShown) stderr.write('\b \b'.repeat(typed.length));
      typed = [];
    } else if (key >= ' ' && typed.length < lineBytesMax) {
      typed.push(key);
      if (isShown) stderr.write(key);
    }
  };
  const read = (chunk: string) => [...chunk].forEach(press);
  // First no echo, then the question: what is typed early is not shown either.
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', read);
  stdin.resume();
  stderr.write(question);
  return promise.finally(() => {
    stdin.off('data', read);
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  });
}

/** The first line of stdin without its end. @throws CommandFailed when there is none */
export async function firstLineOfStdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > lineBytesMax) break;
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw usageFault('There is no password on stdin.');
  if (line.length > lineBytesMax) throw usageFault('The password on stdin is too long.');
  return line;
}

/** All that a program gives on stdin. */
export async function textOfStdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > declarationBytesMax) break;
  }
  return text;
}
