/** Tokens: what is signed, what is taken for one, and what never is. */
import { createPublicKey, verify as verifyBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { PublicProtocol } from 'paseto';
import { ImportSecretKeyFactory, SignFactory } from 'paseto/v4/public';
import { type KeyRing, readKeyRing } from '../../../src/credentials/keys/signing.ts';
import { assert, suite } from '../../support/suite.ts';
import { afterMs, claims, hourMs, node, start } from './token-world.ts';

const test = suite('tokens', { dir: '', at: start });
test.before.each((world) => {
  world.dir = mkdtempSync(join(tmpdir(), 'gatebook-tokens-'));
  world.at = start;
});
test.after.each(({ dir }) => rmSync(dir, { recursive: true }));
const { audience: _, ...verified } = claims;

test('a token says what was signed, with the claims and the footer of the wire', async (world) => {
  const tokens = await node(world);
  const token = await tokens.sign(claims);
  assert.equal(await tokens.verify(token, 'gatebook'), verified);

  const [version, purpose, payload, footer, ...more] = token.split('.');
  assert.equal([version, purpose, more], ['v4', 'public', []]);
  const message = Buffer.from(payload ?? '', 'base64url').subarray(0, -64);
  assert.equal(JSON.parse(message.toString()), {
    sub: 'ada',
    jti: claims.id,
    iss: 'gatebook',
    aud: 'gatebook',
    iat: '2026-11-23T10:00:00.000Z',
    exp: '2026-11-23T11:00:00.000Z',
  });
  const [{ kid } = { kid: '' }] = tokens.publicKeys();
  assert.match(kid, /^k4\.pid\.[\w-]{44}$/);
  assert.is(Buffer.from(footer ?? '', 'base64url').toString(), `{"kid":"${kid}"}`);
});

test('the signature is that of the PASETO specification, checked by other means', async (world) => {
  const tokens = await node(world);
  const [, , payload = '', footer = ''] = (await tokens.sign(claims)).split('.');
  const bytes = Buffer.from(payload, 'base64url');
  // Version 4, "Sign": Ed25519 over PAE(header, message, footer, implicit assertion).
  const pieces = [
    Buffer.from('v4.public.'),
    bytes.subarray(0, -64),
    Buffer.from(footer, 'base64url'),
    Buffer.alloc(0),
  ];
  const length = (value: number) => {
    const bytesOfLength = Buffer.alloc(8);
    bytesOfLength.writeBigUInt64LE(BigInt(value));
    return bytesOfLength;
  };
  const encoded = pieces.flatMap((piece) => [length(piece.length), piece]);
  const message = Buffer.concat([length(pieces.length), ...encoded]);
  const [published] = tokens.publicKeys();
  const x = published?.key.slice('k4.public.'.length) ?? '';
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  assert.ok(verifyBytes(null, message, key, bytes.subarray(-64)));
});

test('a token is byte for byte what the library signs', async (world) => {
  const tokens = await node(world);
  const library = new PublicProtocol(SignFactory, ImportSecretKeyFactory);
  const file = JSON.parse(readFileSync(join(world.dir, 'paseto-0001.json'), 'utf8'));
  const theirs = await library.Sign(
    await library.ImportSecretKey(file.secretKey),
    {
      ...{ sub: claims.subject, jti: claims.id, iss: 'gatebook', aud: claims.audience },
      ...{ iat: claims.issuedAt.toISOString(), exp: claims.expiresAt.toISOString() },
    },
    { footer: Buffer.from(JSON.stringify({ kid: file.kid })), addIssuedAt: false },
  );
  assert.is(await tokens.sign(claims), theirs);
});

test('another audience: null', async (world) => {
  const tokens = await node(world);
  const token = await tokens.sign({ ...claims, audience: 'gatebook:registration' });
  assert.is(await tokens.verify(token, 'gatebook'), null);
  assert.equal(await tokens.verify(token, 'gatebook:registration'), verified);
  assert.is(await tokens.verify(token, 'gatebook'), null);
});

test('at its end a token is null, also one that was verified before', async (world) => {
  const tokens = await node(world);
  const token = await tokens.sign(claims);
  world.at = afterMs(hourMs - 1);
  assert.ok(await tokens.verify(token, 'gatebook'));
  world.at = afterMs(hourMs);
  assert.is(await tokens.verify(token, 'gatebook'), null);
  const restarted = await node(world);
  assert.is(await restarted.verify(token, 'gatebook'), null);
});

test('a node whose clock is a little behind takes the token too', async (world) => {
  const tokens = await node(world);
  const token = await tokens.sign(claims);
  world.at = afterMs(-60_000);
  assert.equal(await tokens.verify(token, 'gatebook'), verified);
});

test('no letter of a token can be another', async (world) => {
  const tokens = await node(world);
  const token = await tokens.sign(claims);
  for (let place = 0; place < token.length; place += 1) {
    const other = token[place] === 'A' ? 'B' : 'A';
    const changed = token.slice(0, place) + other + token.slice(place + 1);
    assert.is(await tokens.verify(changed, 'gatebook'), null, `at ${place}`);
  }
  assert.equal(await tokens.verify(token, 'gatebook'), verified);
});

test('anything else is null, and nothing is thrown', async (world) => {
  const tokens = await node(world);
  const token = await tokens.sign(claims);
  const footer = (value: unknown) =>
    `v4.public.${token.split('.')[2]}.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
  for (const odd of [
    '',
    'v4.public.',
    'v4.public..',
    'v4.public.AAAA',
    'v4.local.AAAA',
    token.split('.').slice(0, 3).join('.'),
    `${token}.`,
    `${token}\n`,
    footer(null),
    footer({ kid: 5 }),
    footer({ kid: '__proto__' }),
    footer({ kid: 'k4.pid.nobody' }),
  ]) {
    assert.is(await tokens.verify(odd, 'gatebook'), null, odd);
  }
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(text, async (rest) => {
      assert.is(await tokens.verify(`v4.public.${rest}`, 'gatebook'), null);
    }),
  );
});

test('another issuer, missing claims, no end: null, though the signature is right', async (world) => {
  const tokens = await node(world);
  const { signing } = (await readKeyRing(world.dir)) as KeyRing;
  const good = { sub: 'ada', jti: '1', iss: 'gatebook', aud: 'gatebook', iat: start };
  const signed = async (other: object) => {
    const [token] = await signing.signAll([{ ...good, exp: afterMs(hourMs), ...other }]);
    return token as string;
  };
  assert.ok(await tokens.verify(await signed({}), 'gatebook'));
  for (const [what, token] of [
    ['another issuer', signed({ iss: 'somebody' })],
    ['no issuer', signed({ iss: undefined })],
    ['no subject', signed({ sub: undefined })],
    ['an empty subject', signed({ sub: '' })],
    ['no id', signed({ jti: undefined })],
    ['no audience', signed({ aud: undefined })],
    ['no time of issue', signed({ iat: undefined })],
    ['not yet valid', signed({ nbf: afterMs(hourMs / 2) })],
    ['no end', signed({ exp: undefined })],
  ] as const) {
    assert.is(await tokens.verify(await token, 'gatebook'), null, what);
  }
});

test('a token over 4 KiB is refused unread', async (world) => {
  const tokens = await node(world);
  const short = await tokens.sign({ ...claims, subject: 'a'.repeat(2_000) });
  assert.ok(short.length < 4_096);
  assert.ok(await tokens.verify(short, 'gatebook'));
  const long = await tokens.sign({ ...claims, subject: 'a'.repeat(4_000) });
  assert.is(await tokens.verify(long, 'gatebook'), null);
});

test('more tokens than are remembered are verified all the same', async (world) => {
  const tokens = await node(world, { verifiedMax: 2 });
  const many = await Promise.all(['a', 'b', 'c'].map((id) => tokens.sign({ ...claims, id })));
  for (const token of [...many, ...many]) assert.ok(await tokens.verify(token, 'gatebook'));
});

test.run();
