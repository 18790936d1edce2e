/** The clients of docs/device, to be copied: each goes from 423 to a session at the broker, at a real registry. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { programIsHere } from './support/mqtt-peers.ts';
import { startRegistry, type World } from './support/service.ts';
import { skipped } from './support/skipped.ts';
import { assert, suite } from './support/suite.ts';

interface Here {
  world: World;
  folder: string;
  fingerprint: string;
  running: Set<ChildProcess>;
}

const docs = fileURLToPath(new URL('../docs/device', import.meta.url));
const shim = fileURLToPath(new URL('./support/micropython-shim.py', import.meta.url));
const topic = 'plant/line-4';

/** How one of them is started, where it keeps its password, and what it needs. */
interface Client {
  readonly name: string;
  readonly needs: readonly string[];
  readonly stateFile: (here: Here) => string;
  readonly command: (here: Here, fingerprint: string) => readonly string[];
  readonly password: (state: string) => string | undefined;
}

const fileOf =
  (name: string) =>
  ({ folder }: Here) =>
    join(folder, `${name}.state`);
const httpsOf = ({ world }: Here) => world.running.ready.https ?? '';
const firstWord = (state: string) => state.split(' ')[0];
const inJson = (state: string) => JSON.parse(state).password as string;

const shell = (name: string, isTls: boolean): Client => ({
  name,
  needs: ['curl', 'openssl', 'mosquitto_pub'],
  stateFile: fileOf(name),
  command: (here, fingerprint) => [
    ...['env', `STATE=${fileOf(name)(here)}`],
    ...(isTls
      ? [`URL=${httpsOf(here)}`, `CA_FINGERPRINT=${fingerprint}`]
      : [`URL=${here.world.url}`]),
    ...[join(docs, 'device.sh'), name, `${topic}/${name}`, '21'],
  ],
  password: firstWord,
});

const python: Client = {
  name: 'python',
  needs: ['python3'],
  stateFile: fileOf('python'),
  command: (here, fingerprint) => [
    ...['python3', '-B', join(docs, 'device.py'), 'python', '--url', httpsOf(here)],
    ...['--ca-fingerprint', fingerprint, '--state', fileOf('python')(here)],
  ],
  password: inJson,
};
const microPython: Client = {
  name: 'micropython',
  needs: ['python3'],
  stateFile: fileOf('micropython'),
  command: (here, fingerprint) => [
    ...['python3', '-B', shim, httpsOf(here), 'micropython', fileOf('micropython')(here)],
    fingerprint,
  ],
  password: inJson,
};
const inC: Client = {
  name: 'in-c',
  needs: ['gcc'],
  stateFile: fileOf('in-c'),
  command: (here) => [
    join(here.folder, 'device'),
    ...['127.0.0.1', new URL(here.world.url).port, 'in-c', fileOf('in-c')(here)],
  ],
  password: firstWord,
};
/** Over TLS it does all that, and more. */
const quick = new Set(['shell']);
const clients = [shell('shell', false), shell('shell-tls', true), python, microPython, inC].filter(
  ({ needs, name }) => {
    const missing = needs.filter((program) => !programIsHere(program, '--help'));
    if (missing.length > 0) skipped(`no ${missing.join(', ')} here for ${name}`);
    return missing.length === 0;
  },
);

const test = suite<Here>('devices to copy');
test.before(async (here) => {
  here.world = await startRegistry();
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-devices-'));
  here.fingerprint = (await here.world.call('GET', '/ca')).body.fingerprint;
  here.running = new Set();
  if (!clients.includes(inC)) return;
  const sources = ['posix.c', 'gatebook.c'].map((name) => join(docs, name));
  const strict = ['-std=c99', '-pedantic', '-Wall', '-Wextra', '-Werror'];
  const compiled = spawnSync('gcc', [...strict, '-o', join(here.folder, 'device'), ...sources]);
  assert.is(compiled.status, 0, String(compiled.stderr));
});
test.after(async ({ world, folder, running }) => {
  for (const child of running) child.kill('SIGKILL');
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

function started(here: Here, client: Client, fingerprint = here.fingerprint) {
  const [program = '', ...args] = client.command(here, fingerprint);
  const child = spawn(program, args, { cwd: here.folder });
  here.running.add(child);
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said.text += text;
    });
  const ended = once(child, 'close').then(([code]) => {
    here.running.delete(child);
    return { code: code as number | null, said: said.text };
  });
  return {
    ended,
    /** Resolves when it has said so. */
    async says(text: string): Promise<void> {
      while (!said.text.includes(text)) {
        if (child.exitCode !== null) throw new Error(`${client.name} ended: ${said.text}`);
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended]);
      }
    },
  };
}

