import { createPublicKey, verify as verifyBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openKeys } from '../../../src/credentials/keys.ts';
import {
  type KeyRing,
  paseto,
  readKeyRing,
  rotateKeyRing,
} from '../../../src/credentials/signing-keys.ts';
import { createTokens, type TokenOptions } from '../../../src/credentials/tokens.ts';

const start = '2026-11-23T10:00:00.000Z';
const afterMs = (ms: number) => new Date(Date.parse(start) + ms).toISOString();
const hourMs = 3_600_000;

const test = suite('tokens', { dir: '', at: start });
test.before.each((world) => {
  world.dir = mkdtempSync(join(tmpdir(), 'gatebook-tokens-'));
  world.at = start;
});
test.after.each(({ dir }) => rmSync(dir, { recursive: true }));

type World = { dir: string; at: string };
async function node(world: World, options: Partial<TokenOptions> = {}) {
  const keys = await openKeys(world.dir, () => world.at);
  return createTokens({ keys, now: () => world.at, ...options });
}

const claims = {
  subject: 'ada',
  id: 'b1946ac9-2f8a-4a7e-9d3f-0c5d5b6f7a10',
  audience: 'gatebook',
  issuedAt: new Date(start),
  expiresAt: new Date(afterMs(hourMs)),
} as const;
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
  const footer = Buffer.from(JSON.stringify({ kid: signing.kid }));
  const good = { sub: 'ada', jti: '1', iss: 'gatebook', aud: 'gatebook', iat: start };
  const signed = (other: object, options: object = { nonExpiring: false }) =>
    paseto.Sign(
      signing.secretKey,
      { ...good, exp: afterMs(hourMs), ...other },
      { footer, addIssuedAt: false, ...options },
    );
  assert.ok(await tokens.verify(await signed({}), 'gatebook'));
  for (const [what, token] of [
    ['another issuer', await signed({ iss: 'somebody' })],
    ['no issuer', await signed({ iss: undefined })],
    ['no subject', await signed({ sub: undefined })],
    ['an empty subject', await signed({ sub: '' })],
    ['no id', await signed({ jti: undefined })],
    ['no audience', await signed({ aud: undefined })],
    ['no time of issue', await signed({ iat: undefined })],
    ['not yet valid', await signed({ nbf: afterMs(hourMs / 2) })],
    ['no end', await signed({}, { nonExpiring: true })],
  ] as const) {
    assert.is(await tokens.verify(token, 'gatebook'), null, what);
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

test('rotation: the old key verifies until its end, then it is gone with its file', async (world) => {
  const tokens = await node(world);
  const old = await tokens.sign(claims);
  const before = tokens.publicKeys();
  assert.equal(
    before.map(({ use, until }) => [use, until]),
    [['sign', null]],
  );

  const until = afterMs(hourMs / 2);
  await tokens.rotate({ until });
  const fresh = await tokens.sign(claims);
  const during = tokens.publicKeys();
  assert.equal(
    during.map((key) => [key.use, key.until]),
    [
      ['sign', null],
      ['verify', until],
    ],
  );
  assert.is(during[1]?.kid, before[0]?.kid);
  assert.is(during[1]?.key, before[0]?.key);
  assert.is.not(during[0]?.kid, before[0]?.kid);
  assert.ok(await tokens.verify(old, 'gatebook'));
  assert.ok(await tokens.verify(fresh, 'gatebook'));

  world.at = until;
  assert.is(await tokens.verify(old, 'gatebook'), null);
  assert.ok(await tokens.verify(fresh, 'gatebook'));
  assert.equal(
    tokens.publicKeys().map(({ kid }) => kid),
    [during[0]?.kid ?? ''],
  );
  assert.equal(readdirSync(world.dir).sort(), ['paseto-0002.json', 'pepper.key']);
  const restarted = await node(world);
  assert.is(await restarted.verify(old, 'gatebook'), null);
  assert.ok(await restarted.verify(fresh, 'gatebook'));
});

test('after a rotation the secret half of the old key is nowhere', async (world) => {
  const tokens = await node(world);
  const secretOf = (name: string) =>
    /k4\.secret\.[\w-]+/.exec(readFileSync(join(world.dir, name), 'utf8'))?.[0];
  const old = secretOf('paseto-0001.json');
  assert.ok(old);
  await tokens.rotate({ until: afterMs(hourMs) });
  for (const name of readdirSync(world.dir)) assert.is.not(secretOf(name), old, name);
  assert.ok(secretOf('paseto-0002.json'));
});

test('a rotation without overlap ends the old tokens at once', async (world) => {
  const tokens = await node(world);
  const old = await tokens.sign(claims);
  assert.ok(await tokens.verify(old, 'gatebook'));
  await tokens.rotate({ until: start });
  assert.is(await tokens.verify(old, 'gatebook'), null);
});

test('another node’s rotation: its tokens are known, and its end of the old key counts', async (world) => {
  const one = await node(world);
  const other = await node(world);
  const old = await one.sign(claims);
  assert.ok(await other.verify(old, 'gatebook'));

  world.at = afterMs(1_000);
  await one.rotate({ until: afterMs(2_000) });
  const fresh = await one.sign(claims);
  assert.ok(await other.verify(fresh, 'gatebook'));
  assert.equal(other.publicKeys(), one.publicKeys());
  world.at = afterMs(2_000);
  assert.is(await other.verify(old, 'gatebook'), null);
});

test('another node signs with the new key a second later', async (world) => {
  const one = await node(world);
  const other = await node(world);
  const old = await other.sign(claims);
  await one.rotate({ until: start });
  world.at = afterMs(1_000);
  assert.ok(await one.verify(await other.sign(claims), 'gatebook'));
  assert.is(await other.verify(old, 'gatebook'), null);
});

test('a node that only verifies hears of the old key’s end within ten seconds', async (world) => {
  const one = await node(world);
  const other = await node(world);
  const old = await other.sign(claims);
  await one.rotate({ until: start });
  world.at = afterMs(10_000);
  assert.is(await other.verify(old, 'gatebook'), null);
});

test('unknown keys make nobody look into the folder more than once a second', async (world) => {
  const faults: unknown[] = [];
  const tokens = await node(world, { onFault: (error) => faults.push(error) });
  const good = await tokens.sign(claims);
  const strangers = mkdtempSync(join(tmpdir(), 'gatebook-strangers-'));
  const stranger = await (await node({ dir: strangers, at: start })).sign(claims);
  rmSync(strangers, { recursive: true });

  // Every look meets this file, so the faults count the looks.
  writeFileSync(join(world.dir, 'paseto-0002.json'), 'k4.secret.marker', { mode: 0o600 });
  world.at = afterMs(999);
  for (let time = 0; time < 20; time += 1) {
    assert.is(await tokens.verify(stranger, 'gatebook'), null);
  }
  assert.is(faults.length, 0);
  world.at = afterMs(1_000);
  await Promise.all(Array.from({ length: 20 }, () => tokens.verify(stranger, 'gatebook')));
  for (let time = 0; time < 20; time += 1) await tokens.verify(stranger, 'gatebook');
  assert.is(faults.length, 1);
  assert.not(String(faults[0]).includes('marker'));
  assert.ok(await tokens.verify(good, 'gatebook'), 'the keys already read stay in use');
});

test('two nodes that rotate at once make one new key', async (world) => {
  const [one, other] = [await node(world), await node(world)];
  const until = afterMs(hourMs);
  await Promise.all([one.rotate({ until }), other.rotate({ until })]);
  assert.equal(one.publicKeys()[0], other.publicKeys()[0]);
  assert.ok(await one.verify(await other.sign(claims), 'gatebook'));
  assert.ok(await other.verify(await one.sign(claims), 'gatebook'));
});

test('a rotation that was cut off is finished by the next start', async (world) => {
  const tokens = await node(world);
  const old = await tokens.sign(claims);
  const path = join(world.dir, 'paseto-0001.json');
  const before = readFileSync(path, 'utf8');
  const until = afterMs(hourMs);
  await rotateKeyRing(world.dir, start, until);
  writeFileSync(path, before);

  const restarted = await node(world);
  assert.equal(
    restarted.publicKeys().map((key) => [key.use, key.until]),
    [
      ['sign', null],
      ['verify', until],
    ],
  );
  assert.ok(await restarted.verify(old, 'gatebook'));
  assert.not(readFileSync(path, 'utf8').includes('k4.secret'));
});

test.run();
