/** The registry's own CA, and the given one: what openssl and Node think of them, and which are refused. */
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AuthorityRefused,
  type CertificateAuthority,
  openAuthority,
} from '../../../../src/credentials/certificates/authority.ts';
import { issueServerIdentity } from '../../../../src/credentials/certificates/server-identity.ts';
import { serverNames } from '../../../../src/credentials/certificates/server-names.ts';
import { KeyFileRefused } from '../../../../src/credentials/keys/files.ts';
import { runProgram } from '../../../support/program.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ folder: string }>('certificate authority');
test.before.each(async (here) => {
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-ca-'));
});
test.after.each(async ({ folder }) => rm(folder, { recursive: true }));

/** What a promise is rejected with. */
const faultOf = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.unreachable('it was accepted') as never,
    (error: Error) => error,
  );

const startedMs = Math.floor(Date.now() / 1_000) * 1_000;
const now = () => new Date(startedMs).toISOString();
const opened = (keysDir: string, given: { cert: string; key: string } | null = null) =>
  openAuthority({ keysDir, given, now });

async function openssl(...args: string[]): Promise<string> {
  const { code, output } = await runProgram('openssl', args);
  assert.is(code, 0, output);
  return output;
}

test('is made at the first start, 0600, and is the same at the next', async ({ folder }) => {
  const [first, beside] = await Promise.all([opened(folder), opened(folder)]);
  const again = await opened(folder);
  assert.is(first.fingerprint, beside.fingerprint);
  assert.is(first.fingerprint, again.fingerprint);
  assert.match(first.fingerprint, /^[0-9a-f]{64}$/);
  assert.is((await stat(join(folder, 'ca.pem'))).mode & 0o777, 0o600);
  assert.match(first.root.subject, /^CN=Gatebook CA [0-9a-f]{8}$/);
  const years = (first.root.validToDate.getTime() - Date.parse(now())) / (365.25 * 86_400_000);
  assert.ok(Math.abs(years - 10) < 0.01);
  assert.not.match(JSON.stringify(first), 'PRIVATE');
});

