/** A real RabbitMQ that lets clients in by certificates: it reads the list of revoked ones, and asks with the CN alone. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { callOverTls, certifiedClient, certify } from '../../../support/certificate-in-hand.ts';
import { certified, mqttRights } from '../../../support/certified.ts';
import { newCsr } from '../../../support/csr.ts';
import { type Door, doorOf, strong } from '../../../support/door.ts';
import { freePort } from '../../../support/free-port.ts';
import type { ClientIdentity } from '../../../support/mqtt-over-tls.ts';
import {
  type Connect,
  connectPacket,
  publish,
  rawMqttOver,
  subscribed,
  until,
} from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { selfSigned } from '../../../support/tls.ts';
import { type RabbitMq, rabbitMq, rabbitMqIsHere } from './rabbitmq-peer.ts';

const secret = 'a-secret-of-rabbitmq';

interface Here {
  world: World;
  door: Door;
  rabbit: RabbitMq;
  tlsPort: number;
  folder: string;
}

const test = suite<Here>('client certificates at RabbitMQ');
const isHere = rabbitMqIsHere();

const when = (name: string, run: (here: Here) => Promise<void>) =>
  test(name, async (here) => {
    if (isHere) await run(here);
  });

/** What rabbitmq.conf cannot say: the list of revoked certificates. */
const tlsOptions = (folder: string, files: string) => `[{rabbit, [{ssl_options, [
  {cacertfile, "${files}/ca.pem"}, {certfile, "${folder}/cert.pem"}, {keyfile, "${folder}/key.pem"},
  {verify, verify_peer}, {fail_if_no_peer_cert, true},
  {crl_check, true}, {crl_cache, {ssl_crl_hash_dir, {internal, [{dir, "${folder}/crls"}]}}}
]}]}].`;

