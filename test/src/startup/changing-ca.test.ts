/** The CA changes to one with another root: both are trusted until the last certificate of the old one has gone. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '../../../src/credentials/certificates/authority.ts';
import { clientCertificate } from '../../../src/credentials/certificates/x509.ts';
import { register } from '../../../src/device/register.ts';
import {
  type CertifiedClient,
  certifiedClient,
  certify,
} from '../../support/certificate-in-hand.ts';
import { newCsr } from '../../support/csr.ts';
import { type Door, doorOf } from '../../support/door.ts';
import { connectedOverTls } from '../../support/mqtt-over-tls.ts';
import { runProgram } from '../../support/program.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';
import { overTls } from '../../support/tls.ts';

interface Here {
  world: World;
  door: Door;
  folder: string;
  /** Chain and key of the new CA. */
  pem: { readonly cert: string; readonly key: string };
}

const selfPath = '/api/client-registry/requests/self';
const renewalPath = '/api/client-registry/certificate';
const now = () => new Date().toISOString();

const test = suite<Here>('changing the CA');
test.before.each(async (here) => {
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-new-ca-'));
  await openAuthority({ keysDir: here.folder, given: null, now });
  const text = await readFile(join(here.folder, 'ca.pem'), 'utf8');
  const cert = text.slice(text.indexOf('-----BEGIN CERTIFICATE'));
  here.pem = { cert, key: text.slice(0, text.length - cert.length) };
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.door = doorOf(here.world);
  await here.door.unlock();
});
test.after.each(async ({ world, folder }) => {
  await world.stop();
  await rm(folder, { recursive: true });
});

const given = ({ pem }: Here) => ({ GATEBOOK_CA_CERT: pem.cert, GATEBOOK_CA_KEY: pem.key });

/** Asks as a device that trusts what its own file has. */
async function asks({ world }: Here, client: CertifiedClient, path = selfPath, body?: unknown) {
  const { status, text } = await overTls(`${world.running.ready.https}${path}`, {
    ...{ ca: client.cert, key: client.key, cert: client.cert },
    ...(body !== undefined && { method: 'POST', body }),
  });
  return { status, body: text === '' ? null : JSON.parse(text) };
}

const ca = async ({ world }: Here) => (await world.call('GET', '/ca')).body;
const issuerOf = (chain: string) => new X509Certificate(chain).issuer;

/** Serials on a list, which its issuer signed, as openssl reads it. */
async function listed({ world, folder }: Here, path: string): Promise<string[]> {
  const at = (name: string) => join(folder, name);
  await writeFile(at('all.pem'), await (await fetch(`${world.url}/ca/certificate`)).text());
  const response = await fetch(`${world.url}${path}`);
  assert.is(response.status, 200);
  await writeFile(at('list.der'), Buffer.from(await response.arrayBuffer()));
  const { output } = await runProgram('openssl', [
    ...['crl', '-inform', 'DER', '-in', at('list.der'), '-CAfile', at('all.pem'), '-text'],
  ]);
  assert.match(output, 'verify OK');
  return [...output.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial = '']) => serial);
}

test('first both are told, then the new one issues, and nobody is locked out', async (here) => {
  const { world, door, pem } = here;
  const old = await ca(here);
  const [device, other, left] = [await certify(here), await certify(here), await certify(here)];

  // The new one is told to devices, and signs nothing.
  await world.restart({ GATEBOOK_CA_OVERLAP: pem.cert });
  const announced = await ca(here);
  assert.is(announced.fingerprint, old.fingerprint);
  assert.equal(
    announced.others?.map((one: { crl: unknown }) => one.crl),
    [null],
  );
  const told = await asks(here, device);
  assert.is(told.status, 201);
  const knowing = certifiedClient(device.username, device.keys, told.body.certificate);
  assert.is(knowing.cert.match(/BEGIN/g)?.length, 3);

  // It issues; the one that was made before is found in the key folder.
  await world.restart(given(here));
  const after = await ca(here);
  assert.is(after.fingerprint, announced.others[0].fingerprint);
  assert.equal(
    after.others.map((one: { fingerprint: string }) => one.fingerprint),
    [old.fingerprint],
  );
  const self = await asks(here, knowing);
  assert.is(self.status, 201);
  assert.is(new X509Certificate(self.body.certificate).issuer, issuerOf(device.cert));
  const shown = { ...knowing, ca: knowing.cert };
  const mqtt = { version: 5 as const, clientId: 'one', username: device.username };
  const { code } = await connectedOverTls(world.running.ready.mqtts as string, shown, mqtt);
  assert.is(code, 0);

  // Who was not told the new root does not trust the server; nobody else is harmed by that.
  await asks(here, other).then(
    () => assert.unreachable('an unknown root'),
    (error: Error & { code: string }) => assert.match(error.code, /SELF_SIGNED|UNABLE/),
  );

  // Renewed, it is of the new one; the old serial is on the old one's list alone.
  const { csr } = newCsr(device.username, device.keys);
  const renewed = await asks(here, knowing, renewalPath, { csr });
  assert.is(renewed.status, 201);
  const next = certifiedClient(device.username, device.keys, renewed.body.certificate);
  assert.is(issuerOf(next.cert), after.subject);
  assert.is((await asks(here, next)).status, 201);
  assert.is((await asks(here, knowing)).status, 401);
  await door.change(left.username, 'suspend');
  const serials = [device, left].map(({ cert }) => new X509Certificate(cert).serialNumber);
  assert.equal((await listed(here, after.others[0].crl)).sort(), serials.sort());
  assert.equal(await listed(here, '/ca/crl'), []);
  await door.change(device.username, 'revoke');
  assert.equal(await listed(here, '/ca/crl'), [new X509Certificate(next.cert).serialNumber]);
});