test('openssl reads it as a CA for leaves alone', async ({ folder }) => {
  const { chainPem } = await opened(folder);
  const file = join(folder, 'root.pem');
  await writeFile(file, chainPem);
  const text = await openssl('x509', '-in', file, '-noout', '-text');
  assert.match(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
  assert.match(text, 'Public Key Algorithm: id-ecPublicKey');
});

test('a file that others may read, or that is none, is refused', async ({ folder }) => {
  await opened(folder);
  const file = join(folder, 'ca.pem');
  const whole = await readFile(file, 'utf8');
  await chmod(file, 0o644);
  assert.instance(await faultOf(opened(folder)), KeyFileRefused);
  await chmod(file, 0o600);
  for (const text of ['', whole.slice(0, 200), whole.slice(whole.indexOf('-----BEGIN CERT'))]) {
    await writeFile(file, text);
    const error = await faultOf(opened(folder));
    assert.instance(error, KeyFileRefused);
    assert.not.match(error.message, 'BEGIN');
  }
});

/** The certificate and key of an identity, and what openssl says of them against the CA. */
async function shownBy(folder: string, authority: CertificateAuthority, names: string[]) {
  const stopping = new AbortController();
  const { identity, ended } = issueServerIdentity({
    ...{ authority, names, now, onRenewed: () => undefined, signal: stopping.signal },
  });
  stopping.abort();
  await ended;
  const [leaf, root] = [join(folder, 'leaf.pem'), join(folder, 'root.pem')];
  await writeFile(leaf, identity.current().cert as string);
  await writeFile(root, authority.root.toString());
  return { leaf, root, certificate: new X509Certificate(identity.current().cert as string) };
}

test('the server shows names alone, for servers alone, with the root', async ({ folder }) => {
  const { leaf, root, certificate } = await shownBy(folder, await opened(folder), [
    ...['localhost', 'gate.plant', '127.0.0.1', '::1'],
  ]);
  const text = await openssl('x509', '-in', leaf, '-noout', '-text');
  assert.match(text, /Subject: *\n/);
  assert.match(
    text,
    /Subject Alternative Name: critical\s+DNS:localhost, DNS:gate.plant, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1\n/,
  );
  assert.match(text, /Extended Key Usage: *\n\s+TLS Web Server Authentication\n/);
  assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
  assert.match(text, /Basic Constraints: critical\s+CA:FALSE\n/);
  for (const [purpose, exit] of [
    ['sslserver', 0],
    ['sslclient', 2],
  ] as const) {
    const { code } = await runProgram('openssl', [
      ...['verify', '-purpose', purpose, '-CAfile', root, leaf],
    ]);
    assert.is(code, exit, purpose);
  }
  const chain = (await readFile(leaf, 'utf8')).match(/BEGIN CERTIFICATE/g);
  assert.is(chain?.length, 2);
  assert.is(certificate.validFromDate.getTime(), startedMs - 3_600_000);
});

test('an intermediate under an offline root can be given', async ({ folder }) => {
  const at = (name: string) => join(folder, name);
  const made = (name: string, ...more: string[]) =>
    openssl(
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', at(`${name}.key`)],
      ...['-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign', ...more],
    );
  await made('root', '-x509', '-out', at('root.pem'), '-days', '7300');
  const issuedBy = async (name: string, extensions: string) => {
    await made(name, '-out', at(`${name}.csr`));
    await writeFile(at('extensions'), extensions);
    await openssl(
      ...[
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        '-CA',
        at('root.pem'),
        '-CAkey',
        at('root.key'),
      ],
      ...['-days', '3650', '-out', at(`${name}.pem`), '-extfile', at('extensions')],
    );
    const [cert, root] = [
      await readFile(at(`${name}.pem`), 'utf8'),
      await readFile(at('root.pem'), 'utf8'),
    ];
    return { cert: cert + root, key: await readFile(at(`${name}.key`), 'utf8'), alone: cert };
  };
  const good =
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n';
  const given = await issuedBy('issuer', good);
  const authority = await opened(folder, given);
  assert.is(authority.root.subject, 'CN=root');
  assert.is(authority.chain.length, 2);
  const { leaf, root } = await shownBy(folder, authority, ['localhost']);
  await openssl('verify', ...['-CAfile', root, '-untrusted', leaf, '-purpose', 'sslserver', leaf]);

  const other = await issuedBy('other', good);
  const refused: readonly [string, { cert: string; key: string }, RegExp][] = [
    ['a key of another', { ...given, key: other.key }, /private key is not that of/],
    ['no root', { ...given, cert: given.alone }, /last certificate is no root/],
    ['another chain', { ...given, cert: given.alone + other.alone }, /was not signed by the next/],
    ['a leaf', await issuedBy('leaf', 'basicConstraints=CA:FALSE'), /is no CA/],
    ['a longer path', await issuedBy('long', good.replace(',pathlen:0', '')), /pathlen:0/],
    ['no CRLs', await issuedBy('no-crl', good.replace(',cRLSign', '')), /cRLSign/],
    ['nothing', { ...given, cert: 'nothing' }, /no certificate/],
  ];
  for (const [what, wrong, why] of refused) {
    const error = await faultOf(opened(folder, wrong));
    assert.instance(error, AuthorityRefused, what);
    assert.match(error.message, why, what);
    assert.not.match(error.message, 'BEGIN');
  }
});

test('its names are chosen, or those that it is reached by', () => {
  const from = { publicUrl: null, publicMqttUrls: [], names: [], hostname: 'Press-PC' };
  assert.equal(serverNames(from), ['localhost', '127.0.0.1', '::1', 'press-pc']);
  const urls = {
    publicUrl: 'https://Gate.plant:8443/x',
    publicMqttUrls: ['mqtts://[fd00::1]:8883'],
  };
  assert.equal(serverNames({ ...from, ...urls }).slice(4), ['gate.plant', 'fd00::1']);
  assert.equal(serverNames({ ...from, ...urls, names: ['A.b', 'a.B'] }), ['a.b']);
});

test.run();
