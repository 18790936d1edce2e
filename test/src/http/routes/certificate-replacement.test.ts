/** A re-imaged device at the explicit door: its new key becomes the challenger, and ends the certificate before it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newCsr } from '../../../support/csr.ts';
import { newName, registerPath } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { assert } from '../../../support/suite.ts';
import { overTls } from '../../../support/tls.ts';

const test = doorSuite('replacement of a certificate');

test('the new key waits for a person; then its certificate counts, and the old one opens nothing', async ({
  door,
  world,
}) => {
  const username = newName();
  const [before, after] = [newCsr(username), newCsr(username)];
  const ask = ({ csr }: { csr: string }) =>
    world.call('POST', registerPath, { token: null, body: { username, csr } });
  const ca = await readFile(join(world.dataDir, 'keys', 'ca.pem'), 'utf8');
  const self = async ({ privateKey }: typeof before, cert: string) => {
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const url = `${world.running.ready.https}/api/client-registry/requests/self`;
    return (await overTls(url, { ca, key, cert })).status;
  };
  await door.unlock();
  await door.grant((await ask(before)).body.requestId);
  const old = (await ask(before)).body.certificate;
  assert.is(await self(before, old), 201);

  assert.is((await ask(after)).body.code, 'username-taken');
  const waiting = await ask(after);
  assert.is(waiting.body.code, 'replacement-pending');
  assert.is(await self(before, old), 201, 'until then the old one opens');
  await door.lock();
  assert.is((await ask(after)).body.code, 'replacement-pending');
  const [request] = await door.requestsOf(username);
  assert.is(request.kind, 'replacement');
  await door.grant(request.requestId);

  const { status, body } = await ask(after);
  assert.is(status, 201);
  assert.is(await self(after, body.certificate), 201);
  assert.is(await self(before, old), 401);
  assert.is(await self(after, old).catch(() => 'no handshake'), 'no handshake');
  // Whoever has the old key is told what a stranger is.
  assert.is((await ask(before)).body.code, 'registry-locked');
});

test.run();
