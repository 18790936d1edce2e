/** The word `mosquitto` alone: a private one behind the gateway, started and looked after by the registry. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connected,
  mosquittoPub,
  programIsHere,
  publish,
  subscribed,
  until,
} from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { mosquittoIsHere } from './peer.ts';
import { may } from './world.ts';

const test = suite('private mosquitto');
const isHere = mosquittoIsHere() && programIsHere('mosquitto_pub', '--help');
if (!isHere) skipped('no mosquitto here');
let world: World;

const when = (name: string, run: () => Promise<void>) =>
  test(name, async () => {
    if (isHere) await run();
  });
const up = () => until(() => world.running.app.health()['broker:mosquitto'] === 'up');
const folder = () => join(world.dataDir, 'mosquitto');
const pid = () => Number(readFileSync(join(folder(), 'mosquitto.pid'), 'utf8'));
const post = (path: string, body: object = {}) => world.call('POST', `/api${path}`, { body });
const press = (more: object = {}) =>
  connected(world.mqtt.port, {
    ...{ clientId: 'press-1', username: 'press-1', password: 'hunter-22', version: 5 },
    ...more,
  });
const publishes = () =>
  mosquittoPub(
    world.mqtt.port,
    'press-1',
    'hunter-22',
    '-V',
    '5',
    '-q',
    '1',
    '-t',
    'plant/x',
    '-m',
    'hello',
  );

test.before(async () => {
  if (!isHere) return;
  world = await startRegistry({ GATEBOOK_BROKER: 'mosquitto' });
  await up();
});
test.after(async () => {
  if (isHere) await world.stop();
});

when(
  'implicit flow by mosquitto_pub, from refusal to success, with the same password',
  async () => {
    assert.is.not((await publishes()).exitCode, 0);
    await post('/client-registry/unlock');
    assert.is.not((await publishes()).exitCode, 0);
    const { body } = await world.call('GET', '/api/client-registry/requests');
    assert.is(body.items[0].username, 'press-1');
    assert.is(body.items[0].flow, 'implicit');
    const granted = await post(`/client-registry/requests/${body.items[0].requestId}/grant`, {
      permissions: [may('readWrite', 'plant/#')],
    });
    assert.equal(
      granted.body.activations.map(({ status }: { status: string }) => status),
      ['active'],
    );
    assert.is((await publishes()).exitCode, 0);
  },
);

when(
  'its files are for this account of the machine alone, and nothing listens beside sockets',
  async () => {
    assert.is(statSync(folder()).mode & 0o777, 0o700);
    for (const name of readdirSync(folder()))
      if (name.endsWith('.json')) assert.is(statSync(join(folder(), name)).mode & 0o077, 0, name);
    const configuration = readFileSync(join(folder(), 'mosquitto.conf'), 'utf8');
    assert.equal(
      configuration.match(/^listener .*/gm)?.every((line) => line.startsWith('listener 0 /')),
      true,
    );
  },
);

when('killed, it is started again with its accounts', async () => {
  const before = pid();
  process.kill(before, 'SIGKILL');
  await until(() => existsSync(join(folder(), 'mosquitto.pid')) && pid() !== before);
  await up();
  assert.is((await publishes()).exitCode, 0);
});

when('retained messages and stored sessions outlive a restart of the registry', async () => {
  const stored = { clean: false, properties: { sessionExpiryInterval: 3_600 } };
  const reader = await press({ clientId: 'reader', ...stored });
  await subscribed(reader, ['plant/#']);
  reader.end();
  const writer = await press();
  writer.send(publish('plant/kept', 'retained', { qos: 1, retain: true }));
  await writer.take('puback');
  writer.end();

  await world.restart();
  await up();
  const again = await press({ clientId: 'reader', ...stored });
  assert.is(again.connack.sessionPresent, true);
  assert.is(String((await again.take('publish')).payload), 'retained');
  again.end();
  const fresh = await press({ clientId: 'fresh' });
  await subscribed(fresh, ['plant/kept']);
  assert.is(String((await fresh.take('publish')).payload), 'retained');
  fresh.end();
});

when('a file of accounts that was cut off comes back from its copy, or the log', async () => {
  const accounts = join(folder(), 'dynamic-security.json');
  const cutOff = async () => {
    await world.running.stop();
    writeFileSync(accounts, readFileSync(accounts, 'utf8').slice(0, 100));
  };
  await cutOff();
  await world.restart();
  await up();
  assert.ok(world.lines.some((line) => line.includes('cannot be read')));
  assert.is((await publishes()).exitCode, 0);

  // Without a copy the password is shown to the registry once more, by the gateway.
  await cutOff();
  rmSync(join(folder(), 'dynamic-security.copy.json'));
  await world.restart();
  await up();
  assert.is.not((await publishes()).exitCode, 0);
  let exitCode: number | null = 1;
  for (let tries = 0; tries < 50 && exitCode !== 0; tries++) ({ exitCode } = await publishes());
  assert.is(exitCode, 0);
});

when(
  'it ends with the registry, and one that was left behind is ended at the next start',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gatebook-left-'));
    const program = new URL('../../../../bin/gatebook.js', import.meta.url).pathname;
    const start = async (): Promise<ChildProcess> => {
      const child = spawn(process.execPath, [program, 'serve'], {
        env: {
          PATH: execFileSync('sh', ['-c', 'echo $PATH'], { encoding: 'utf8' }).trim(),
          GATEBOOK_DATA_DIR: dataDir,
          GATEBOOK_BROKER: 'mosquitto',
          ...{ GATEBOOK_HTTP_PORT: '0', GATEBOOK_MQTT_PORT: '0', GATEBOOK_MQTT_WS_PORT: 'off' },
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for await (const text of child.stdout ?? []) if (String(text).includes('"ready"')) break;
      return child;
    };
    const pidOf = () => Number(readFileSync(join(dataDir, 'mosquitto', 'mosquitto.pid'), 'utf8'));
    const runs = (one: number) => {
      try {
        return !readFileSync(`/proc/${one}/stat`, 'utf8').includes(') Z ');
      } catch {
        return false;
      }
    };
    const killed = await start();
    const left = pidOf();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    assert.is(runs(left), true);

    const next = await start();
    assert.is(runs(left), false);
    const own = pidOf();
    assert.is(runs(own), true);
    next.kill('SIGTERM');
    const [exitCode] = await once(next, 'exit');
    assert.is(exitCode, 0);
    assert.is(runs(own), false);
    rmSync(dataDir, { recursive: true });
  },
);

test.run();
