/** `gatebook doctor`: each thing that is wrong with an installation is found, with what to do. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseConfig } from '../../../src/config/config.ts';
import { examineInstallation } from '../../../src/main.ts';
import { freePort } from '../../support/free-port.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';
import { type Gatebook, gatebook } from './gatebook.ts';

interface Found {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly remedy: string | null;
}

const test = suite('doctor');
let world: World;
let it: Gatebook;

test.before(async () => {
  world = await startRegistry();
  it = gatebook();
  it.environment.GATEBOOK_DATA_DIR = world.dataDir;
});
test.after(async () => {
  await it.clean();
  await world.stop();
});

async function doctor(environment: Readonly<Record<string, string>> = {}) {
  const before = { ...it.environment };
  Object.assign(it.environment, environment);
  const { exitCode, stdout, stderr } = await it.call('doctor', '--json');
  for (const name of Object.keys(environment)) delete it.environment[name];
  Object.assign(it.environment, before);
  assert.is(stderr, '');
  const { findings } = JSON.parse(stdout) as { findings: Found[] };
  for (const { status, remedy } of findings)
    assert.is(remedy === null, status === 'good', 'what is wrong has a remedy, and nothing else');
  return { exitCode, bad: findings.filter(({ status }) => status !== 'good'), findings };
}

const said = (bad: readonly Found[]) =>
  bad.map(({ check, detail }) => `${check}: ${detail}`).join('\n');

test('beside a service that runs and is well there is nothing to mend', async () => {
  const { exitCode, bad, findings } = await doctor({ GATEBOOK_URL: world.url });
  assert.equal(bad, []);
  assert.is(exitCode, 0);
  assert.ok(findings.some(({ detail }) => detail.includes('in use by a service that runs')));
  assert.ok(findings.some(({ detail }) => detail.includes('is ready: store')));
});

test('events that wait for a SIEM are told by doctor and by status, and keep nobody from being ready', async () => {
  const { metrics } = world.running.app;
  const here = { GATEBOOK_URL: world.url, GATEBOOK_TOKEN: world.token };
  const status = async () => {
    const seen = gatebook();
    Object.assign(seen.environment, here);
    const { stdout } = await seen.call('status');
    await seen.clean();
    return stdout;
  };
  assert.not.match(await status(), /SIEM/);
  metrics.observe({ siemLag: () => ({ events: 1_234, seconds: 400 }) });
  const { bad, exitCode } = await doctor(here);
  assert.match(said(bad), /audit events wait to be sent to the SIEM/);
  assert.equal([bad.length, exitCode], [1, 0]);
  assert.match(await status(), /SIEM +1,234 events wait to be sent, the oldest for 6\S* ?m/);
  metrics.observe({ siemLag: () => ({ events: 0, seconds: 0 }) });
});

test('a check of the service that is down is a fault, with its own remedy', async () => {
  await world.restart({ GATEBOOK_DISK_FREE_MIN: '900000TB' });
  const { exitCode, bad } = await doctor({ GATEBOOK_URL: world.url });
  assert.is(exitCode, 1);
  assert.equal(
    bad.map(({ check, status }) => [check, status]),
    [['service: disk', 'fault']],
  );
  assert.match(bad[0]?.remedy ?? '', /Make room/);
  await world.restart({ GATEBOOK_DISK_FREE_MIN: '1MB' });
});

test('every fault of the configuration at once', async () => {
  const { exitCode, bad } = await doctor({ GATEBOOK_HTTP_PORT: 'x', GATEBOOK_LOG_LEVEL: 'loud' });
  assert.is(exitCode, 1);
  const faults = bad.filter(({ check }) => check === 'configuration');
  assert.is(faults.length, 2);
});

test('without a service: what is wrong on this machine', async () => {
  await world.running.stop();
  const { dataDir } = world;
  const gone = `http://127.0.0.1:${await freePort()}`;
  const quiet = await doctor({ GATEBOOK_URL: gone });
  assert.is(quiet.exitCode, 0);
  assert.equal(
    quiet.bad.map(({ check, status }) => [check, status]),
    [['service', 'warning']],
  );

  chmodSync(join(dataDir, 'keys', 'pepper.key'), 0o644);
  assert.match(said((await doctor()).bad), /pepper\.key can be read or changed by others \(0644\)/);
  chmodSync(join(dataDir, 'keys', 'pepper.key'), 0o600);

  const scarce = await doctor({ GATEBOOK_DISK_FREE_MIN: '900000TB' });
  assert.is(scarce.exitCode, 1);
  assert.match(said(scarce.bad), /disk: [\d,]+ MB free/);

  renameSync(join(dataDir, 'keys'), join(dataDir, 'moved'));
  assert.match(said((await doctor()).bad), /keys is not there, and the log belongs to keys/);
  assert.not.ok(existsSync(join(dataDir, 'keys')), 'and makes none');
  renameSync(join(dataDir, 'moved'), join(dataDir, 'keys'));

  mkdirSync(join(dataDir, '.restoring'));
  assert.match(said((await doctor()).bad), /a restore into .* has not ended/);
  rmSync(join(dataDir, '.restoring'), { recursive: true });

  const broker = await doctor({
    GATEBOOK_BROKER: `mosquitto+mqtt://a:b@127.0.0.1:${await freePort()}`,
  });
  assert.match(said(broker.bad), /broker mosquitto: nobody answers at .*ECONNREFUSED/);
  const store = await doctor({
    GATEBOOK_STORE: `kurrentdb://ada:hunter2@127.0.0.1:${await freePort()}?tls=false`,
  });
  assert.match(said(store.bad), /nothing answers there/);
  assert.not.match(said(store.bad), /hunter2/);
});

test('a clock that went back, and certificates that end', async () => {
  const config = parseConfig({ GATEBOOK_DATA_DIR: world.dataDir });
  const at = async (now: string) =>
    said((await examineInstallation(config, () => now)).filter(({ status }) => status !== 'good'));
  assert.match(await at('2020-01-01T00:00:00.000Z'), /clock: .*the clock went back/);
  assert.match(await at('2020-01-01T00:00:00.000Z'), /is not valid yet/);
  const inTenYears = new Date(Date.now() + 3_640 * 86_400_000).toISOString();
  assert.match(await at(inTenYears), /certificates: the CA of the registry .* in \d+ days/);
  assert.match(await at('2050-01-01T00:00:00.000Z'), /has ended/);
});

test('a log of a newer Gatebook is refused in words, by the start too, and left as it is', async () => {
  const file = join(world.dataDir, 'log.sqlite');
  const setVersion = (version: number) => {
    const database = new DatabaseSync(file);
    database.exec(`PRAGMA user_version = ${version}`);
    database.close();
  };
  setVersion(2);
  assert.match(said((await doctor()).bad), /written by a newer Gatebook \(log version 2/);
  const { exitCode, stderr } = await it.call('rebuild');
  assert.is(exitCode, 1);
  assert.match(stderr, /written by a newer Gatebook/);
  setVersion(1);
});

test('it changes nothing', async () => {
  const listed = () => readdirSync(world.dataDir, { recursive: true }).sort();
  const before = listed();
  await doctor();
  assert.equal(listed(), before);
  const empty = join(it.folder, 'not-there');
  const { exitCode } = await doctor({ GATEBOOK_DATA_DIR: empty });
  assert.is(exitCode, 0);
  assert.not.ok(existsSync(empty));
  writeFileSync(join(it.folder, 'file'), '');
  const { bad } = await doctor({ GATEBOOK_DATA_DIR: join(it.folder, 'file') });
  assert.match(said(bad), /cannot be looked at: /);
});

test.run();
