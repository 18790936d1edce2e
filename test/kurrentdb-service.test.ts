/**
 * The service over a log that lives in KurrentDB: the same tests of doors, administration, restarts, audit
 * and command line, with a server in each registry's test.
 */
import '@kurrent/kurrentdb-client';
import { runProgram } from './support/program.ts';
import { assert, suite } from './support/suite.ts';

/** Side by side: they mostly wait. `npm run kurrentdb` has all of administration, one after the other. */
const lanes = [
  [
    ...[
      'administration/users.test',
      'administration/requests.test',
      'administration/in-force.test',
    ],
    ...['startup/restart.test', 'cli/session.test'],
  ],
  [
    'registration/implicit.test',
    'registration/door.test',
    'door-attacks.test',
    'audit-events.test',
  ],
];

const test = suite('the service on KurrentDB');

const run = (wanted: string) =>
  runProgram(process.execPath, ['test/run.ts', '--workers=1', wanted], { TEST_STORE: 'kurrentdb' });

const ran = new Map<string, ReturnType<typeof run>>();
test.before(() => {
  for (const lane of lanes) {
    let before: Promise<unknown> = Promise.resolve();
    for (const wanted of lane) {
      const mine = before.then(() => run(wanted));
      ran.set(wanted, mine);
      before = mine;
    }
  }
});

for (const wanted of lanes.flat())
  test(wanted, async () => {
    const { code, output } = (await ran.get(wanted)) ?? { code: null, output: 'it did not run' };
    assert.is(code, 0, output.slice(-4_000));
    assert.match(output, /^[1-9]\d* passed, 0 failed/m);
  });

test.run();
