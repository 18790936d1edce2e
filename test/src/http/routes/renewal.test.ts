/** Renewal by the certificate in hand: one next, taken at its first use; the old one is refused, and its use is shown. */
import { X509Certificate } from 'node:crypto';
import {
  type CertifiedClient,
  callOverTls,
  certifiedClient,
  certify,
} from '../../../support/certificate-in-hand.ts';
import { keyPairs, newCsr } from '../../../support/csr.ts';
import { newName, registerPath, selfPath, strong } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { connectedOverTls } from '../../../support/mqtt-over-tls.ts';
import type { World } from '../../../support/service.ts';
import { assert } from '../../../support/suite.ts';

const test = doorSuite('renewal of a certificate');
const path = '/api/client-registry/certificate';
const rights = { permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }] };
const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;

async function renew(world: World, shown: CertifiedClient, keys = keyPairs.p256()) {
  const { csr } = newCsr(shown.username, keys);
  const answer = await callOverTls(world, shown, path, { body: { csr } });
  return { ...answer, next: certifiedClient(shown.username, keys, answer.body.certificate ?? '') };
}
const self = async (world: World, shown: CertifiedClient) =>
  (await callOverTls(world, shown, selfPath)).status;
const certificateEvents = async (door: { types(name: string): Promise<string[]> }, name: string) =>
  (await door.types(name)).filter((type) => type.startsWith('Certificate'));

test('the next one is good beside the current one until its first use, which ends the old one', async (here) => {
  const { door, world } = here;
  const one = await certify(here, rights);
  const { status, body, next } = await renew(world, one);
  assert.is(status, 201, JSON.stringify(body));
  assert.equal(body.permissions, rights.permissions);
  assert.is.not(serialOf(next.cert), serialOf(one.cert));
  assert.is(await self(world, one), 201);
  assert.equal(
    (await door.user(one.username)).credentials.map((shown: { kind: string; serial: string }) => [
      shown.kind,
      shown.serial,
    ]),
    [one, next].map(({ cert }) => ['certificate', serialOf(cert).toLowerCase().padStart(32, '0')]),
  );
  assert.equal(await certificateEvents(door, one.username), [
    'CertificateIssued',
    'CertificateIssued',
  ]);

  assert.is(await self(world, next), 201);
  assert.is(await self(world, one), 401);
  assert.is((await renew(world, one)).status, 401);
  assert.is(await self(world, next), 201);
  assert.equal((await certificateEvents(door, one.username)).slice(2), [
    'CertificateTaken',
    'CertificateContested',
  ]);
});

test('the same key gets the unused next one again, another key ends it', async (here) => {
  const { world } = here;
  const one = await certify(here);
  const keys = keyPairs.p256();
  const first = await renew(world, one, keys);
  const again = await renew(world, one, keys);
  assert.is(again.body.certificate, first.body.certificate);
  const other = await renew(world, one);
  assert.is(await self(world, first.next), 401);
  assert.is(await self(world, other.next), 201);
});

test('of many who renew at once there is one next', async (here) => {
  const { world, door } = here;
  const one = await certify(here);
  const keys = keyPairs.p256();
  const answers = await Promise.all([1, 2, 3, 4].map(() => renew(world, one, keys)));
  assert.equal([...new Set(answers.map(({ status }) => status))], [201]);
  assert.is(new Set(answers.map(({ body }) => body.certificate)).size, 1);
  assert.is((await certificateEvents(door, one.username)).length, 2);
});

test('a CSR without the certificate, a token and a password give nothing', async (here) => {
  const { world, door } = here;
  const one = await certify(here);
  const { csr } = newCsr(one.username);
  assert.is((await callOverTls(world, null, path, { body: { csr } })).status, 401);
  assert.is((await world.call('POST', path, { body: { csr } })).status, 401);
  await door.lock();
  const asked = { username: one.username, csr, password: strong() };
  assert.is((await world.call('POST', registerPath, { token: null, body: asked })).status, 423);
  // Somebody else's certificate is no use for this name.
  await door.unlock();
  const other = await certify(here);
  const { status, body } = await callOverTls(world, other, path, { body: { csr } });
  assert.equal([status, body.errors[0].pointer], [400, '#/csr']);
});

test('suspended and revoked clients renew nothing, and a next one ends with the rest', async (here) => {
  const { world, door } = here;
  const one = await certify(here);
  const { next } = await renew(world, one);
  await door.change(one.username, 'suspend', { reason: 'stolen' });
  const told = await renew(world, one);
  assert.equal([told.status, told.body.reason], [403, 'stolen']);
  assert.is(await self(world, next), 403);
  await door.change(one.username, 'resume');
  await door.change(one.username, 'revoke');
  assert.is((await renew(world, one)).status, 410);
  await door.change(one.username, 'reinstate');
  for (const shown of [one, next]) assert.is(await self(world, shown), 401);
  await door.change(one.username, 'erase');
  for (const shown of [one, next]) assert.is(await self(world, shown), 401);
});

test('the first connect with the next one closes the sessions of the old one', async (here) => {
  const { world, door } = here;
  const one = await certify(here, rights);
  const { next } = await renew(world, one);
  const ca = world.running.app.ca.chainPem;
  const connect = ({ key, cert }: CertifiedClient, clientId: string) =>
    connectedOverTls(
      world.running.ready.mqtts as string,
      { ca, key, cert },
      { version: 5, clientId: `${one.username}-${clientId}` },
    );
  const old = await connect(one, 'old');
  assert.is(old.code, 0);
  assert.is((await connect(next, 'next')).code, 0);
  assert.is((await old.take('disconnect')).reasonCode, 0x98);
  await old.closed;
  assert.is((await connect(one, 'late')).code, 0x87);
  assert.equal((await certificateEvents(door, one.username)).slice(2), [
    'CertificateTaken',
    'CertificateContested',
  ]);
});

test('so many a minute, and no more', async (here) => {
  const { world, door } = here;
  const one = await certify(here, {}, newName());
  const codes = [];
  for (let nth = 0; nth < 11; nth++) codes.push((await renew(world, one)).status);
  assert.equal(codes, [...Array(10).fill(201), 429]);
  assert.is((await certificateEvents(door, one.username)).length, 11);
});

test.run();