test.before(async (here) => {
  if (!isHere) return;
  const [httpPort, tlsPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-rabbitmq-tls-'));
  const files = join(folder, 'files');
  const { key, cert } = await selfSigned();
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'cert.pem'), cert);
  const rabbit = await rabbitMq({
    hooks: `http://127.0.0.1:${httpPort}/hooks/rabbitmq/${secret}`,
    more: [
      `mqtt.listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      ...['mqtt.ssl_cert_login = true', 'ssl_cert_login_from = common_name'],
    ],
    advanced: tlsOptions(folder, files),
  });
  const world = await startRegistry({
    ...{ GATEBOOK_HTTP_PORT: String(httpPort), GATEBOOK_HTTPS_PORT: '0' },
    GATEBOOK_BROKER: `${rabbit.address}/?certificates=crl`,
    GATEBOOK_HOOK_SECRET: secret,
    GATEBOOK_CERTIFICATE_FILES_DIR: files,
  });
  Object.assign(here, { world, rabbit, tlsPort, folder, door: doorOf(world) });
  await here.door.unlock({ maxRequests: 1_000 });
  const crl = join(files, 'crl.pem');
  const hash = execFileSync('openssl', ['crl', '-in', crl, '-noout', '-hash'], {
    encoding: 'utf8',
  });
  mkdirSync(join(folder, 'crls'));
  symlinkSync(crl, join(folder, 'crls', `${hash.trim()}.r0`));
  await rabbit.start();
  await until(() => world.running.app.health()['broker:rabbitmq'] === 'up');
});
test.after(async ({ world, rabbit, folder }) => {
  if (!isHere) return;
  await world.stop();
  await rabbit.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Null: the handshake failed. TLS 1.3 tells the client so only after its own part of it. */
async function enters({ tlsPort }: Here, identity: ClientIdentity | null, options: Connect = {}) {
  const socket = connectTls({ ...identity, port: tlsPort, rejectUnauthorized: false });
  const raw = rawMqttOver(socket);
  try {
    await Promise.race([once(socket, 'secureConnect'), raw.closed.then(() => Promise.reject())]);
    raw.send(connectPacket({ clientId: `c-${Math.random()}`, ...options }));
    const { returnCode } = await raw.take('connack');
    return { ...raw, code: returnCode ?? -1 };
  } catch {
    socket.destroy();
    return null;
  }
}

async function codeOf(...attempt: Parameters<typeof enters>): Promise<number | 'no handshake'> {
  const client = await enters(...attempt);
  client?.end();
  return client?.code ?? 'no handshake';
}

async function asksOfUser({ url }: World, fields: Record<string, string>): Promise<string> {
  const body = new URLSearchParams(fields);
  const answer = await fetch(`${url}/hooks/rabbitmq/${secret}/user`, { method: 'POST', body });
  return await answer.text();
}

test('a name without a password is denied unless every RabbitMQ checks certificates', async () => {
  const address = 'rabbitmq+http://user:password@127.0.0.1:1';
  const checked = `${address}/?certificates=crl`;
  const certificates = { GATEBOOK_CERTIFICATE_FILES_DIR: mkdtempSync(join(tmpdir(), 'gatebook-')) };
  for (const [settings, answer] of [
    [{ GATEBOOK_BROKER: `embedded,${address}` }, 'deny'],
    [{ GATEBOOK_BROKER: `embedded,${address},${checked}` }, 'deny'],
    [{ GATEBOOK_BROKER: `embedded,${checked}` }, 'allow'],
  ] as const) {
    const world = await startRegistry({
      ...{ ...settings, ...certificates, GATEBOOK_HOOK_SECRET: secret },
      GATEBOOK_MQTT_TLS_PORT: '0',
    });
    const door = doorOf(world);
    await door.unlock();
    const { username } = await certified(world, door, 'key');
    assert.is(await asksOfUser(world, { username }), answer, settings.GATEBOOK_BROKER);
    await world.stop();
  }
  rmSync(certificates.GATEBOOK_CERTIFICATE_FILES_DIR, { recursive: true });
});

when('a certificate opens alone, with the rights that were granted', async (here) => {
  const { username, identity, password } = await certified(here.world, here.door, 'both');
  const session = await enters(here, identity);
  assert.is(session?.code, 0);
  if (session === null) return;
  assert.equal(await subscribed(session as never, ['plant/#']), [1]);
  session.send(publish('plant/x', 'hello', { qos: 1 }));
  assert.is(String((await session.take('publish')).payload), 'hello');
  session.send(publish('other/x', 'hello', { qos: 1 }));
  await session.closed;
  // A name without a password is refused, and a password beside a key opens nothing.
  assert.is(await codeOf(here, identity, { username }), 4);
  assert.is(await codeOf(here, identity, { username, password: password as string }), 4);
  assert.is(await codeOf(here, null), 'no handshake');
});

when('only who has a certificate comes in by its name, and by no name of another', async (here) => {
  const { username } = await certified(here.world, here.door, 'password');
  const { username: other, identity } = await certified(here.world, here.door, 'key');
  const question = (fields: Record<string, string>) => asksOfUser(here.world, fields);
  assert.is(await question({ username }), 'deny');
  assert.is(await question({ username: 'nobody-at-all' }), 'deny');
  assert.is(await question({ username: other }), 'allow');
  assert.is(await question({ username: other, client_id: 'c' }), 'deny');
  assert.is(await question({ username: other, password: '', client_id: 'c' }), 'deny');
  // Not at the login but at the virtual host, where the client id is told: 5.
  assert.is(await codeOf(here, identity, { clientId: username }), 5);
});

const ends: Record<string, (door: Door, username: string) => Promise<unknown>> = {
  revoke: (door, username) => door.change(username, 'revoke'),
  suspend: (door, username) => door.change(username, 'suspend'),
  erase: (door, username) => door.change(username, 'erase'),
  async replacement(door, username) {
    await door.ask(username, strong());
    const one = (await door.requestsOf(username)).find(
      ({ kind }: { kind: string }) => kind === 'replacement',
    );
    await door.grant(one.requestId, mqttRights);
  },
};
for (const [name, end] of Object.entries(ends))
  when(`${name} ends the session, and the certificate does not come in again`, async (here) => {
    const { username, identity } = await certified(here.world, here.door, 'key');
    const session = await enters(here, identity);
    assert.is(session?.code, 0);
    const began = performance.now();
    const ended = end(here.door, username);
    await session?.closed;
    const closedMs = Math.round(performance.now() - began);
    await ended;
    assert.is.not(await codeOf(here, identity), 0);
    for (let tries = 0; (await codeOf(here, identity)) !== 'no handshake'; tries++)
      assert.ok(tries < 1_000);
    const outMs = Math.round(performance.now() - began);
    console.log(`  ${name}: closed after ${closedMs} ms, no handshake after ${outMs} ms`);
  });

when('renewed, the old one comes in no more once the next one is taken', async (here) => {
  const first = await certify(here, mqttRights);
  const { username, keys } = first;
  const { csr } = newCsr(username, keys);
  const renewal = '/api/client-registry/certificate';
  const { body } = await callOverTls(here.world, first, renewal, { body: { csr } });
  const next = certifiedClient(username, keys, body.certificate);
  const [old, fresh] = [await enters(here, first), await enters(here, next)];
  assert.equal([old?.code, fresh?.code], [0, 0]);
  await callOverTls(here.world, next, '/api/client-registry/requests/self');
  await Promise.all([old?.closed, fresh?.closed]);
  for (let tries = 0; (await codeOf(here, first)) !== 'no handshake'; tries++)
    assert.ok(tries < 1_000);
  assert.is(await codeOf(here, next), 0);
});

test.run();
