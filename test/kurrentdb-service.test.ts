/** The doors, over a log that lives in KurrentDB: the same tests, with a server in each registry's test. */
import '@kurrent/kurrentdb-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runProgram } from './support/program.ts';

const test = suite('the service on KurrentDB');

const run = (wanted: string) =>
  runProgram(process.execPath, ['test/run.ts', wanted], { TEST_STORE: 'kurrentdb' });

for (const wanted of ['src/door.test', 'src/implicit.test'])
  test(wanted, async () => {
    const { code, output } = await run(wanted);
    assert.is(code, 0, output.slice(-4_000));
    assert.match(output, /^[1-9]\d* passed, 0 failed/m);
  });

test.run();
