/** Tokens as a forger would write them (PASETO version 4, by its specification and no library): with any claims, footer, assertion and key. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyIdOf } from '../../src/credentials/keys/signing.ts';

/** A key that signs, and the name that it goes by. */
export interface ForgersKey {
  readonly key: KeyObject;
  readonly kid: string;
}

const littleEndian = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** Pre-authentication encoding (PASETO, "Authentication Padding"). */
const encoded = (pieces: readonly Buffer[]): Buffer =>
  Buffer.concat([
    littleEndian(pieces.length),
    ...pieces.flatMap((piece) => [littleEndian(piece.length), piece]),
  ]);

interface Written {
  readonly claims: object | string;
  readonly footer: string;
  readonly key: KeyObject;
  readonly assertion?: string;
  readonly header?: string;
}

export function tokenOf({ claims, footer, key, assertion = '', header = 'v4.public.' }: Written) {
  const message = Buffer.from(typeof claims === 'string' ? claims : JSON.stringify(claims));
  const pieces = [Buffer.from(header), message, Buffer.from(footer), Buffer.from(assertion)];
  const signature = sign(null, encoded(pieces), key);
  const payload = Buffer.concat([message, signature]).toString('base64url');
  const end = footer === '' ? '' : `.${Buffer.from(footer).toString('base64url')}`;
  return `${header}${payload}${end}`;
}

export const footerOf = (kid: unknown): string => JSON.stringify({ kid });

/** The claims of a token, unchecked. */
export const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(
    Buffer.from(token.split('.')[2] ?? '', 'base64url')
      .subarray(0, -64)
      .toString(),
  );

/** The key that a registry signs with: in a forger's hand it shows what the registry looks at beside the signature. */
export function signingKeyIn(keysDir: string): ForgersKey {
  const newest = readdirSync(keysDir)
    .filter((name) => /^paseto-\d+\.json$/.test(name))
    .sort()
    .at(-1);
  const { secretKey, kid } = JSON.parse(readFileSync(join(keysDir, newest ?? ''), 'utf8'));
  const bytes = Buffer.from(secretKey.slice('k4.secret.'.length), 'base64url');
  const [d, x] = [bytes.subarray(0, 32), bytes.subarray(32)].map((half) =>
    half.toString('base64url'),
  );
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: d ?? '', x: x ?? '' };
  return { kid, key: createPrivateKey({ format: 'jwk', key: jwk }) };
}

/** A key of another registry. */
export function anotherKey(): ForgersKey {
  const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
  return { key, kid: keyIdOf(`k4.public.${publicKey.export({ format: 'jwk' }).x}`) };
}
