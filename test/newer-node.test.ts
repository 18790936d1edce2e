/** Where the machine's Node is older, the one that npm brought runs in a process below, and both end together. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from './support/mqtt-peers.ts';
import { newFolder, removeFolder, serve } from './support/process.ts';
import { adminPassword } from './support/service.ts';
import { skipped } from './support/skipped.ts';
import { assert, suite } from './support/suite.ts';

const test = suite<{ dataDir: string }>('newer node');
test.before.each(async (context) => {
  context.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

/** What bin/gatebook.js does in an older Node. */
const launcher = `
  import { runWith } from ${JSON.stringify(new URL('../bin/newer-node.js', import.meta.url))};
  process.argv = [process.execPath, ${JSON.stringify(new URL('../bin/gatebook.js', import.meta.url).pathname)}, 'serve'];
  runWith(process.execPath);`;

/** The process that another started. */
function below(above: number): number {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.find(([, parent]) => parent === above)?.[0] ?? Number.NaN;
}

/** Serves below an older Node; resolves when it is ready, with the process above and the number of the one below. */
async function servedBelow(dataDir: string) {
  const above = spawn(process.execPath, ['--input-type=module', '-e', launcher], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      GATEBOOK_HTTP_PORT: '0',
      GATEBOOK_MQTT_PORT: '0',
      GATEBOOK_MQTT_WS_PORT: '0',
      GATEBOOK_DATA_DIR: dataDir,
      GATEBOOK_ADMIN_PASSWORD: adminPassword,
    },
  });
  for await (const line of createInterface({ input: above.stdout })) {
    if (JSON.parse(line).msg === 'ready') return { above, pid: below(above.pid as number) };
  }
  throw new Error('it did not start');
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

if (process.platform !== 'win32') {
  test('whoever kills the process above can start it again', async ({ dataDir }) => {
    const { above, pid } = await servedBelow(dataDir);
    assert.ok(isThere(pid));
    above.kill('SIGKILL');
    await until(() => !isThere(pid));
    const again = await serve(dataDir);
    again.kill('SIGTERM');
    assert.is(await again.ended, 0);
  });

  test('a signal reaches the one below, and its exit code comes back', async ({ dataDir }) => {
    const { above, pid } = await servedBelow(dataDir);
    const ended = once(above, 'exit');
    above.kill('SIGTERM');
    assert.equal(await ended, [0, null]);
    assert.not(isThere(pid));
  });
} else skipped('on Windows nobody learns that the process above has ended');

test.run();
