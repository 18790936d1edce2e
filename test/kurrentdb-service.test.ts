/** The doors, over a log that lives in KurrentDB: the same tests, with a server in each registry's test. */
import { spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('the service on KurrentDB');

const run = (wanted: string): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    const runner = spawn(process.execPath, ['test/run.ts', wanted], {
      env: { ...process.env, TEST_STORE: 'kurrentdb' },
    });
    let output = '';
    const take = (text: Buffer) => {
      output += text;
    };
    runner.stdout.on('data', take);
    runner.stderr.on('data', take);
    runner.once('close', (code) => resolve({ code, output }));
  });

for (const wanted of ['src/door.test', 'src/implicit.test'])
  test(wanted, async () => {
    const { code, output } = await run(wanted);
    assert.is(code, 0, output.slice(-4_000));
    assert.match(output, /^[1-9]\d* passed, 0 failed/m);
  });

test.run();
