/** Threads that help the event loop give way to it, and it stays where it was. */
import { pbkdf2 } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  helperNiceness,
  lowerHelpers,
  lowerThisThread,
} from '../../../../src/platform/threads/priority.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('priority of threads');
const isLinux = process.platform === 'linux';
const lowest = 19;

/** The niceness of each thread with this name. */
const nicenessOf = (name: string): number[] =>
  readdirSync('/proc/self/task')
    .filter((thread) => readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === name)
    .map((thread) => getPriority(Number(thread)));

const behind = (niceness: number): number => Math.min(lowest, niceness + helperNiceness);

test('what signs, hashes, compiles and collects garbage is behind the event loop, however often it is said', async () => {
  if (!isLinux) return;
  // The pool begins with its first work.
  await promisify(pbkdf2)('password', 'salt', 1, 16, 'sha256');
  const own = getPriority(process.pid);
  lowerHelpers();
  lowerHelpers();
  const all = [...nicenessOf('libuv-worker'), ...nicenessOf('V8Worker')];
  assert.ok(nicenessOf('libuv-worker').length > 0 && nicenessOf('V8Worker').length > 0);
  for (const niceness of all) assert.is(niceness, behind(own));
  assert.is(getPriority(process.pid), own);
});

test('a worker is behind the event loop by itself, and no other thread with it', async () => {
  if (!isLinux) return;
  const own = getPriority(process.pid);
  const module = new URL('../../../../src/platform/threads/priority.ts', import.meta.url);
  const worker = new Worker(
    `import { ${lowerThisThread.name} } from ${JSON.stringify(module.href)};
     import { getPriority } from 'node:os';
     import { parentPort } from 'node:worker_threads';
     ${lowerThisThread.name}();
     parentPort.postMessage(getPriority());`,
    { eval: true, execArgv: ['--input-type=module'] },
  );
  const niceness = await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  await worker.terminate();
  assert.is(niceness, behind(own));
  assert.is(getPriority(process.pid), own);
});

test.run();