test('without the old one it does not start while certificates of it are held, unless they are given up', async (here) => {
  const { world, door } = here;
  const device = await certify(here);
  const old = await readFile(join(world.dataDir, 'keys', 'ca.pem'), 'utf8');
  await rename(join(world.dataDir, 'keys', 'ca.pem'), join(here.folder, 'old.pem'));
  await world.restart(given(here)).then(
    () => assert.unreachable('an unknown issuer'),
    ({ faults: [fault] }: { faults: { variable: string; problem: string; remedy: string }[] }) => {
      assert.is(fault?.variable, 'GATEBOOK_CA_OVERLAP');
      assert.match(fault?.problem ?? '', device.username);
      assert.match(fault?.remedy ?? '', 'none');
    },
  );

  const trusting = async () =>
    certifiedClient(device.username, device.keys, device.cert + here.pem.cert);
  await world.restart({ ...given(here), GATEBOOK_CA_OVERLAP: 'none' });
  assert.is((await asks(here, await trusting())).status, 401);
  assert.match(world.lines.join('\n'), 'open nothing: their holders ask anew');

  // Its certificate alone: trusted, but without a list.
  const cert = old.slice(old.indexOf('-----BEGIN CERTIFICATE'));
  await world.restart({ ...given(here), GATEBOOK_CA_OVERLAP: cert });
  assert.is((await asks(here, await trusting())).status, 201);
  assert.equal(
    (await ca(here)).others.map((one: { crl: unknown }) => one.crl),
    [null],
  );
  const other = `/ca/crl?issuer=${'0'.repeat(40)}`;
  assert.is((await world.call('GET', other, { token: null })).status, 400);

  // Once nobody holds one, it can go.
  await door.change(device.username, 'revoke');
  await world.restart(given(here));
  assert.is((await ca(here)).others, undefined);
});

test('a device that knows one fingerprint goes on, having been told the new root beside its certificate', async (here) => {
  const { world, door, folder, pem } = here;
  const { fingerprint } = await ca(here);
  const device = () =>
    register({
      ...{
        url: world.running.ready.https as string,
        username: 'press-17',
        caFingerprint: fingerprint,
      },
      certificate: { keyFile: join(folder, 'd.key'), certificateFile: join(folder, 'd.pem') },
      signal: AbortSignal.timeout(20_000),
    }).then((result) => {
      assert.is(result.status, 'granted');
      return result.status === 'granted' ? result.certificate?.isNew : undefined;
    });
  const first = device();
  let request: { requestId: string } | undefined;
  while (request === undefined) [request] = await door.requestsOf('press-17');
  await door.grant(request.requestId);
  await first;

  await world.restart({ GATEBOOK_CA_OVERLAP: pem.cert });
  assert.is(await device(), true);
  assert.is(await device(), false);
  await world.restart(given(here));
  await device();
});

test('who has the key of a CA makes no certificate that opens: neither by a new serial nor by a known one', async (here) => {
  const { world } = here;
  const device = await certify(here);
  const authority = await openAuthority({ keysDir: join(world.dataDir, 'keys'), given: null, now });
  await world.restart(given(here));
  const { serialNumber } = new X509Certificate(device.cert);
  for (const serial of [Buffer.from(serialNumber, 'hex'), Buffer.alloc(16, 0x4a)]) {
    const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const forged = clientCertificate(authority, device.username, {
      ...{ serial, publicKey: keys.publicKey },
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
    });
    const cert = `${forged}${authority.chainPem}${here.pem.cert}`;
    assert.is((await asks(here, certifiedClient(device.username, keys, cert))).status, 401);
  }
});

test('what cannot be trusted beside it is refused at the start, and the word names it', async (here) => {
  const { world, pem } = here;
  const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  const alien = stranger.export({ type: 'pkcs8', format: 'pem' });
  const leaf = (await certify(here)).cert.split(/(?=-----BEGIN)/)[0] ?? '';
  for (const [text, word] of [
    [`${pem.cert}${alien}`, /of none of its issuers/],
    [leaf, /is no CA/],
    [pem.cert.replaceAll('CERTIFICATE', 'CERTIFICATES'), /no certificate/],
    [pem.cert.replace(/\n[A-Za-z]{4}/, '\nAAAA'), /cannot be read/],
  ] as const)
    await world.restart({ GATEBOOK_CA_OVERLAP: text }).then(
      () => assert.unreachable(word.source),
      ({ faults: [fault] }: { faults: { variable: string; problem: string }[] }) => {
        assert.is(fault?.variable, 'GATEBOOK_CA_OVERLAP');
        assert.match(fault?.problem ?? '', word);
      },
    );
  await world.restart();
});

test.run();
