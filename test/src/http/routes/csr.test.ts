/** Certificates at the explicit door: asked for with a CSR, issued at the grant, and what a CSR alone is told. */
import { X509Certificate } from 'node:crypto';
import { readCsr } from '../../../../src/credentials/certificates/csr.ts';
import { csrDer, keyPairs, newCsr, pem } from '../../../support/csr.ts';
import { newName, registerPath, strong } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { numbersFrom } from '../../../support/hostile-csr.ts';
import { assert } from '../../../support/suite.ts';

const test = doorSuite('certificates at the door');

const rights = { permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }] };

test('a CSR alone waits, shows its key, and gets a chain at the grant: always the same', async ({
  door,
  world,
}) => {
  const username = newName();
  const { csr, publicKey } = newCsr(username);
  const ask = () => world.call('POST', registerPath, { token: null, body: { username, csr } });
  const first = await ask();
  assert.is(first.status, 202, JSON.stringify(first.body));
  const { requestId, registrationToken } = first.body;
  const [request] = await door.requestsOf(username);
  const { key } = readCsr(csr, username);
  assert.equal(request.csr, {
    publicKeyAlgorithm: 'EC P-256',
    fingerprint: key?.fingerprint,
  });
  await door.lock();
  assert.is((await ask()).status, 202);
  await door.grant(requestId, { ...rights, mqttPublishPrefix: 'a/' });

  const answers = await Promise.all([ask(), ask(), door.self(registrationToken), ask()]);
  for (const { status, body } of answers) {
    assert.is(status, 201, JSON.stringify(body));
    // Without the key nobody learns what it may.
    assert.equal(
      [body.permissions, body.effectivePermissions, body.mqttPublishPrefix, body.roles],
      [[], [], null, []],
    );
    assert.is(body.certificate, answers[0].body.certificate);
  }
  const blocks = answers[0].body.certificate.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g);
  assert.is(blocks.length, 2);
  const [leaf, root] = blocks.map((block: string) => new X509Certificate(block));
  assert.is(leaf.subject, `CN=${username}`);
  assert.is(leaf.subjectAltName, undefined);
  assert.equal(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.is(leaf.ca, false);
  assert.ok(leaf.verify(root.publicKey));
  assert.ok(leaf.publicKey.equals(publicKey));
  assert.equal(
    (await door.types(username)).filter((type) => type.startsWith('Certificate')),
    ['CertificateIssued'],
  );
  const [issued] = (await door.events(username)).slice(-1);
  assert.is(issued.data.serial, leaf.serialNumber.toLowerCase().padStart(32, '0'));
});

test('a password beside a key asks again and tells all, and is no way in', async ({
  door,
  world,
}) => {
  const [username, password] = [newName(), strong()];
  const { csr } = newCsr(username);
  const { requestId } = await door.pending(username, password, { csr });
  await door.grant(requestId, rights);
  const told = await door.ask(username, password, { csr });
  assert.is(told.status, 201);
  assert.equal(told.body.permissions, rights.permissions);
  assert.match(told.body.certificate, 'BEGIN CERTIFICATE');
  assert.is((await door.ask(username, password)).body.certificate, told.body.certificate);
  const login = await world.call('POST', '/api/login', {
    token: null,
    body: { username, password },
  });
  assert.is(login.status, 401);
  // Another key beside the right password, and the right key beside a wrong password, are other credentials.
  await door.lock();
  assert.is((await door.ask(username, password, { csr: newCsr(username).csr })).status, 423);
  assert.is((await door.ask(username, strong(), { csr })).status, 423);
  assert.is((await door.ask(username, password)).status, 201);
});

test('the right password of an active client adds a key, once; the password stays', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active(rights);
  const { csr } = newCsr(username);
  const replayed = () => world.call('POST', registerPath, { token: null, body: { username, csr } });
  await door.lock();
  assert.is((await replayed()).status, 423, 'a key that nobody vouched for');
  const [one, two] = await Promise.all([
    door.ask(username, password, { csr }),
    door.ask(username, password, { csr }),
  ]);
  assert.is(one.status, 201);
  assert.match(one.body.certificate, 'BEGIN CERTIFICATE');
  assert.is(one.body.certificate, two.body.certificate);
  assert.is((await replayed()).body.certificate, one.body.certificate);
  assert.is((await door.ask(username, password, { csr: newCsr(username).csr })).status, 423);
  const token = await world.signIn(username, password);
  assert.type(token, 'string');
  await door.change(username, 'rotate');
  assert.is((await replayed()).status, 423, 'rotation ends password and key together');
});

test('who is denied or revoked is told so by the CSR alone, without a reason', async ({
  door,
  world,
}) => {
  const asked = async (username: string) => {
    const { csr } = newCsr(username);
    const ask = () => world.call('POST', registerPath, { token: null, body: { username, csr } });
    return { ask, requestId: (await ask()).body.requestId };
  };
  const denied = await asked(newName());
  await door.deny(denied.requestId, { reason: 'stolen' });
  const answer = await denied.ask();
  assert.is(door.code(answer), '403 registration-denied');
  assert.is(answer.body.reason, null);
  const username = newName();
  const revoked = await asked(username);
  await door.grant(revoked.requestId);
  assert.is((await revoked.ask()).status, 201);
  await door.change(username, 'revoke', { reason: 'stolen' });
  const told = await revoked.ask();
  assert.is(door.code(told), '410 access-revoked');
  assert.is(told.body.reason, null);
});

test('a bad CSR is 400 at #/csr, and nothing is stored', async ({ door, world }) => {
  const username = newName();
  const before = (await door.events()).length;
  const next = numbersFrom(14);
  const whole = csrDer({ username, ...keyPairs.p256() });
  const bad = [
    ...[
      '',
      'x',
      newCsr(`${username}x`).csr,
      `-----BEGIN CERTIFICATE REQUEST-----${'M'.repeat(60_000)}`,
    ],
    ...Array.from({ length: 40 }, () => pem(whole.subarray(0, next(whole.length)))),
  ];
  for (const csr of bad) {
    const { status, body } = await world.call('POST', registerPath, {
      token: null,
      body: { username, csr },
    });
    assert.is(status, 400);
    assert.equal(
      body.errors.map(({ pointer }: { pointer: string }) => pointer),
      ['#/csr'],
    );
  }
  const places = async (body: object) =>
    (await world.call('POST', registerPath, { token: null, body })).body.errors.map(
      ({ pointer }: { pointer: string }) => pointer,
    );
  assert.equal(await places({ username }), ['#/password']);
  assert.equal(await places({ username: 'LocalHost', csr: newCsr('LocalHost').csr }), ['#/csr']);
  assert.is((await door.events()).length, before);
});

test.run();
