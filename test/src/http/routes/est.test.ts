/** EST to the byte: what each operation answers, and what is refused in which words. */
import { createHash, X509Certificate } from 'node:crypto';
import { renewalsPerMinuteMax } from '../../../../src/limits/credentials.ts';
import {
  type CertifiedClient,
  certifiedClient,
  certify,
} from '../../../support/certificate-in-hand.ts';
import { strangersAuthority } from '../../../support/certified.ts';
import { attribute, csrDer, keyPairs, oid, pem, sequence } from '../../../support/csr.ts';
import { newName, strong } from '../../../support/door.ts';
import { doorSuite, type Here } from '../../../support/door-suite.ts';
import {
  askEst,
  caOf,
  certificatesIn,
  type EstAnswer,
  enrol,
  estPath,
  newPkcs10,
} from '../../../support/est.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert } from '../../../support/suite.ts';

const test = doorSuite('EST');

const oneLine = /^[A-Za-z0-9+/]+={0,2}$/;

/** An answer with certificates: in base64 on one line, with its length, as older and newer clients want it. */
function checkPkcs7({ status, headers, text }: EstAnswer, type: string) {
  assert.is(status, 200, text);
  assert.match(text, oneLine);
  assert.is(headers['content-type'], type);
  assert.is(headers['content-transfer-encoding'], 'base64');
  assert.is(headers['content-length'], String(text.length));
  assert.is(headers['transfer-encoding'], undefined);
}

async function granted(here: Here, username = newName()) {
  const { world, door } = here;
  const keys = keyPairs.p256();
  const { csr } = newPkcs10(username, keys);
  assert.is((await enrol(world, csr)).status, 202);
  const [waiting] = await door.requestsOf(username);
  await door.grant(waiting.requestId);
  const answer = await enrol(world, csr);
  const [cert = ''] = certificatesIn(answer);
  return { username, csr, answer, client: certifiedClient(username, keys, cert) };
}

const renew = (world: Here['world'], shown: CertifiedClient, csr: string) =>
  askEst(world, 'simplereenroll', { body: csr, shown });

async function checkRefused(
  answer: EstAnswer | Promise<EstAnswer>,
  status: number,
  words: RegExp | string,
) {
  const { status: told, headers, text } = await answer;
  assert.is(told, status, text);
  assert.is(headers['content-type'], 'text/plain; charset=utf-8');
  assert.match(text, words);
}

test('cacerts is the chain, whoever asks', async ({ world }) => {
  const answer = await askEst(world, 'cacerts');
  checkPkcs7(answer, 'application/pkcs7-mime');
  assert.equal(certificatesIn(answer), [await caOf(world)]);
  // RFC 5652, 5.1: version 1, no digests, no content, no signers.
  const der = Buffer.from(answer.text, 'base64').toString('hex');
  assert.match(
    der,
    /^3082....06092a864886f70d010702a082....3082....0201013100300b06092a864886f70d010701a082/,
  );
  assert.ok(der.endsWith('3100'));
});

test('csrattrs asks for nothing', async ({ world }) => {
  const { status, headers, text } = await askEst(world, 'csrattrs');
  assert.equal([status, text, headers['content-type']], [204, '', undefined]);
});

test('simpleenroll answers with the certificate alone, the same on each ask', async (here) => {
  const { world, door } = here;
  const { username, csr, answer, client } = await granted(here);
  checkPkcs7(answer, 'application/pkcs7-mime; smime-type=certs-only');
  assert.is(certificatesIn(answer).length, 1);
  const certificate = new X509Certificate(client.cert);
  assert.is(certificate.subject, `CN=${username}`);
  assert.ok(certificate.checkPrivateKey(client.keys.privateKey));
  await door.lock();
  assert.is((await enrol(world, csr)).text, answer.text);
  const [asked] = await door.events(username);
  assert.equal(
    [asked.type, asked.data.door, asked.data.flow],
    [...['RegistrationRequested', 'est', 'explicit']],
  );
});

test('the base64 of a CSR may have line ends, and anything else is told what is wanted', async ({
  world,
}) => {
  const { csr } = newPkcs10(newName());
  assert.is((await enrol(world, `${csr.match(/.{1,64}/g)?.join('\r\n')}\n`)).status, 202);
  assert.is(
    (await enrol(world, csr, { headers: { 'Content-Type': 'application/pkcs10; x=y' } })).status,
    202,
  );
  await checkRefused(enrol(world, ''), 400, 'The body is empty');
  await checkRefused(
    enrol(world, pem(Buffer.from(csr, 'base64'))),
    400,
    'DER in base64, without a frame',
  );
  await checkRefused(
    askEst(world, 'simpleenroll', { body: Buffer.from(csr, 'base64') }),
    400,
    'in base64',
  );
  await checkRefused(enrol(world, csr.slice(0, 64)), 400, 'cut off');
  await checkRefused(enrol(world, 'A'.repeat(20_000)), 400, 'at most 16384 characters');
  await checkRefused(enrol(world, 'A'.repeat(70_000)), 413, 'at most 65536 bytes');
  await checkRefused(
    enrol(world, csr, { headers: { 'Content-Type': 'application/json' } }),
    ...([415, 'application/pkcs10'] as const),
  );
});

