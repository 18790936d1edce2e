/** A log that somebody took events out of: what the commands say, and what the service does. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { exportBatchMax } from '../../../../src/limits/audit.ts';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running } from '../gatebook.ts';

const test = suite<{ gate: Gatebook; service: Running }>('cli tampered log');
/** Stops the service, lays hands on its log, and starts it again. */
async function after(
  gate: Gatebook,
  service: Running,
  hands: (database: DatabaseSync) => unknown,
): Promise<Running> {
  service.child.kill('SIGTERM');
  await service.ended;
  const database = new DatabaseSync(join(gate.folder, 'data', 'log.sqlite'));
  hands(database);
  database.close();
  return await gate.serve();
}
const without = (gate: Gatebook, service: Running, which: string) =>
  after(gate, service, (database) =>
    assert.is(database.prepare(`DELETE FROM events WHERE ${which}`).run().changes, 1),
  );

const newest = 'place = (SELECT max(place) FROM events)';

test.before(async (context) => {
  const gate = gatebook();
  context.gate = gate;
  Object.assign(gate.environment, {
    GATEBOOK_USERNAME: 'admin',
    GATEBOOK_PASSWORD: adminPassword,
  });
  const whole = await gate.serve();
  for (const name of ['one', 'two', 'three'])
    assert.is(
      (await gate.call('roles', 'create', name, '--permission', 'mqtt:read:#')).exitCode,
      0,
    );
  context.service = whole;
});
test.after(({ gate }) => gate.clean());

test('an export that breaks off: what came is kept and counted, and nobody is told to start the registry', async (context) => {
  const { gate } = context;
  // More than one portion of an export; and when all of it is folded, a line that is no JSON any more.
  context.service = await after(gate, context.service, (database) =>
    database.exec(`
      WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT ${2 * exportBatchMax})
      INSERT INTO events (eventId, stream, revision, type, data, metadata)
      SELECT eventId || n, 'role-r' || n, 0, type, replace(data, 'three', 'r' || n), metadata
      FROM events, number WHERE stream = 'role-three'`),
  );
  assert.is((await gate.call('roles', 'show', `r${2 * exportBatchMax}`)).exitCode, 0);
  context.service = await after(gate, context.service, (database) =>
    database.exec(`UPDATE events SET data = '{' WHERE stream = 'role-r${2 * exportBatchMax}'`),
  );
  const file = join(gate.folder, 'log.ndjson');
  const first = await gate.call('export', '--out', file);
  assert.is(first.exitCode, 5);
  assert.match(first.stderr, /^The export broke off; .*log\.ndjson holds [\d,]+ events\.\n/);
  assert.not.match(first.stderr, /Is it running/);
  const line = JSON.parse(await context.service.says('An export broke off'));
  assert.equal([line.level, line.from], ['error', 0]);
  context.service = await after(gate, context.service, (database) =>
    database.exec("DELETE FROM events WHERE stream LIKE 'role-r%'"),
  );
});

test('a log that an event was taken out of: it is exported to its end, and nothing is signed any more', async (context) => {
  const { gate } = context;
  context.service = await without(gate, context.service, 'place = 3');
  const file = join(gate.folder, 'evidence.ndjson');
  assert.is((await gate.call('export', '--out', file)).exitCode, 0);
  await context.service.says('The log is not the one that was published');
  const { exitCode, stderr } = await gate.call('checkpoint');
  assert.is(exitCode, 1);
  assert.match(stderr, /^Nothing is signed: event 2 is not the one that was recorded/);
});

test('a log that ends earlier than what was published: nothing is signed any more', async (context) => {
  const { gate } = context;
  context.service = await without(gate, context.service, newest);
  await context.service.says('The log is not the one that was published');
  const { exitCode, stderr } = await gate.call('checkpoint');
  assert.is(exitCode, 1);
  assert.match(
    stderr,
    /^Nothing is signed: the log ends after \d+ events, and \d+ were published\./,
  );
  assert.match(stderr, /gatebook verify/);
  assert.is((await fetch(`${gate.environment.GATEBOOK_URL}/readyz`)).status, 503);
});

test.run();
