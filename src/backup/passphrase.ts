/** From a passphrase to the key of a backup (scrypt, RFC 7914), and a check that tells a wrong one from a damaged file. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { BackupRefused } from './refused.ts';

/** 128 MiB and some tenths of a second for each guess. */
const cost = { N: 131_072, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const;
const saltBytes = 32;
const keyBytes = 32;
const checkBytes = 16;

const Bytes = (count: number) =>
  z.base64().refine((text) => Buffer.from(text, 'base64').length === count);

/** How the content is encrypted; format 1 knows one way. */
export const Encryption = z.strictObject({
  cipher: z.literal('aes-256-gcm'),
  kdf: z.literal('scrypt'),
  N: z.literal(cost.N),
  r: z.literal(cost.r),
  p: z.literal(cost.p),
  salt: Bytes(saltBytes),
  /** What scrypt gives behind the key. */
  check: Bytes(checkBytes),
});
export type Encryption = z.infer<typeof Encryption>;

/** The key for what a file says of its encryption; null of both: there is none. @throws BackupRefused */
export type Unlock = (encryption: Encryption | null) => Promise<Buffer | null>;

const derived = (passphrase: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(passphrase.normalize('NFC'), salt, keyBytes + checkBytes, { ...cost }, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    ),
  );

/** A new key, and what a file says of it. */
export async function lockWith(
  passphrase: string,
): Promise<{ readonly encryption: Encryption; readonly key: Buffer }> {
  const salt = randomBytes(saltBytes);
  const bytes = await derived(passphrase, salt);
  const { N, r, p } = cost;
  return {
    key: bytes.subarray(0, keyBytes),
    encryption: {
      ...{ cipher: 'aes-256-gcm', kdf: 'scrypt', N, r, p },
      salt: salt.toString('base64'),
      check: bytes.subarray(keyBytes).toString('base64'),
    },
  };
}

/**
 * Who gives a passphrase trusts what was encrypted with it: a file that is not may have been put in its place.
 * @param passphrase null: nobody gave one
 */
export const unlockWith =
  (passphrase: string | null): Unlock =>
  async (encryption) => {
    if (encryption === null) {
      if (passphrase === null) return null;
      throw new BackupRefused('not-encrypted', 'a passphrase was given, and it is not encrypted');
    }
    const { salt, check } = encryption;
    if (passphrase === null)
      throw new BackupRefused('passphrase-missing', 'it is encrypted, and no passphrase was given');
    const bytes = await derived(passphrase, Buffer.from(salt, 'base64'));
    if (!timingSafeEqual(bytes.subarray(keyBytes), Buffer.from(check, 'base64')))
      throw new BackupRefused(
        'passphrase-wrong',
        'this is not its passphrase, or the first lines of the file are damaged',
      );
    return bytes.subarray(0, keyBytes);
  };