test('the CN names the client: exactly one, a username, and no name of this server', async ({
  world,
}) => {
  const keys = keyPairs.p256();
  const named = (...names: string[]) => {
    const subject = sequence(...names.map((name) => attribute(oid.commonName, name)));
    return enrol(world, csrDer({ username: 'x', ...keys, subject }).toString('base64'));
  };
  await checkRefused(named(), 400, 'exactly one CN');
  await checkRefused(named('press-1', 'press-2'), 400, 'exactly one CN');
  await checkRefused(named('a/b'), 400, 'a username as its CN');
  await checkRefused(named('pr\0ess'), 400, 'a username as its CN');
  await checkRefused(named('a'.repeat(65)), 400, 'at most 64 characters');
  await checkRefused(named('LocalHost'), 400, 'this service itself is reached by');
});

test('a name and a password beside the CSR are those of the client, or are told', async (here) => {
  const { world, door } = here;
  const username = `${newName()}:east`;
  const { csr } = newPkcs10(username);
  const password = `${strong()}:ü`;
  assert.is((await enrol(world, csr, { basic: `${username}:${password}` })).status, 202);
  // The password asks again, by REST as well.
  assert.is((await door.ask(username, password)).status, 202);
  await checkRefused(enrol(world, csr, { basic: `press:${password}` }), 400, 'not the CN');
  await checkRefused(enrol(world, csr, { basic: `${username}:1234` }), 400, 'password must');
  await checkRefused(enrol(world, csr, { basic: `${username}:` }), 400, 'password must');
});

test('Basic that is malformed is 401 with a challenge, before a body is read', async ({
  world,
}) => {
  const { csr } = newPkcs10(newName());
  for (const Authorization of [
    ...['Basic', 'Basic !!!', 'Bearer abc', 'Digest username="x"', 'Basic YWJj'],
    `Basic ${Buffer.from(':password').toString('base64')}`,
    `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}`,
  ]) {
    const answer = await enrol(world, csr, { headers: { Authorization } });
    await checkRefused(answer, 401, 'not well formed');
    assert.is(answer.headers['www-authenticate'], 'Basic realm="gatebook", charset="UTF-8"');
  }
});

test('the reason of a refusal is told by the password, never by a CSR alone', async ({
  world,
  door,
}) => {
  const username = newName();
  const { csr } = newPkcs10(username);
  const basic = `${username}:${strong()}`;
  await enrol(world, csr, { basic });
  const [waiting] = await door.requestsOf(username);
  await door.deny(waiting.requestId, { reason: 'no\nsuch press' });
  const told = await enrol(world, csr, { basic });
  assert.is(told.status, 403);
  assert.is(told.text, 'An administrator denied this registration.\nReason: no\\nsuch press\n');
  assert.is((await enrol(world, csr)).text, 'An administrator denied this registration.\n');
});

test('simplereenroll gives the next certificate for the one in hand, and takes the next at its first use', async (here) => {
  const { world, door } = here;
  const { username, client } = await granted(here);
  const next = newPkcs10(username);
  const answer = await renew(world, client, next.csr);
  checkPkcs7(answer, 'application/pkcs7-mime; smime-type=certs-only');
  const [cert = '', ...more] = certificatesIn(answer);
  assert.equal(more, []);
  assert.ok(new X509Certificate(cert).checkPrivateKey(next.privateKey));
  assert.is((await renew(world, client, next.csr)).text, answer.text, 'the same key, the same');
  // The same key as now is a next one, too.
  const same = await renew(world, client, newPkcs10(username, client.keys).csr);
  assert.is(same.status, 200);

  const used = certifiedClient(
    username,
    next,
    certificatesIn(await renew(world, client, next.csr))[0] ?? '',
  );
  assert.is((await renew(world, used, newPkcs10(username).csr)).status, 200);
  assert.ok((await door.types(username)).includes('CertificateTaken'));
  await checkRefused(renew(world, client, next.csr), 401, 'the client certificate in hand');
  assert.ok((await door.types(username)).includes('CertificateContested'));
});

test('simplereenroll is refused without a certificate that stands for this name now', async (here) => {
  const { world, door } = here;
  const { username, client, csr } = await granted(here);
  const without = await askEst(world, 'simplereenroll', { body: csr });
  await checkRefused(without, 401, 'the client certificate in hand');
  assert.match(String(without.headers['www-authenticate']), /^Basic /);
  const stranger = (await strangersAuthority())(username);
  await checkRefused(
    askEst(world, 'simplereenroll', { body: csr, shown: stranger }),
    401,
    'in hand',
  );
  await checkRefused(renew(world, client, newPkcs10(newName()).csr), 400, 'not the name');
  await checkRefused(renew(world, client, 'no csr'), 400, 'in base64');
  await door.change(username, 'suspend', { reason: 'lost' });
  await checkRefused(renew(world, client, csr), 403, /suspended for now\.\nReason: lost/);
  await door.change(username, 'resume');
  await door.change(username, 'revoke');
  await checkRefused(renew(world, client, csr), 410, 'revoked');
});