async function grant({ world }: Here, name: string): Promise<void> {
  const { body } = await world.call('GET', `/api/client-registry/requests?q=${name}`);
  const request = body.items.find(({ username }: { username: string }) => username === name);
  const permission = { context: 'mqtt', resource: `${topic}/#`, operation: 'readWrite' };
  const path = `/api/client-registry/requests/${request.requestId}/grant`;
  const { status } = await world.call('POST', path, { body: { permissions: [permission] } });
  assert.is(status, 200);
}

test('each asks while it is locked, waits for the decision, and is granted; MQTT works with what it kept', async (here) => {
  const { host, port } = here.world.mqtt;
  const devices = clients.map((client) => ({ client, device: started(here, client) }));
  await Promise.all(devices.map(({ device }) => device.says('locked')));
  const heard: string[] = [];
  const administrator = await connectAsync({
    ...{ host, port, username: 'listener', password: await listenerOf(here) },
    reconnectPeriod: 0,
  });
  administrator.on('message', (at, text) => void heard.push(`${at} ${text}`));
  await administrator.subscribeAsync(`${topic}/#`, { qos: 1 });
  await here.world.call('POST', '/api/client-registry/unlock', { body: {} });
  await Promise.all(
    devices.map(async ({ client, device }) => {
      await device.says('pending');
      await grant(here, client.name);
      const { code, said } = await device.ended;
      assert.is(code, 0, `${client.name}: ${said}`);
      const [pairing = ''] = /pairing ID [0-9a-f]{3} [0-9a-f]{3}\b/.exec(said) ?? [];
      assert.ok(pairing, `${client.name} shows its pairing ID in two groups: ${said}`);
      const file = client.stateFile(here);
      assert.is(statSync(file).mode & 0o777, 0o600, client.name);
      const password = client.password(readFileSync(file, 'utf8')) ?? '';
      assert.not.match(said, password);
      const session = await connectAsync({ host, port, username: client.name, password });
      await session.endAsync();
    }),
  );
  const shells = clients.filter(({ name }) => name.startsWith('shell')).map(({ name }) => name);
  assert.equal(heard.sort(), shells.map((name) => `${topic}/${name} 21`).sort());
  await administrator.endAsync();
});

/** Who listens to what the devices publish. */
async function listenerOf({ world }: Here): Promise<string> {
  const permission = { context: 'mqtt', resource: 'plant/#', operation: 'read' };
  const body = { username: 'listener', permissions: [permission] };
  return (await world.call('POST', '/api/users', { body })).body.password;
}

test('started again they are granted at once, with the same password; a revoked one is told', async (here) => {
  const thorough = clients.filter(({ name }) => !quick.has(name));
  await here.world.call('POST', '/api/client-registry/lock');
  await Promise.all(
    thorough.map(async (client) => {
      const before = readFileSync(client.stateFile(here), 'utf8');
      const { code, said } = await started(here, client).ended;
      assert.is(code, 0, said);
      assert.not.match(said, 'locked');
      const after = readFileSync(client.stateFile(here), 'utf8');
      assert.is(client.password(after), client.password(before));
      await here.world.call('POST', `/api/users/${client.name}/revoke`, { body: {} });
      const revoked = await started(here, client).ended;
      assert.is(revoked.code, 3, `${client.name}: ${revoked.said}`);
      assert.match(revoked.said, 'access-revoked');
    }),
  );
});

test('where the CA is another one, nothing is sent', async (here) => {
  const other = 'ab'.repeat(32);
  const knowing = clients.filter(({ command }) => command(here, other).join(' ').includes(other));
  const before = await here.world.call('GET', '/api/client-registry');
  await Promise.all(
    knowing.map(async (client) => {
      const { code, said } = await started(here, client, other).ended;
      assert.ok(code === 3 || code === 4, `${client.name}: ${code} ${said}`);
      assert.match(said, /another (CA|certificate authority)/, client.name);
    }),
  );
  const after = await here.world.call('GET', '/api/client-registry');
  assert.is(after.body.knockCount, before.body.knockCount);
});

test('the shell is as short as it says', () => {
  const lines = readFileSync(join(docs, 'device.sh'), 'utf8').trimEnd().split('\n');
  assert.ok(lines.length <= 60, `${lines.length} lines`);
});

test.run();
