/** The service over TLS, by a certificate that was given: page, door, MQTT, and how a new one is taken up. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { parseConfig } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { startService } from '../../../src/main.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';
import { type KeyAndCertificate, overTls, selfSigned } from '../../support/tls.ts';
import { until } from './listening-application.ts';

interface Here {
  folder: string;
  certFile: string;
  keyFile: string;
  first: KeyAndCertificate;
  world: World;
}

const test = suite<Here>('tls: a given certificate');

test.before(async (here) => {
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-tls-'));
  here.certFile = join(here.folder, 'cert.pem');
  here.keyFile = join(here.folder, 'key.pem');
  here.first = await selfSigned('first');
  await writeFile(here.certFile, here.first.cert);
  await writeFile(here.keyFile, here.first.key);
  here.world = await startRegistry({
    GATEBOOK_TLS_CERT_FILE: here.certFile,
    GATEBOOK_TLS_KEY_FILE: here.keyFile,
    GATEBOOK_MQTT_WSS_PORT: '0',
    GATEBOOK_DOOR_TLS_PORT: '0',
  });
});
test.after(async ({ folder, world }) => {
  await world.stop();
  await rm(folder, { recursive: true });
});

const signIn = { method: 'POST', body: { username: 'admin', password: adminPassword } };

test('the ready line says where', ({ world }) => {
  const { https = '', mqtts = '', wss = '', doors = '' } = world.running.ready;
  assert.match(https, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.match(mqtts, /^mqtts:\/\/127\.0\.0\.1:\d+$/);
  assert.match(wss, /^wss:\/\/127\.0\.0\.1:\d+\/mqtt$/);
  assert.match(doors, /^https:\/\/127\.0\.0\.1:\d+$/);
});

test('page and API are there, the door on its own port', async ({ world, first: { cert: ca } }) => {
  const { https, doors } = world.running.ready;
  assert.is((await overTls(`${https}/healthz`, { ca })).text, '{"status":"up"}');
  assert.match((await overTls(`${https}/`, { ca })).text, '<!doctype html>');
  const body = { username: 'press-over-tls', password: 'secret-of-press' };
  const asked = await overTls(`${doors}/api/client-registry/register`, {
    ca,
    method: 'POST',
    body,
  });
  assert.is(asked.status, 423);
  assert.is((await overTls(`${doors}/api/users`, { ca })).status, 404);
});

test('the session is a cookie that only TLS carries; without it as before', async ({
  world,
  first: { cert: ca },
}) => {
  const { https = '', http } = world.running.ready;
  const { headers, status } = await overTls(`${https}/page/session`, {
    ...{ ca, ...signIn },
    headers: { 'Gatebook-Page': '1' },
  });
  assert.is(status, 200);
  const port = new URL(https).port;
  const [cookie = ''] = headers['set-cookie'] as string[];
  assert.match(cookie, new RegExp(`^__Host-gatebook-${port}=.*; Path=/; .*; Secure$`));
  const [pair = ''] = cookie.split(';');
  const page = { ca, headers: { 'Gatebook-Page': '1', cookie: pair } };
  assert.is((await overTls(`${https}/api/whoami`, page)).status, 200);

  const plain = await fetch(`${http}/page/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Gatebook-Page': '1' },
    body: JSON.stringify(signIn.body),
  });
  assert.not.match(plain.headers.get('set-cookie') ?? '', /Secure|__Host/);
});

test('no browser is told to stay with HTTPS while HTTP is there', async ({ world, first }) => {
  const { https } = world.running.ready;
  const { headers } = await overTls(`${https}/`, { ca: first.cert });
  assert.is(headers['strict-transport-security'], undefined);
});

const connected = (url: string, ca: string) =>
  mqtt.connectAsync(url, {
    ...{ username: 'admin', password: adminPassword, ca, reconnectPeriod: 0 },
  });

for (const name of ['mqtts', 'wss'] as const)
  test(`MQTT by ${name}`, async ({ world, first }) => {
    const client = await connected(world.running.ready[name] as string, first.cert);
    await client.endAsync();
  });

test('a new certificate counts for new connections, and no session is lost', async (here) => {
  const { world, first, certFile, keyFile } = here;
  const { https, mqtts = '' } = world.running.ready;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await overTls(`${https}/healthz`, { ca: first.cert, agent });
  const session = await connected(mqtts, first.cert);
  let closed = 0;
  session.on('close', () => closed++);

  const second = await selfSigned('second');
  const warnings = () => world.lines.filter((line) => line.includes('certificate was not changed'));
  await writeFile(certFile, second.cert);
  await until(() => warnings().length === 1);
  assert.match(warnings()[0] ?? '', 'key and certificate do not belong together');
  const between = await overTls(`${https}/healthz`, { ca: first.cert });
  assert.is(between.fingerprint, before.fingerprint);

  await writeFile(keyFile, second.key);
  await until(() => world.lines.some((line) => line.includes('certificate was read again')));
  const after = await overTls(`${https}/healthz`, { ca: second.cert });
  assert.is.not(after.fingerprint, before.fingerprint);
  const kept = await overTls(`${https}/healthz`, { ca: first.cert, agent });
  assert.is(kept.fingerprint, before.fingerprint);
  await session.publishAsync('a', 'b', { qos: 1 }).catch(() => undefined);
  assert.is(closed, 0);
  await (await connected(mqtts, second.cert)).endAsync();
  await session.endAsync();
  agent.destroy();
  const secrets = [first.key, second.key].map((key) => key.split('\n')[1] ?? '');
  for (const line of world.lines) for (const secret of secrets) assert.not.match(line, secret);
});

test('HTTP can be off; then browsers are told to stay with HTTPS', async ({ folder, first }) => {
  const dataDir = join(folder, 'data');
  const config = parseConfig({
    ...{ GATEBOOK_TLS_CERT: first.cert, GATEBOOK_TLS_KEY: first.key },
    ...{ GATEBOOK_HTTP_PORT: 'off', GATEBOOK_HTTPS_PORT: '0', GATEBOOK_MQTT_PORT: 'off' },
    GATEBOOK_DATA_DIR: dataDir,
  });
  const running = await startService(
    config,
    createLogger({ level: 'info', write: () => undefined }),
  );
  try {
    const { http, https, mqtt, mqtts } = running.ready;
    assert.equal([http, mqtt, mqtts], [undefined, undefined, undefined]);
    const { headers } = await overTls(`${https}/`, { ca: first.cert });
    assert.match(headers['strict-transport-security'] as string, /^max-age=\d+$/);
  } finally {
    await running.stop();
  }
});

test('a default that somebody else has is left out, and said', async ({ first }) => {
  const other = createServer();
  const isMine = await new Promise<boolean>((resolve) => {
    other.once('error', () => resolve(false));
    other.listen(8443, '127.0.0.1', () => resolve(true));
  });
  const plain = createServer().listen(0, '127.0.0.1');
  await until(() => plain.listening);
  const { port } = plain.address() as { port: number };
  plain.close();
  const world = await startRegistry({
    ...{ GATEBOOK_TLS_CERT: first.cert, GATEBOOK_TLS_KEY: first.key },
    GATEBOOK_HTTP_PORT: String(port),
  });
  try {
    assert.is(world.running.ready.https, undefined);
    assert.ok(world.lines.some((line) => line.includes('GATEBOOK_HTTPS_PORT is off')));
  } finally {
    await world.stop();
    if (isMine) other.close();
  }
});

test.run();
