/** A hostile registry is told aloud, has a folder of its own, and drops MQTT connections. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/config.ts';
import { requireAlone } from '../../../src/hostile/start.ts';
import { createLogger } from '../../../src/logger.ts';
import { keepDataFolder } from '../../../src/startup/data-folder.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { assert, suite } from '../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook } from '../cli/gatebook.ts';

const test = suite<{ gate: Gatebook }>('a hostile registry is alone');
const silent = createLogger({ level: 'error', write: () => undefined });
test.before.each((here) => {
  here.gate = gatebook();
});
test.after.each(({ gate }) => gate.clean());

test('it says aloud what it is, in a folder of its own, and drops connections', async ({
  gate,
}) => {
  delete gate.environment.GATEBOOK_DATA_DIR;
  const service = gate.start(['serve', '--hostile', '1']);
  const warned = JSON.parse(await service.says('HOSTILE'));
  assert.equal([warned.level, warned.seed], ['warn', '1']);
  const ready = JSON.parse(await service.says('"msg":"ready"'));
  assert.ok(existsSync(join(gate.folder, 'hostile-data', 'log.sqlite')));

  const health = await fetch(`${ready.http}/healthz`);
  assert.is(health.headers.get('gatebook-hostile'), '1');
  // People are not lied to.
  const signIn = await fetch(`${ready.http}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  assert.is(signIn.status, 200);
  const port = Number(new URL(ready.mqtt).port);
  const outcomes: string[] = [];
  for (let attempt = 0; attempt < 5; attempt++)
    try {
      const client = await connected(port, { username: 'admin', password: adminPassword });
      outcomes.push(`code ${client.code}`);
      client.end();
    } catch {
      outcomes.push('dropped');
    }
  // As this seed has it.
  assert.is(outcomes.join(' '), 'dropped dropped code 0 dropped code 0');

  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
  const folder = join(gate.folder, 'hostile-data');
  assert.throws(() => keepDataFolder(folder, silent), 'was made by gatebook serve --hostile');
});

test('no plant becomes hostile: neither its folder, nor a store or broker that others use', async ({
  gate,
}) => {
  const folder = join(gate.folder, 'plant');
  keepDataFolder(folder, silent);
  writeFileSync(join(folder, 'log.sqlite'), '');
  assert.throws(() => keepDataFolder(folder, silent, true), 'was not made by a hostile registry');
  assert.not.ok(existsSync(join(folder, 'HOSTILE')));

  for (const environment of [
    { GATEBOOK_STORE: 'kurrentdb://127.0.0.1:1?tls=false' },
    { GATEBOOK_BROKER: 'mosquitto+mqtt://keeper:password@127.0.0.1:1' },
    { GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://127.0.0.1:1', GATEBOOK_BROKER: 'embedded' },
  ]) {
    const config = parseConfig(environment);
    requireAlone(config);
    const hostile = { ...config, hostileSeed: '7' };
    assert.throws(() => requireAlone(hostile), 'the embedded broker alone');
  }
  requireAlone({ ...parseConfig({}), hostileSeed: '7' });
  const mistyped = await gate.call('serve', '--hostile', 'a seed');
  assert.is(mistyped.exitCode, 2);
  assert.match(mistyped.stderr, 'is no seed');
});

test.run();
