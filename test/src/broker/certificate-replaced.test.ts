/** A re-imaged device takes the place of one with a certificate, by REST and by MQTT: its sessions end, its serial is listed. */
import { X509Certificate } from 'node:crypto';
import { type CertifiedClient, callOverTls, certify } from '../../support/certificate-in-hand.ts';
import { newCsr } from '../../support/csr.ts';
import { type Door, doorOf, registerPath, selfPath, strong } from '../../support/door.ts';
import { connectedOverTls } from '../../support/mqtt-over-tls.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
}

const rights = { permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }] };

const test = suite<Here>('replacement of a client with a certificate');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.door = doorOf(here.world);
  await here.door.unlock();
});
test.after(({ world }) => world.stop());

const session = ({ world }: Here, { key, cert, username }: CertifiedClient) =>
  connectedOverTls(
    world.running.ready.mqtts as string,
    { ca: world.running.app.ca.chainPem, key, cert },
    { version: 5, clientId: `${username}-${strong()}` },
  );

const isListed = async ({ world }: Here, pem: string): Promise<boolean> => {
  const serial = Buffer.from(new X509Certificate(pem).serialNumber, 'hex');
  return Buffer.from(await (await fetch(`${world.url}/ca/crl`)).arrayBuffer()).includes(serial);
};

/** Grants the challenger; its place is taken from the one with the certificate. */
async function granted(here: Here, old: CertifiedClient): Promise<void> {
  const { door } = here;
  const live = await session(here, old);
  assert.is(live.code, 0);
  assert.is(await isListed(here, old.cert), false);
  const [request] = await door.requestsOf(old.username);
  assert.equal([request.kind, request.status], ['replacement', 'pending']);
  await door.grant(request.requestId);
  // Replaced (MQTT 5.0, 3.14.2.1: not authorized or administrative action).
  assert.ok([0x87, 0x98].includes((await live.take('disconnect')).reasonCode ?? 0));
  await live.closed;
  assert.is((await session(here, old)).code, 0x87);
  assert.is((await callOverTls(here.world, old, selfPath)).status, 401);
  assert.is(await isListed(here, old.cert), true);
}

test('by REST, with another key', async (here) => {
  const { world } = here;
  const old = await certify(here, rights);
  const { csr } = newCsr(old.username);
  const ask = () =>
    world.call('POST', registerPath, { token: null, body: { username: old.username, csr } });
  assert.is((await ask()).body.code, 'username-taken');
  await granted(here, old);
  const { status, body } = await ask();
  assert.is(status, 201);
  assert.is(await isListed(here, body.certificate), false);
});

test('by MQTT, with a password: it opens, and has the rights of before', async (here) => {
  const { world, door } = here;
  const old = await certify(here, rights);
  const login = { username: old.username, password: strong(), clientId: strong() };
  const first = await connected(world.mqtt.port, login);
  assert.is(first.code, 5);
  first.end();
  await granted(here, old);
  const again = await connected(world.mqtt.port, login);
  assert.is(again.code, 0);
  again.end();
  const user = await door.user(old.username);
  assert.equal(user.permissions, rights.permissions);
  assert.equal(
    user.credentials.map(({ kind }: { kind: string }) => kind),
    ['password'],
  );
});

test('a refused challenger leaves the certificate as it was', async (here) => {
  const { world, door } = here;
  const old = await certify(here, rights);
  const { csr } = newCsr(old.username);
  await world.call('POST', registerPath, { token: null, body: { username: old.username, csr } });
  const [request] = await door.requestsOf(old.username);
  await door.deny(request.requestId);
  assert.is((await callOverTls(world, old, selfPath)).status, 201);
  assert.is(await isListed(here, old.cert), false);
});

test.run();
