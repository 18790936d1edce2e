/** A device renews its certificate by itself, on the word of the one in hand, when two thirds of its life are over. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import {
  type CertificateAuthority,
  openAuthority,
} from '../../../src/credentials/certificates/authority.ts';
import { clientCertificate, serialFrom } from '../../../src/credentials/certificates/x509.ts';
import {
  CertificateEnded,
  RegistrationRefused,
  RegistryUnreachable,
  register,
} from '../../../src/device/register.ts';
import { keyPairs } from '../../support/csr.ts';
import { caught, problem, type Reply, registered } from '../../support/scripted-door.ts';
import { assert, suite } from '../../support/suite.ts';
import { selfSigned } from '../../support/tls.ts';

const dayMs = 86_400_000;

interface Here {
  folder: string;
  ca: CertificateAuthority;
  servers: Server[];
}

const test = suite<Here>('device: renewal');
test.before.each(async (here) => {
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-renewal-'));
  const now = () => new Date().toISOString();
  here.ca = await openAuthority({ keysDir: here.folder, given: null, now });
  here.servers = [];
});
test.after.each(({ folder, servers }) => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

/** A device whose certificate began and ends so many days from now; and others for the same key. */
function deviceOf({ folder, ca }: Here) {
  const { privateKey, publicKey } = keyPairs.p256();
  const issue = (fromDays: number, toDays: number): string => {
    const [from, to] = [fromDays, toDays].map((days) => new Date(Date.now() + days * dayMs));
    const serial = serialFrom(randomBytes(16));
    const dates = { notBefore: from as Date, notAfter: to as Date };
    const own = clientCertificate(ca, 'press-17', { serial, publicKey, ...dates });
    return `${own.toString()}${ca.chainPem}`;
  };
  const [keyFile, certificateFile] = [join(folder, 'd.key'), join(folder, 'd.pem')];
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { issue, keyFile, certificateFile };
}

/** A registry over TLS that answers each path as it is told. */
async function registryOf(here: Here, replies: Readonly<Record<string, Reply>>) {
  const asked: { path: string; serial: string | undefined; body: string }[] = [];
  const identity = await selfSigned();
  const server = createServer(
    { ...identity, requestCert: true, rejectUnauthorized: false },
    async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const path = (request.url ?? '').replace('/api/client-registry/', '');
      const { serialNumber: serial } = (request.socket as TLSSocket).getPeerCertificate();
      asked.push({ path, serial, body });
      const reply = replies[path] ?? problem(404, 'route-not-found');
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      response.end(JSON.stringify(reply.body ?? {}));
    },
  );
  here.servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const caFingerprint = new X509Certificate(identity.cert).fingerprint256
    .replaceAll(':', '')
    .toLowerCase();
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, options: { url, caFingerprint, username: 'press-17' } };
}

const granted = (certificate: string): Reply => ({
  status: 201,
  body: { ...registered, certificate },
});
const serialOf = (chain: string) => new X509Certificate(chain).serialNumber;

test('past two thirds it asks with the one in hand, and leaves the first use to who is told', async (here) => {
  const { issue, ...certificate } = deviceOf(here);
  const [held, next] = [issue(-70, 30), issue(0, 365)];
  writeFileSync(certificate.certificateFile, held);
  const { asked, options } = await registryOf(here, {
    'requests/self': granted(held),
    certificate: granted(next),
  });
  const result = await register({ ...options, certificate });
  assert.ok(result.status === 'granted' && result.already && result.certificate?.isNew);
  assert.is(readFileSync(certificate.certificateFile, 'utf8'), next);
  assert.equal(
    asked.map(({ path, serial }) => [path, serial]),
    [
      ['requests/self', serialOf(held)],
      ['certificate', serialOf(held)],
    ],
  );
  assert.match(JSON.parse(asked[1]?.body ?? '').csr, 'BEGIN CERTIFICATE REQUEST');
});

test('before that it asks for none', async (here) => {
  const { issue, ...certificate } = deviceOf(here);
  const held = issue(-60, 40);
  writeFileSync(certificate.certificateFile, held);
  const { asked, options } = await registryOf(here, { 'requests/self': granted(held) });
  const result = await register({ ...options, certificate });
  assert.ok(result.status === 'granted' && result.certificate?.isNew === false);
  assert.is(asked.length, 1);
});

test('a renewal that is refused, or has to wait, is told and changes nothing', async (here) => {
  const { issue, ...certificate } = deviceOf(here);
  const held = issue(-70, 30);
  writeFileSync(certificate.certificateFile, held);
  for (const [reply, kind] of [
    [problem(503, 'store-unavailable'), RegistryUnreachable],
    [problem(403, 'access-suspended'), RegistrationRefused],
  ] as const) {
    const { options } = await registryOf(here, {
      'requests/self': granted(held),
      certificate: reply,
    });
    assert.instance(await caught(register({ ...options, certificate })), kind);
    assert.is(readFileSync(certificate.certificateFile, 'utf8'), held);
  }
});

test('one that has ended, or is no longer taken, leads back to the question of a new device', async (here) => {
  const { issue, ...certificate } = deviceOf(here);
  const [ended, fresh] = [issue(-90, -1), issue(0, 90)];
  writeFileSync(certificate.certificateFile, ended);
  const first = await registryOf(here, { register: granted(ended) });
  assert.instance(await caught(register({ ...first.options, certificate })), CertificateEnded);
  assert.is(first.asked[0]?.path, 'register');
  writeFileSync(certificate.certificateFile, issue(-10, 80));
  const { asked, options } = await registryOf(here, {
    'requests/self': problem(401, 'token-invalid'),
    register: granted(fresh),
  });
  await register({ ...options, certificate });
  assert.is(readFileSync(certificate.certificateFile, 'utf8'), fresh);
  assert.equal(
    asked.map(({ path }) => path),
    ['requests/self', 'register', 'requests/self'],
  );
});

test('a chain for another key or name is no answer of Gatebook', async (here) => {
  const { issue: _, ...certificate } = deviceOf(here);
  const { issue } = deviceOf({ ...here, folder: mkdtempSync(join(here.folder, 'other-')) });
  const { options } = await registryOf(here, { register: granted(issue(0, 90)) });
  const error = await caught(register({ ...options, certificate }));
  assert.match(error.message, 'does not answer as Gatebook does');
});

test.run();
