/** What the CA shows of itself, and its list of revoked certificates as openssl reads it. */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCsr } from '../../../support/csr.ts';
import { type Door, newName, registerPath } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { runProgram } from '../../../support/program.ts';
import type { World } from '../../../support/service.ts';
import { assert } from '../../../support/suite.ts';

const test = doorSuite('the CA');

async function certified({ door, world }: { door: Door; world: World }) {
  const username = newName();
  const { csr } = newCsr(username);
  const ask = () => world.call('POST', registerPath, { token: null, body: { username, csr } });
  await door.grant((await ask()).body.requestId);
  return { username, pem: (await ask()).body.certificate as string };
}

test('its fingerprint and chain are open', async ({ world }) => {
  const { status, body } = await world.call('GET', '/ca', { token: null });
  assert.is(status, 200);
  const chain = await (await fetch(`${world.url}/ca/certificate`)).text();
  const root = new X509Certificate(chain);
  assert.is(body.fingerprint, root.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.is(body.subject, root.subject);
  assert.is(body.notAfter, root.validToDate.toISOString());
});

test('openssl finds on its list who is suspended or revoked, after erasure too, and nobody else', async ({
  door,
  world,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-crl-'));
  const at = (name: string) => join(folder, name);
  try {
    await writeFile(at('ca.pem'), await (await fetch(`${world.url}/ca/certificate`)).text());
    const list = async () => {
      const response = await fetch(`${world.url}/ca/crl`);
      assert.is(response.headers.get('content-type'), 'application/pkix-crl');
      await writeFile(at('crl.der'), Buffer.from(await response.arrayBuffer()));
      const { code, output } = await runProgram('openssl', [
        ...['crl', '-inform', 'DER', '-in', at('crl.der'), '-CAfile', at('ca.pem')],
        ...['-text', '-out', at('crl.pem')],
      ]);
      assert.is(code, 0, output);
      assert.match(output, 'verify OK');
      const text = await runProgram('openssl', ['crl', '-in', at('crl.pem'), '-noout', '-text']);
      return text.output;
    };
    const isGood = async (pem: string) => {
      await writeFile(at('leaf.pem'), pem);
      const { code, output } = await runProgram('openssl', [
        ...['verify', '-CAfile', at('ca.pem'), '-CRLfile', at('crl.pem'), '-crl_check'],
        ...['-purpose', 'sslclient', at('leaf.pem')],
      ]);
      assert.is(code === 0 || output.includes('certificate revoked'), true, output);
      return code === 0;
    };
    const one = await certified({ door, world });
    const other = await certified({ door, world });
    const goodAfter = async (what: string | null) => {
      if (what !== null) await door.change(one.username, what);
      const text = await list();
      return [await isGood(one.pem), await isGood(other.pem), text] as const;
    };
    const [first, , empty] = await goodAfter(null);
    assert.is(first, true);
    assert.match(empty, 'No Revoked Certificates');
    const numberIn = (text: string) => Number(/CRL Number:\s+(\d+)/.exec(text)?.[1]);
    const held = await goodAfter('suspend');
    assert.equal(held.slice(0, 2), [false, true]);
    assert.match(held[2], 'Certificate Hold');
    assert.ok(numberIn(held[2]) > numberIn(empty));
    assert.equal((await goodAfter('resume')).slice(0, 2), [true, true]);
    const revoked = await goodAfter('revoke');
    assert.equal(revoked.slice(0, 2), [false, true]);
    assert.not.match(revoked[2], 'Certificate Hold');
    assert.equal((await goodAfter('reinstate')).slice(0, 2), [false, true]);
    assert.equal((await goodAfter('erase')).slice(0, 2), [false, true]);
    const [next, last] = [/Next Update: (.+)/, /Last Update: (.+)/].map((line) =>
      Date.parse(line.exec(revoked[2])?.[1] ?? ''),
    );
    assert.is((next ?? 0) - (last ?? 0), 7 * 24 * 3_600_000);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
