/** The service runs with the memory settings that only a starting process takes, in the process that was started. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { newFolder, removeFolder, serve } from './support/process.ts';
import { skipped } from './support/skipped.ts';
import { assert, suite } from './support/suite.ts';

const test = suite<{ dataDir: string }>('memory settings');
test.before.each(async (context) => {
  context.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

/** What a process was started with, its environment or its arguments. */
const ofProcess = (pid: number, what: 'environ' | 'cmdline') =>
  readFileSync(`/proc/${pid}/${what}`, 'utf8').split('\0').filter(Boolean);

if (process.platform === 'linux') {
  test('they are there, under the number that the supervisor knows', async ({ dataDir }) => {
    const served = await serve(dataDir);
    const environment = ofProcess(served.pid, 'environ');
    for (const name of ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'])
      assert.is(environment.filter((one) => one.startsWith(`${name}=`)).length, 1, name);
    const [, ...words] = ofProcess(served.pid, 'cmdline');
    const program = words.findIndex((word) => /gatebook\.js$/.test(word));
    assert.equal(
      words.slice(0, program).map((flag) => flag.replace(/=\d+$/, '=N')),
      [
        '--max-semi-space-size=N',
        '--v8-pool-size=N',
        '--no-parallel-scavenge',
        '--heap-growing-percent=N',
      ],
    );
    assert.is(words[program + 1], 'serve');
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  });

  test('what the operator has set stays', async ({ dataDir }) => {
    const served = await serve(dataDir, { MALLOC_ARENA_MAX: '7' });
    assert.ok(ofProcess(served.pid, 'environ').includes('MALLOC_ARENA_MAX=7'));
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  });
} else skipped('no Linux here: the settings are of its malloc');

/** How often a process whose environment has malloc's settings collects its whole heap. */
async function wholeCollections(word: string, ...flags: string[]): Promise<number> {
  const program = new URL('support/whole-collections.ts', import.meta.url).pathname;
  const mallocs = ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'];
  const env = { ...process.env, ...Object.fromEntries(mallocs.map((name) => [name, '131072'])) };
  const words = ['--max-semi-space-size=16', ...flags, program, word];
  return Number((await promisify(execFile)(process.execPath, words, { env })).stdout);
}

test('where nothing is started anew, V8 still lets old objects become fewer', async () => {
  const without = await wholeCollections('without');
  const withSettings = await wholeCollections('with-settings');
  assert.ok(withSettings >= 2 * without, `${withSettings} with them, ${without} without`);
  const own = await wholeCollections('with-settings', '--heap-growing-percent=400');
  assert.ok(own < withSettings / 2, `${own} with what an operator set`);
});

test('an object that Node makes for a tick is kept, as it makes them', async () => {
  // JavaScript without types: it runs before anything could strip them.
  const { keepTickShape } = await import(new URL('../bin/memory.js', import.meta.url).href);
  const kept: object[] = keepTickShape();
  await new Promise(setImmediate);
  const [tick = {}] = kept;
  assert.equal(Object.keys(tick), ['callback', 'args']);
  assert.is(String(Object.getOwnPropertySymbols(tick)[0]), 'Symbol(async_id_symbol)');
});

test.run();
