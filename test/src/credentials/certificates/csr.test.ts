/** Certificate signing requests: which are taken, and that whatever else is sent is refused soon. */
import { createHash, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCsr } from '../../../../src/credentials/certificates/csr.ts';
import {
  attribute,
  csrDer,
  der,
  keyPairs,
  newCsr,
  oid,
  pem,
  sequence,
} from '../../../support/csr.ts';
import { runProgram } from '../../../support/program.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('certificate signing requests');

const username = 'press-7';
const p256 = keyPairs.p256();
const faultOf = (text: string, name = username) => readCsr(text, name).fault;

test('each kind of key is taken, and named by the SHA-256 of its SubjectPublicKeyInfo', () => {
  for (const [kind, keys] of [
    ['EC P-256', p256],
    ['EC P-384', keyPairs.p384()],
    ['Ed25519', keyPairs.ed25519()],
    ['RSA 2048', keyPairs.rsa()],
    ['RSA 4096', keyPairs.rsa(4_096)],
  ] as const) {
    const { key, fault } = readCsr(newCsr(username, keys).csr, username);
    assert.is(fault, null, kind);
    const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
    assert.equal(key, {
      publicKeyAlgorithm: kind,
      fingerprint: createHash('sha256').update(spki).digest('hex'),
      publicKey: spki.toString('base64'),
    });
  }
});

test('what openssl makes is taken, with whatever it asks for besides', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-csr-'));
  try {
    for (const [algorithm, ...options] of [
      ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
      ['rsa:3072', '-sha512'],
      ['ed25519'],
    ] as const) {
      const out = join(folder, 'csr.pem');
      const { code, output } = await runProgram('openssl', [
        ...['req', '-new', '-newkey', algorithm, ...options, '-nodes', '-out', out],
        ...['-keyout', join(folder, 'key.pem'), '-subj', `/O=Plant/CN=${username}/OU=Hall 3`],
        ...['-addext', 'subjectAltName=DNS:gatebook', '-addext', 'basicConstraints=CA:TRUE'],
      ]);
      assert.is(code, 0, output);
      assert.is(faultOf(await readFile(out, 'utf8')), null, algorithm);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the CN is the username, once, to the byte, in one of two types', () => {
  const withSubject = (...parts: readonly Buffer[]) =>
    faultOf(pem(csrDer({ username, ...p256, subject: sequence(...parts) })));
  const cn = attribute(oid.commonName, username);
  assert.is(withSubject(cn), null);
  assert.is(withSubject(attribute(oid.commonName, username, 0x13)), null);
  assert.is(withSubject(attribute(oid.organization, 'Plant'), cn), null);
  for (const [parts, why] of [
    [[], /exactly one CN/],
    [[attribute(oid.organization, username)], /exactly one CN/],
    [[cn, cn], /exactly one CN/],
    [[der(0x31, cn.subarray(2), cn.subarray(2))], /exactly one CN/],
    [[attribute(oid.commonName, '')], /to the byte/],
    [[attribute(oid.commonName, 'Press-7')], /to the byte/],
    [[attribute(oid.commonName, `${username}\0.plant`)], /to the byte/],
    [[attribute(oid.commonName, `${username} `)], /to the byte/],
    [[attribute(oid.commonName, username, 0x16)], /UTF8String or PrintableString/],
    [[attribute(oid.commonName, Buffer.from(username, 'utf16le'), 0x1e)], /UTF8String/],
    [[sequence()], /not built/],
  ] as const)
    assert.match(withSubject(...parts) ?? '', why);
  const long = `a${'b'.repeat(64)}`;
  assert.match(faultOf(newCsr(long).csr, long) ?? '', /at most 64/);
  assert.is(faultOf(newCsr(long.slice(1)).csr, long.slice(1)), null);
});

/** A SubjectPublicKeyInfo of RSA with this modulus and exponent. */
function rsaInfo(modulus: Uint8Array, exponent: Uint8Array): Buffer {
  const key = sequence(der(0x02, modulus), der(0x02, exponent));
  const name = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  return sequence(name, der(0x03, Buffer.from([0]), key));
}

test('keys of other kinds, sizes, curves and encodings are refused', () => {
  const rsa = keyPairs.rsa();
  const modulus = Buffer.from(rsa.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
  const signed = Buffer.concat([Buffer.from([0]), modulus]);
  const e = Buffer.from([1, 0, 1]);
  const point = p256.publicKey.export({ type: 'spki', format: 'der' });
  const compressed = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    Buffer.from([2 + ((point.at(-1) ?? 0) & 1)]),
    point.subarray(-64, -32),
  ]);
  assert.ok(createPublicKey({ key: compressed, format: 'der', type: 'spki' }));
  const off = Buffer.from(point);
  off[40] = (off[40] ?? 0) ^ 1;
  for (const [what, publicKey, why] of [
    ['exponent 1', rsaInfo(signed, Buffer.from([1])), /of another kind/],
    ['exponent 3', rsaInfo(signed, Buffer.from([3])), /of another kind/],
    ['a huge exponent', rsaInfo(signed, signed), /of another kind/],
    ['16,384 bits', rsaInfo(Buffer.alloc(2_048, 0x7f), e), /of another kind/],
    ['1,024 bits', rsaInfo(Buffer.concat([Buffer.from([0]), modulus.subarray(128)]), e), /kind/],
    ['no modulus', rsaInfo(Buffer.alloc(0), e), /of another kind/],
    ['a padded modulus', rsaInfo(Buffer.concat([Buffer.alloc(1), signed]), e), /kind|unusual/],
    ['a negative modulus', rsaInfo(modulus, e), /unusual|none/],
    ['a compressed point', compressed, /unusual/],
    ['a point off the curve', off, /none/],
  ] as const) {
    const keys = what.includes('point') ? p256 : rsa;
    assert.match(faultOf(pem(csrDer({ username, ...keys, publicKey }))) ?? '', why, what);
  }
});