test('renewals have one limit for a client, by REST and EST together', async (here) => {
  const { world } = here;
  const client = await certify(here);
  const { csr } = newPkcs10(client.username);
  for (let left = renewalsPerMinuteMax; left > 0; left--)
    assert.is((await renew(world, client, csr)).status, 200);
  const answer = await renew(world, client, csr);
  await checkRefused(answer, 429, 'Too many attempts');
  assert.ok(Number(answer.headers['retry-after']) > 0);
});

test('a rule for its key, or a code in its password, lets a device in while the registry is locked', async ({
  world,
  door,
}) => {
  await door.lock();
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const rule = (terms: object) =>
    door.command('/api/client-registry/preauthorizations', { until, ...terms }, 201);
  const keys = keyPairs.p256();
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  await rule({ csrFingerprint: createHash('sha256').update(spki).digest('hex') });
  checkPkcs7(
    await enrol(world, newPkcs10(newName(), keys).csr),
    'application/pkcs7-mime; smime-type=certs-only',
  );
  const { enrolmentCode } = (await rule({ enrolmentCode: true })).body;
  const username = newName();
  const { csr } = newPkcs10(username);
  assert.is((await enrol(world, csr, { basic: `${username}:${enrolmentCode}:wr` })).status, 400);
  const basic = `${username}:${enrolmentCode}:${strong()}`;
  assert.is((await enrol(world, csr, { basic })).status, 200);
  assert.is((await enrol(world, csr, { basic })).status, 200);
  const other = newName();
  const again = { basic: `${other}:${enrolmentCode}:${strong()}` };
  assert.is((await enrol(world, newPkcs10(other).csr, again)).status, 202, 'it is used');
});

test('other paths and methods are told, and a port without TLS has none of it', async ({
  world,
}) => {
  const { csr } = newPkcs10(newName());
  await checkRefused(askEst(world, 'serverkeygen', { body: csr }), 404, 'simplereenroll');
  await checkRefused(askEst(world, 'label/simpleenroll', { body: csr }), 404, 'EST has');
  const wrong = await askEst(world, 'simpleenroll');
  await checkRefused(wrong, 405, 'takes POST');
  assert.is(wrong.headers.allow, 'POST');
  for (const name of ['cacerts', 'csrattrs', 'simpleenroll', 'simplereenroll']) {
    const method = name.startsWith('c') ? 'GET' : 'POST';
    const plain = await fetch(`${world.url}${estPath}${name}`, { method });
    assert.is(plain.status, 404);
    assert.match(await plain.text(), 'on the ports that speak TLS');
  }
});

test('who waited and who was turned away by EST is counted apart', async ({ world, door }) => {
  await enrol(world, newPkcs10(newName()).csr);
  await door.lock();
  await enrol(world, newPkcs10(newName()).csr);
  const { body } = await world.call('GET', '/metrics', { token: null });
  assert.match(body, /^gatebook_registrations_total\{flow="est",outcome="pending"\} [1-9]/m);
  assert.match(
    body,
    /^gatebook_registrations_total\{flow="est",outcome="registry-locked"\} [1-9]/m,
  );
  assert.match(body, /^gatebook_knocks_total\{flow="est"\} [1-9]/m);
  assert.match(body, /route="\/.well-known\/est\/simpleenroll",status="202"/);
});

test('where Basic is required nothing goes without; where MQTT wants both, a CSR alone is told so', async () => {
  const world = await startRegistry({
    ...{ GATEBOOK_EST_BASIC: 'required', GATEBOOK_EST_RETRY_AFTER: '2m' },
    ...{ GATEBOOK_DOOR_TLS_PORT: '0', GATEBOOK_DOOR_PORT: '0' },
  });
  try {
    const username = newName();
    const { csr } = newPkcs10(username);
    const without = await enrol(world, csr);
    await checkRefused(without, 401, 'Basic credentials');
    assert.match(String(without.headers['www-authenticate']), /^Basic /);
    const basic = `${username}:${strong()}`;
    // The door's own port has EST by TLS, and none without.
    const answer = await enrol(world, csr, { basic, url: world.running.ready.doors as string });
    assert.equal([answer.status, answer.headers['retry-after']], [202, '120']);
    assert.is((await fetch(`${world.door}${estPath}cacerts`)).status, 404);
  } finally {
    await world.stop();
  }
  const both = await startRegistry({
    ...{ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: '0' },
    GATEBOOK_MQTT_TLS_CLIENT_AUTH: 'both',
  });
  try {
    await checkRefused(enrol(both, newPkcs10(newName()).csr), 400, 'password must be there');
  } finally {
    await both.stop();
  }
});

test.run();
