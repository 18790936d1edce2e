/** docs/certificates.md runs as pasted: the first session, the offline root, the list of revoked certificates. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programIsHere } from './support/mqtt-peers.ts';
import { startRegistry, type World } from './support/service.ts';
import { skipped } from './support/skipped.ts';
import { assert, suite } from './support/suite.ts';

const test = suite<{ folder: string; worlds: World[] }>('guide to certificates');
test.before.each(async (here) => {
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-guide-'));
  here.worlds = [];
});
test.after.each(async ({ folder, worlds }) => {
  for (const world of worlds) await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const program = fileURLToPath(new URL('../bin/gatebook.js', import.meta.url));
const missing = ['curl', 'openssl', 'jq'].filter((name) => !programIsHere(name, '--version'));

const [session = '', offlineRoot = '', overlap = '', list = '', est = '', estByPki = ''] = [
  ...(await readFile(new URL('../docs/certificates.md', import.meta.url), 'utf8')).matchAll(
    /```sh\n(.*?)```/gs,
  ),
].map(([, block = '']) => block);

/** Runs a block as a shell would that it is pasted into. @param world its addresses stand for the guide's */
function pasted(block: string, folder: string, world?: World): Promise<string> {
  const https = world?.running.ready.https as string | undefined;
  const script = block
    .replaceAll('npx gatebook', `${process.execPath} ${program}`)
    .replaceAll('http://localhost:8080', world?.url ?? '')
    .replaceAll('https://localhost:8443', https ?? '')
    .replaceAll(
      '-p 8883',
      `-p ${new URL(world?.running.ready.mqtts ?? 'mqtts://localhost:8883').port}`,
    );
  const env = {
    ...{ PATH: process.env.PATH ?? '', HOME: folder, NO_COLOR: '1' },
    ...(world && { GATEBOOK_URL: world.url, GATEBOOK_TOKEN: world.token }),
  };
  return new Promise((resolve) => {
    const shell = spawn('bash', ['-e'], { cwd: folder, env });
    let output = '';
    const take = (text: Buffer) => {
      output += text;
    };
    shell.stdout.on('data', take);
    shell.stderr.on('data', take);
    shell.on('close', () => resolve(output));
    // Not decided yet is exit 6, and no fault of the session.
    shell.stdin.end(script.replace('device --no-wait', 'device --no-wait || test $? -eq 6'));
  });
}

test('its session registers a device, which is told its rights by its certificate', async ({
  folder,
  worlds,
}) => {
  if (missing.length > 0) return skipped(`no ${missing.join(', ')} here`);
  const world = await startRegistry();
  worlds.push(world);
  const output = await pasted(session, folder, world);
  assert.match(output, /press-17 .*EC P-256 key [0-9a-f]{64}/);
  assert.match(output, /^Granted\. Wrote press-17\.key, press-17\.pem/m);
  assert.match(output, 'press-17.pem: OK');
  const told = JSON.parse(output.slice(output.lastIndexOf('\n{') + 1));
  assert.equal([told.status, told.permissions[0].resource], ['granted', 'plant/#']);
  assert.match(await pasted(list, folder, world), /Certificate Revocation List/);
});

test('its offline root opens a registry, and devices know it by the fingerprint that openssl shows', async ({
  folder,
  worlds,
}) => {
  if (missing.length > 0) return skipped(`no ${missing.join(', ')} here`);
  const output = await pasted(offlineRoot, folder);
  const [, fingerprint = ''] = /Fingerprint=([0-9A-F:]{95})/i.exec(output) ?? [];
  const world = await startRegistry({
    GATEBOOK_CA_CERT_FILE: join(folder, 'ca-chain.pem'),
    GATEBOOK_CA_KEY_FILE: join(folder, 'issuer.key'),
  });
  worlds.push(world);
  const { body } = await world.call('GET', '/ca');
  assert.is(body.fingerprint, fingerprint.replaceAll(':', '').toLowerCase());
  assert.match(world.lines.join('\n'), `"caFingerprint":"${fingerprint}"`);
  assert.match(await pasted(session, folder, world), 'press-17.pem: OK');
  const blocks = (await readFile(join(folder, 'press-17.pem'), 'utf8')).match(
    /-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g,
  );
  assert.equal(
    blocks?.map((block) => new X509Certificate(block).subject),
    ['CN=press-17', 'CN=Gatebook Issuer 1', 'CN=Plant Root'],
  );
});

test('while the CA changes, both are shown, and each signs its list', async ({
  folder,
  worlds,
}) => {
  if (missing.length > 0) return skipped(`no ${missing.join(', ')} here`);
  await pasted(offlineRoot, folder);
  const world = await startRegistry();
  worlds.push(world);
  const { body: before } = await world.call('GET', '/ca');
  await world.restart({
    GATEBOOK_CA_CERT_FILE: join(folder, 'ca-chain.pem'),
    GATEBOOK_CA_KEY_FILE: join(folder, 'issuer.key'),
  });
  const output = await pasted(overlap, folder, world);
  assert.match(output, before.fingerprint);
  assert.is(output.match(/^verify OK$/gm)?.length, 2);
  assert.match(output, /^issuer=CN ?= ?Gatebook Issuer 1$/m);
  assert.match(output, /^issuer=CN ?= ?Gatebook CA [0-9a-f]{8}$/m);
});

test('its EST client waits, is granted, publishes and renews; and so does pki', async ({
  folder,
  worlds,
}) => {
  if (missing.length > 0) return skipped(`no ${missing.join(', ')} here`);
  if (!programIsHere('mosquitto_pub', '--help') || !programIsHere('pki', '--version')) return;
  const world = await startRegistry({ GATEBOOK_EST_RETRY_AFTER: '1s' });
  worlds.push(world);
  const output = await pasted(est, folder, world);
  assert.equal(output.match(/^\d{3}$/gm), ['202', '202', '200', '200'], output);
  assert.match(output, 'pump-3.pem: OK');
  const { items } = (await world.call('GET', '/api/audit/events?username=pump-3&order=asc')).body;
  assert.equal(
    items.map(({ type }: { type: string }) => type).filter((type: string) => /^Cert/.test(type)),
    ['CertificateIssued', 'CertificateIssued', 'CertificateTaken'],
  );
  assert.match(await pasted(estByPki, folder, world), 'mixer-4.pem: OK');
});

test.run();
