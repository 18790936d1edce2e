/** An unmodified EST client, strongSwan's pki: it waits at the locked gate, is granted, publishes by mTLS, renews. */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Door, doorOf } from '../../../support/door.ts';
import { caOf } from '../../../support/est.ts';
import { programIsHere, type Running, ran, running } from '../../../support/mqtt-peers.ts';
import { runProgram } from '../../../support/program.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ world: World; door: Door; folder: string }>('EST by pki');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_EST_RETRY_AFTER: '1s' });
  here.door = doorOf(here.world);
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-est-'));
  await writeFile(join(here.folder, 'ca.pem'), await caOf(here.world));
});
test.after(async ({ world, folder }) => {
  await world.stop();
  await rm(folder, { recursive: true });
});

const program = fileURLToPath(new URL('../../../../bin/gatebook.js', import.meta.url));
const patienceMs = 30_000;
const pki = (...args: readonly string[]) => running('pki', args, patienceMs);

/** pki writes to stdout, and says on stderr what it does: the PEM alone. */
const pemIn = (output: string) =>
  /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n/.exec(output)?.[0] ?? '';

async function made(folder: string, name: string, username: string) {
  const [key, csr] = [join(folder, `${name}.key`), join(folder, `${name}.csr`)];
  const { output } = await pki('--gen', '--type', 'ecdsa', '--outform', 'pem').ended;
  await writeFile(key, pemIn(output));
  const request = ['--req', '--in', key, '--type', 'priv', '--dn', `CN=${username}`];
  await writeFile(csr, pemIn((await pki(...request, '--outform', 'pem').ended).output));
  return { key, csr };
}

interface Enrolling {
  readonly here: { readonly world: World; readonly folder: string };
  readonly csr: string;
  readonly more?: readonly string[];
}
const enrolling = ({ here: { world, folder }, csr, more = [] }: Enrolling): Running =>
  pki(
    ...['--est', '--url', world.running.ready.https as string, '--in', csr],
    ...['--cacert', join(folder, 'ca.pem'), '--interval', '1', '--outform', 'pem', ...more],
  );

/** Writes down what was issued. */
async function issued(folder: string, name: string, enrolment: Running): Promise<string> {
  const { exitCode, output } = await enrolment.ended;
  assert.is(exitCode, 0, output);
  assert.match(output, 'Issued certificate is trusted');
  const file = join(folder, `${name}.pem`);
  await writeFile(file, pemIn(output));
  return file;
}

/** What it takes to be let in, and to be heard. */
async function published(world: World, folder: string, cert: string, key: string) {
  const { hostname, port } = new URL(world.running.ready.mqtts as string);
  return await ran('mosquitto_pub', [
    ...['-h', hostname, '-p', port, '-V', '5', '-q', '1', '-t', 'plant/1', '-m', 'pressed'],
    ...['--cafile', join(folder, 'ca.pem'), '--cert', cert, '--key', key],
  ]);
}

const plant = {
  permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }],
};

async function pendingOf(door: Door, username: string) {
  for (const endMs = performance.now() + patienceMs; performance.now() < endMs; ) {
    const requests = await door.requestsOf(username);
    const waiting = requests.find(({ status }: { status: string }) => status === 'pending');
    if (waiting !== undefined) return waiting;
    await sleep(50);
  }
  throw new Error(`${username} never waited`);
}

const missing = () =>
  !programIsHere('pki', '--version') || !programIsHere('mosquitto_pub', '--help');

test('pki --estca fetches the CA', async ({ world, folder }) => {
  if (missing()) return;
  const fetched = join(folder, 'fetched.pem');
  const { exitCode, output } = await pki(
    ...['--estca', '--url', world.running.ready.https as string, '--outform', 'pem'],
    ...['--cacert', join(folder, 'ca.pem'), '--caout', fetched, '--force'],
  ).ended;
  assert.is(exitCode, 0, output);
  const [known, told] = await Promise.all([readFile(join(folder, 'ca.pem')), readFile(fetched)]);
  assert.is(new X509Certificate(told).fingerprint256, new X509Certificate(known).fingerprint256);
});

