/** A log that somebody took events out of: what the commands say, and what the service does. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adminPassword, type Gatebook, gatebook, type Running } from './gatebook.ts';

const test = suite<{ gate: Gatebook; service: Running }>('cli tampered log');
/** Stops the service, takes events out of its log, and starts it again. */
async function without(gate: Gatebook, service: Running, which: string): Promise<Running> {
  service.child.kill('SIGTERM');
  await service.ended;
  const database = new DatabaseSync(join(gate.folder, 'data', 'log.sqlite'));
  assert.is(database.prepare(`DELETE FROM events WHERE ${which}`).run().changes, 1);
  database.close();
  return await gate.serve();
}

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
  context.service = await without(gate, whole, 'place = 3');
});
test.after(({ gate }) => gate.clean());

test('an export that breaks off: what came is kept and counted, and nobody is told to start the registry', async ({
  gate,
  service,
}) => {
  const file = join(gate.folder, 'log.ndjson');
  const first = await gate.call('export', '--out', file);
  assert.is(first.exitCode, 5);
  assert.match(first.stderr, /^The export broke off; .*log\.ndjson holds \d+ events\.\n/);
  assert.not.match(first.stderr, /Is it running/);
  const line = JSON.parse(await service.says('An export broke off'));
  assert.equal([line.level, line.from], ['error', 0]);
  assert.match(line.error.message, /^the log ends at event \d+, and the tree at \d+$/);
});

test('a log that ends earlier than what was published: nothing is signed any more', async (context) => {
  const { gate } = context;
  const last = 'place = (SELECT max(place) FROM events)';
  context.service = await without(gate, context.service, last);
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
