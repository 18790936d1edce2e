/** A device with a key and a certificate instead of a password: over TLS, known by the CA's fingerprint alone. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  OtherAuthority,
  RegistrationFileError,
  RegistryUnreachable,
  register,
} from '../../../src/device/register.ts';
import type { RegisterOptions } from '../../../src/device/registration.ts';
import { registerPath } from '../../support/door.ts';
import { caught } from '../../support/scripted-door.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ world: World; folder: string; fingerprint: string }>('device: certificate');
test.before(async (here) => {
  here.world = await startRegistry();
  const { body } = await here.world.call('GET', '/ca');
  here.fingerprint = body.fingerprint;
});
test.after(({ world }) => world.stop());
test.before.each((here) => {
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-device-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const unlock = (world: World) => world.call('POST', '/api/client-registry/unlock', { body: {} });

function deviceIn(folder: string, world: World, fingerprint: string, username: string) {
  const [keyFile, certificateFile] = [join(folder, 'd.key'), join(folder, 'd.pem')];
  const options: RegisterOptions = {
    ...{ url: world.running.ready.https as string, username, caFingerprint: fingerprint },
    certificate: { keyFile, certificateFile },
  };
  return { options, keyFile, certificateFile };
}

async function grant(world: World, username: string) {
  const { body } = await world.call('GET', `/api/client-registry/requests?q=${username}`);
  const [request] = body.items;
  const { status } = await world.call(
    'POST',
    `/api/client-registry/requests/${request.requestId}/grant`,
    { body: { permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }] } },
  );
  assert.is(status, 200);
  return request;
}

test('it makes its key, asks by it alone, waits, and has a chain that belongs to the key', async ({
  world,
  folder,
  fingerprint,
}) => {
  await unlock(world);
  const { options, keyFile, certificateFile } = deviceIn(folder, world, fingerprint, 'key-1');
  const said: (string | null)[] = [];
  const work = register({
    ...options,
    onStatus: ({ status, pairingId, keyFingerprint }) => {
      said.push(status, pairingId, keyFingerprint);
      if (status === 'pending' && said.length < 7) void grant(world, 'key-1');
    },
  });
  const result = await work;
  assert.is(result.status, 'granted');
  const { body } = await world.call('GET', '/api/client-registry/requests?q=key-1');
  const [request] = body.items;
  const named = [request.pairingId, request.csr.fingerprint];
  assert.equal(said.slice(0, 6), ['asking', ...named, 'pending', ...named]);
  assert.is(request.csr.fingerprint.slice(0, 6), request.pairingId);

  assert.is(statSync(keyFile).mode & 0o777, 0o600);
  const key = readFileSync(keyFile, 'utf8');
  assert.match(key, /^-----BEGIN PRIVATE KEY-----/);
  const [own, root] = readFileSync(certificateFile, 'utf8')
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((block) => new X509Certificate(block));
  assert.is(own?.subject, 'CN=key-1');
  assert.ok(root && own?.verify(root.publicKey));
  assert.is(root.fingerprint256.replaceAll(':', '').toLowerCase(), fingerprint);
  assert.ok(result.status === 'granted' && result.certificate?.isNew);
  // Its key alone is told no rights: these it was told by its certificate.
  assert.equal(result.registered?.permissions, [
    { context: 'mqtt', resource: 'plant/#', operation: 'read' },
  ]);
});

test('run again, stopped and started, it goes on with the same key and the same request', async ({
  world,
  folder,
  fingerprint,
}) => {
  await unlock(world);
  const { options, keyFile, certificateFile } = deviceIn(folder, world, fingerprint, 'key-2');
  const once = { ...options, wait: false };
  assert.is((await register(once)).status, 'undecided');
  const key = readFileSync(keyFile, 'utf8');
  assert.is((await register(once)).status, 'undecided');
  const { body } = await world.call('GET', '/api/client-registry/requests?q=key-2');
  assert.is(body.items.length, 1);
  await grant(world, 'key-2');
  const first = await register(once);
  const chain = readFileSync(certificateFile, 'utf8');
  const again = await register(once);
  assert.ok(first.status === 'granted' && first.certificate?.isNew);
  assert.ok(again.status === 'granted' && again.certificate?.isNew === false);
  // The chain lost, the key still there: the same certificate comes again.
  rmSync(certificateFile);
  await register(once);
  assert.equal(
    [readFileSync(keyFile, 'utf8'), readFileSync(certificateFile, 'utf8')],
    [key, chain],
  );
});

test('with a file, it has a password beside its key, and one request', async ({
  world,
  folder,
  fingerprint,
}) => {
  await unlock(world);
  const { options } = deviceIn(folder, world, fingerprint, 'key-3');
  const file = join(folder, 'd.json');
  await register({ ...options, file, wait: false });
  await grant(world, 'key-3');
  const result = await register({ ...options, file, wait: false });
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  assert.match(kept.password, /^[0-9a-f]{64}$/);
  assert.ok(result.status === 'granted');
  assert.equal(result.registered?.permissions, [
    { context: 'mqtt', resource: 'plant/#', operation: 'read' },
  ]);
  const { status } = await world.call('POST', registerPath, {
    token: null,
    body: { username: 'key-3', password: kept.password },
  });
  assert.is(status, 201);
});

test('to another CA nothing is sent', async ({ world, folder }) => {
  const { options } = deviceIn(folder, world, 'ab'.repeat(32), 'key-4');
  let asked = '';
  const server = createServer((from) => {
    const to = connect(Number(new URL(options.url).port), '127.0.0.1');
    from.on('data', (bytes) => (asked += bytes.toString('latin1')));
    from.pipe(to).pipe(from);
    for (const socket of [from, to]) socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    const error = await caught(register({ ...options, url: `https://127.0.0.1:${port}` }));
    assert.instance(error, OtherAuthority);
    // One handshake that shows the server's certificate, and no data of an application.
    assert.ok(asked.length > 0 && !asked.includes('key-4'));
  } finally {
    server.close();
  }
});

test('a registry that is away is waited for, and one that is granted stays so', async ({
  world,
  folder,
  fingerprint,
}) => {
  const { options } = deviceIn(folder, world, fingerprint, 'key-5');
  const away = { ...options, url: 'https://127.0.0.1:1', wait: false };
  assert.instance(await caught(register(away)), RegistryUnreachable);
  await unlock(world);
  await register({ ...options, wait: false });
  await grant(world, 'key-5');
  await register({ ...options, wait: false });
  const result = await register(away);
  assert.ok(result.status === 'granted' && result.already && result.registered === null);
});

test('files that are not its own are left alone', async ({ world, folder, fingerprint }) => {
  const { options, keyFile, certificateFile } = deviceIn(folder, world, fingerprint, 'key-6');
  const refused = async (path: string, content: string, more: Partial<RegisterOptions> = {}) => {
    writeFileSync(path, content);
    const error = await caught(register({ ...options, wait: false, ...more }));
    assert.instance(error, RegistrationFileError);
    assert.match(error.message, path);
    assert.is(readFileSync(path, 'utf8'), content);
    rmSync(path);
  };
  await refused(keyFile, 'no key');
  await unlock(world);
  await register({ ...options, wait: false });
  await grant(world, 'key-6');
  await register({ ...options, wait: false });
  const chain = readFileSync(certificateFile, 'utf8');
  await refused(certificateFile, 'no certificate');
  await refused(certificateFile, chain, { username: 'key-7' });
  rmSync(keyFile);
  await refused(certificateFile, chain);
  chmodSync(folder, 0o700);
  const plain = await caught(register({ ...options, url: world.url }));
  assert.match(plain.message, 'https');
});

test.run();