test('pki --est waits while locked and while pending, is granted, publishes, renews', async (here) => {
  if (missing()) return;
  const { world, door, folder } = here;
  const first = await made(folder, 'first', 'press-17');
  const enrolment = enrolling({ here, csr: first.csr });
  await enrolment.says('EST request pending');
  const { items } = (await world.call('GET', '/api/client-registry/knocks')).body;
  assert.equal([items[0].username, items[0].door, items[0].reason], ['press-17', 'est', 'locked']);
  assert.equal(await door.requestsOf('press-17'), []);

  await door.unlock();
  const request = await pendingOf(door, 'press-17');
  assert.equal([request.flow, request.door, request.clientId], ['explicit', 'est', null]);
  assert.is(request.pairingId, request.csr.fingerprint.slice(0, 6));
  await door.lock();
  await sleep(1_500);
  await door.grant(request.requestId, plant);
  const cert = await issued(folder, 'first', enrolment);
  assert.is(new X509Certificate(await readFile(cert)).subject, 'CN=press-17');
  assert.is((await published(world, folder, cert, first.key)).exitCode, 0);

  const next = await made(folder, 'next', 'press-17');
  const more = ['--cert', cert, '--key', first.key];
  const renewed = await issued(folder, 'next', enrolling({ here, csr: next.csr, more }));
  assert.is((await published(world, folder, cert, first.key)).exitCode, 0, 'both are good');
  assert.is((await published(world, folder, renewed, next.key)).exitCode, 0);
  assert.is.not((await published(world, folder, cert, first.key)).exitCode, 0, 'the next is taken');
  assert.equal(
    (await door.types('press-17')).filter((type) => !type.startsWith('Credential')),
    [
      'RegistrationRequested',
      'RegistrationGranted',
      'CertificateIssued',
      'CertificateIssued',
    ].concat('CertificateTaken', 'CertificateContested'),
  );
});

test('a name and a password beside the CSR ask again, and a re-imaged device waits for its place', async (here) => {
  if (missing()) return;
  const { world, door, folder } = here;
  const [old, fresh] = [
    await made(folder, 'old', 'press-18'),
    await made(folder, 'fresh', 'press-18'),
  ];
  await door.unlock();
  const asked = enrolling({ here, csr: old.csr, more: ['--userpass', 'press-18:first secret'] });
  await door.grant((await pendingOf(door, 'press-18')).requestId, plant);
  const cert = await issued(folder, 'old', asked);

  // The first answer is that it waits already: the device that asks by EST is told no 409.
  const replacing = enrolling({ here, csr: fresh.csr });
  const challenge = await pendingOf(door, 'press-18');
  assert.equal([challenge.kind, challenge.door], ['replacement', 'est']);
  await door.lock();
  assert.is((await published(world, folder, cert, old.key)).exitCode, 0, 'until then the old one');
  await door.grant(challenge.requestId, plant);
  const replaced = await issued(folder, 'fresh', replacing);
  assert.is((await published(world, folder, replaced, fresh.key)).exitCode, 0);
  assert.is.not((await published(world, folder, cert, old.key)).exitCode, 0);
  const list = join(folder, 'list.crl');
  await writeFile(list, Buffer.from(await (await fetch(`${world.url}/ca/crl`)).arrayBuffer()));
  const { output } = await ran('openssl', [
    'crl',
    '-inform',
    'DER',
    '-in',
    list,
    '-noout',
    '-text',
  ]);
  assert.match(output, new X509Certificate(await readFile(cert)).serialNumber);
  assert.not.match(output, new X509Certificate(await readFile(replaced)).serialNumber);
  const told = async (...args: readonly string[]) =>
    (
      await runProgram(process.execPath, [program, ...args], {
        ...{ GATEBOOK_URL: world.url, GATEBOOK_TOKEN: world.token, NO_COLOR: '1' },
      })
    ).output;
  assert.match(await told('requests', '--status', 'granted'), /press-18 .* est /);
  assert.match(await told('history', 'press-18'), /ReplacementRequested.* est/);
});

test.run();
