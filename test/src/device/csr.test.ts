/** Signing requests that a device writes: the registry and OpenSSL read them. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCsr } from '../../../src/credentials/certificates/csr.ts';
import { isCertifiable, signingRequest } from '../../../src/device/csr.ts';
import { keyPairs } from '../../support/csr.ts';
import { runProgram } from '../../support/program.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('device: signing request');

const kinds = [
  ['EC P-256', keyPairs.p256],
  ['EC P-384', keyPairs.p384],
  ['Ed25519', keyPairs.ed25519],
  ['RSA 2048', () => keyPairs.rsa(2_048)],
  ['RSA 4096', () => keyPairs.rsa(4_096)],
] as const;

for (const [kind, make] of kinds)
  test(`${kind}: read by the registry and by OpenSSL, whatever the name's length`, async () => {
    const { privateKey, publicKey } = make();
    for (const username of ['abc', `a${'.@:-_'.repeat(12)}z9`]) {
      const csr = signingRequest(username, privateKey);
      const { key, fault } = readCsr(csr, username);
      assert.is(fault, null);
      assert.is(key?.publicKeyAlgorithm, kind);
      const spki = publicKey.export({ type: 'spki', format: 'der' });
      assert.is(key?.publicKey, spki.toString('base64'));
      const folder = await mkdtemp(join(tmpdir(), 'gatebook-csr-'));
      try {
        await writeFile(join(folder, 'csr.pem'), csr);
        const { code, output } = await runProgram('openssl', [
          ...['req', '-in', join(folder, 'csr.pem'), '-verify', '-noout', '-subject'],
          ...['-nameopt', 'multiline'],
        ]);
        assert.is(code, 0, output);
        assert.match(output, `commonName                = ${username}`);
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  });

test('other kinds of keys get none', () => {
  for (const { privateKey } of [
    generateKeyPairSync('ed448'),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('x25519'),
  ]) {
    assert.not(isCertifiable(privateKey));
    assert.throws(() => signingRequest('press-17', privateKey));
  }
});

test.run();
