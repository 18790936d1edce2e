/**
 * Signs PASETO v4.public tokens with a key that is imported once, beside the event loop, where the signature itself would be a
 * tenth of a registration. The library's way by WebCrypto takes more of the loop than the signature.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { CryptoInThread } from '../crypto-in-thread.ts';
import { tokensWith } from './token-text.ts';

const signAside = promisify(sign);

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7). */
const pkcs8Beginning = Buffer.from('302e020100300506032b657004220420', 'hex');
const seedBytes = 32;

/** Tokens with these claims, in their order; where there are many, the thread signs them together. */
export type SignAll = (
  claims: readonly object[],
  thread?: CryptoInThread,
) => Promise<readonly string[]>;

/** @param secretKey PASERK, `k4.secret.` and base64url of the seed with the public key */
export function pasetoSigner(secretKey: string, footer: string): SignAll {
  const seed = Buffer.from(secretKey.slice(secretKey.lastIndexOf('.') + 1), 'base64url');
  const der = Buffer.concat([pkcs8Beginning, seed.subarray(0, seedBytes)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  for (const bytes of [seed, der]) bytes.fill(0);
  const { signed, text } = tokensWith(footer);
  const signOne = async (claims: string): Promise<string> => {
    const message = Buffer.from(claims);
    return text(message, await signAside(null, signed(message), key));
  };
  return (claims, thread) => {
    const messages = claims.map((one) => JSON.stringify(one));
    const byPool = () => Promise.all(messages.map(signOne));
    return thread?.sign({ key, footer, messages })?.catch(byPool) ?? byPool();
  };
}
