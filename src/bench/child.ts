/** Programs that are measured, or measure: started until they say a word, and ended. */
import { type ChildProcess, spawn } from 'node:child_process';

type ChildEnvironment = Readonly<Record<string, string | undefined>>;

/** Starts a process and waits for a line of its output that has the text. */
export async function started(
  program: string,
  args: readonly string[],
  text: string,
  environment: ChildEnvironment,
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const line = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`${program} ended with ${code}`)));
    child.stdout?.on('data', (data: Buffer) => {
      output += data;
      const found = output.split('\n').find((one) => one.includes(text));
      if (found !== undefined) resolve(found);
    });
  });
  return { child, line };
}

export async function ended(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await closed;
}
