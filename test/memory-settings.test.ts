/** The service starts with what keeps its memory small, in its own place, and with what an operator set instead. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newFolder, removeFolder, type Served, serve } from './support/process.ts';
import { skipped } from './support/skipped.ts';

const test = suite<{ dataDir: string }>('memory settings');
test.before(async (context) => {
  context.dataDir = await newFolder();
});
test.after(({ dataDir }) => removeFolder(dataDir));

/** The process that was started is the one that serves: a signal to its id reaches the service. */
async function startedWith(dataDir: string, environment: Readonly<Record<string, string>>) {
  const served: Served = await serve(dataDir, environment);
  const proc = (name: string) => readFileSync(`/proc/${served.pid}/${name}`, 'utf8').split('\0');
  const found = {
    arenas: proc('environ').find((one) => one.startsWith('MALLOC_ARENA_MAX=')),
    flags: proc('cmdline').filter((one) => one.startsWith('--')),
    errors: served.output.err,
  };
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);
  return found;
}

if (process.platform !== 'linux') skipped('memory settings are of Linux');
else {
  test('two arenas, and a small young generation', async ({ dataDir }) => {
    assert.equal(await startedWith(dataDir, {}), {
      ...{ arenas: 'MALLOC_ARENA_MAX=2', flags: ['--max-semi-space-size=8'], errors: '' },
    });
  });

  test('what an operator has set stays', async ({ dataDir }) => {
    assert.equal(await startedWith(dataDir, { MALLOC_ARENA_MAX: '4' }), {
      ...{ arenas: 'MALLOC_ARENA_MAX=4', flags: [], errors: '' },
    });
    assert.equal(await startedWith(dataDir, { NODE_OPTIONS: '--max-semi-space-size=32' }), {
      ...{ arenas: 'MALLOC_ARENA_MAX=2', flags: [], errors: '' },
    });
  });
}

test.run();