test('unknown curves, weak digests and signatures by another key are refused', () => {
  const other = keyPairs.p256();
  const swapped = csrDer({ username, publicKey: p256.publicKey, privateKey: other.privateKey });
  assert.match(faultOf(pem(swapped)) ?? '', /not signed by its own key/);
  const sha1 = csrDer({ username, ...p256, signature: oid.ecdsaSha1, digest: 'sha1' });
  assert.match(faultOf(pem(sha1)) ?? '', /must be signed/);
  const mixed = csrDer({ username, ...p256, signature: oid.rsaSha256 });
  assert.match(faultOf(pem(mixed)) ?? '', /must be signed/);
  const whole = csrDer({ username, ...p256 });
  const known = Buffer.from('2a8648ce3d030107', 'hex');
  for (const curve of ['2b8104000a', '2b81040023', '2a8648ce3d030101']) {
    const at = whole.indexOf(known);
    const changed = Buffer.from(whole);
    Buffer.from(curve.padEnd(16, '0'), 'hex').copy(changed, at);
    assert.match(faultOf(pem(changed)) ?? '', /another kind/, curve);
  }
});

test('what names the algorithm is an object identifier, and nothing that has the same bytes in it', () => {
  const whole = csrDer({ username, ...p256 });
  const at = whole.indexOf(Buffer.from('06082a8648ce3d040302', 'hex'));
  for (const tag of [0x04, 0x0a, 0x0c, 0x46, 0x82]) {
    const changed = Buffer.from(whole);
    changed[at] = tag;
    assert.match(faultOf(pem(changed)) ?? '', /must be signed/, tag.toString(16));
  }
});

test('what is no DER, or no PEM of one request, is refused', () => {
  const whole = csrDer({ username, ...p256 });
  for (let length = 0; length < whole.length; length++)
    assert.ok(faultOf(pem(whole.subarray(0, length))), `cut at ${length}`);
  assert.match(faultOf(pem(Buffer.concat([whole, Buffer.from([0])]))) ?? '', /behind its end/);
  const content = whole.subarray(whole[1] === 0x82 ? 4 : 3);
  const as = (...header: number[]) => pem(Buffer.concat([Buffer.from(header), content]));
  assert.match(
    faultOf(as(0x30, 0x83, 0, content.length >> 8, content.length & 255)) ?? '',
    /more octets/,
  );
  assert.match(faultOf(as(0x30, 0x80)) ?? '', /indefinite/);
  assert.match(faultOf(as(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)) ?? '', /beyond all bounds/);
  assert.match(faultOf(as(0x3f, 0x81, content.length & 255)) ?? '', /several octets/);
  let nested: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 3_000; depth++) nested = sequence(nested);
  assert.match(faultOf(pem(nested)) ?? '', /nested too deep/);
  assert.match(
    faultOf(pem(csrDer({ username, ...p256, attributes: der(0xa0, nested) }))) ?? '',
    /nested too deep/,
  );
  const good = pem(whole);
  for (const text of [
    ...['', 'x', good + good, `text ${good}`, pem(whole, 'CERTIFICATE'), pem(Buffer.alloc(0))],
    ...[good.replace('\nM', '\n*M'), good.replaceAll('=', ''), 'M'.repeat(65_000)],
  ])
    if (text !== good) assert.ok(faultOf(text), text.slice(0, 60));
  assert.is(faultOf(pem(whole, 'NEW CERTIFICATE REQUEST')), null);
  assert.is(faultOf(`\n${good.replaceAll('\n', '\r\n')}\n`), null);
  assert.match(faultOf(pem(csrDer({ username, ...p256, version: 1 }))) ?? '', /version 1/);
});

test.run();
