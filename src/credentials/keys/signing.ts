/**
 * The PASETO keys of the key folder, `paseto-<number>.json`: the highest number signs, the others only
 * verify until they end. A rotation takes the next number, so two nodes never both make it.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { blake2b } from '@noble/hashes/blake2.js';
import { PublicProtocol } from 'paseto';
import {
  ExportPublicKeyFactory,
  ExportSecretKeyFactory,
  GenerateKeyPairFactory,
  GetPublicKeyFactory,
  ImportPublicKeyFactory,
  ImportSecretKeyFactory,
  type PublicKey,
  VerifyFactory,
} from 'paseto/v4/public';
import { z } from 'zod';
import { Instant } from '../../../domain/values.ts';
import {
  KeyFileRefused,
  makeKeyFile,
  readKeyFile,
  removeKeyFile,
  replaceKeyFile,
} from './files.ts';
import { pasetoSigner, type SignAll } from './paseto-signer.ts';

/** PASETO v4.public with the operations that Gatebook uses. */
export const paseto = new PublicProtocol(
  GenerateKeyPairFactory,
  VerifyFactory,
  ImportPublicKeyFactory,
  ExportPublicKeyFactory,
  ImportSecretKeyFactory,
  ExportSecretKeyFactory,
  GetPublicKeyFactory,
);

type PublicText = `k4.public.${string}`;
type SecretText = `k4.secret.${string}`;

/** A key that verifies. */
export interface VerifyingKey {
  /** Its PASERK id, `k4.pid.…`. */
  readonly kid: string;
  /** Its PASERK text, `k4.public.…`. */
  readonly text: PublicText;
  readonly publicKey: PublicKey;
  /** When it stops to verify; null for the one that signs. */
  readonly until: Instant | null;
}

export interface KeyRing {
  readonly signing: VerifyingKey & {
    readonly signAll: SignAll;
  };
  /** Every key that was not removed, the signing one first. */
  readonly verifying: readonly VerifyingKey[];
}

const Signing = z.object({
  kid: z.string(),
  secretKey: z.custom<SecretText>((text) => /^k4\.secret\.[\w-]{86}$/.test(String(text))),
  createdAt: Instant,
  /** Until when the key before this one verifies; null for the first key. */
  previousUntil: Instant.nullable(),
});
const Verifying = z.object({
  kid: z.string(),
  publicKey: z.custom<PublicText>((text) => /^k4\.public\.[\w-]{43}$/.test(String(text))),
  createdAt: Instant,
  until: Instant,
});
const KeyFile = z.union([Signing, Verifying]);

interface NumberedFile {
  readonly number: number;
  readonly path: string;
  readonly content: z.infer<typeof KeyFile>;
}

/** The id of a public key (PASERK, operation ID, k4.pid): BLAKE2b-264 of `k4.pid.` and its text. */
export const keyIdOf = (text: PublicText): string =>
  `k4.pid.${Buffer.from(blake2b(Buffer.from(`k4.pid.${text}`), { dkLen: 33 })).toString('base64url')}`;

/**
 * Reads the keys; undefined when there is none yet.
 * @throws KeyFileRefused for a file that is malformed or open to others.
 */
export async function readKeyRing(dir: string): Promise<KeyRing | undefined> {
  const files = await readFiles(dir);
  const newest = files.at(-1);
  if (newest === undefined) return undefined;
  if (!('secretKey' in newest.content)) {
    throw new KeyFileRefused(
      newest.path,
      'is the newest key, but cannot sign: restore the newer file from a backup, or remove this one and sign in anew',
    );
  }
  const signing = await imported(newest, null);
  const verifying = [signing];
  for (const { file, until } of olderOf(files)) verifying.push(await imported(file, until));
  // Verifiers learn from the footer which key it is.
  const signAll = pasetoSigner(newest.content.secretKey, JSON.stringify({ kid: signing.kid }));
  return { signing: { ...signing, signAll }, verifying };
}

/** Makes the first key, unless another process has made it. */
export const makeFirstKey = (dir: string, now: Instant): Promise<boolean> =>
  makeKey(dir, 1, now, null);

/**
 * Makes a new signing key; the old one loses its secret half and verifies until `until`. When another
 * node rotates at the same moment, its key is the new one for both. `retiresAll`: every older key is removed.
 */
export async function rotateKeyRing(
  dir: string,
  now: Instant,
  until: Instant,
  retiresAll = false,
): Promise<void> {
  const newest = (await readFiles(dir)).at(-1);
  await makeKey(dir, (newest?.number ?? 0) + 1, now, until);
  if (retiresAll)
    for (const { file } of olderOf(await readFiles(dir))) await removeKeyFile(file.path);
  else await tidyKeyRing(dir, now);
}

/** Finishes what a rotation that was cut off left undone, and removes the keys that have ended. */
export async function tidyKeyRing(dir: string, now: Instant): Promise<void> {
  for (const { file, until } of olderOf(await readFiles(dir))) {
    const { kid, createdAt } = file.content;
    if (until <= now) await removeKeyFile(file.path);
    else if ('secretKey' in file.content) {
      const { text: publicKey } = await imported(file, until);
      await replaceKeyFile(file.path, jsonOf({ kid, publicKey, createdAt, until }));
    }
  }
}

async function makeKey(dir: string, number: number, createdAt: Instant, until: Instant | null) {
  const pair = await paseto.GenerateKeyPair({ extractable: true });
  const kid = keyIdOf(await paseto.ExportPublicKey(pair.publicKey));
  const secretKey = await paseto.ExportSecretKey(pair.secretKey);
  const content: z.infer<typeof Signing> = { kid, secretKey, createdAt, previousUntil: until };
  const name = `paseto-${String(number).padStart(4, '0')}.json`;
  return makeKeyFile(join(dir, name), jsonOf(content));
}

/** Every key file, the oldest first. */
async function readFiles(dir: string): Promise<NumberedFile[]> {
  const files: NumberedFile[] = [];
  for (const name of await readdir(dir)) {
    const number = /^paseto-(\d{4,9})\.json$/.exec(name)?.[1];
    if (number === undefined) continue;
    const path = join(dir, name);
    const text = await readKeyFile(path);
    // Gone since the folder was listed: it had ended.
    if (text !== undefined)
      files.push({ number: Number(number), path, content: parsed(path, text) });
  }
  return files.sort((a, b) => a.number - b.number);
}

/** Every file but the newest, newest first, and until when its key verifies. */
function olderOf(files: readonly NumberedFile[]): { file: NumberedFile; until: Instant }[] {
  const older: { file: NumberedFile; until: Instant }[] = [];
  for (const [index, file] of files.slice(0, -1).entries()) {
    const next = files[index + 1]?.content;
    if ('until' in file.content) older.push({ file, until: file.content.until });
    // The rotation was cut off before it took this key's secret half away: the next one says the end.
    else if (next !== undefined) {
      const until = 'previousUntil' in next ? next.previousUntil : null;
      older.push({ file, until: until ?? next.createdAt });
    }
  }
  return older.reverse();
}

const unusable =
  'is no signing key of Gatebook: restore it from a backup, or move the file away and sign in anew';

function parsed(path: string, text: string): z.infer<typeof KeyFile> {
  try {
    return KeyFile.parse(JSON.parse(text));
  } catch {
    // Without the cause: what a parser says of a text may quote it.
    throw new KeyFileRefused(path, unusable);
  }
}

async function imported(
  { path, content }: NumberedFile,
  until: Instant | null,
): Promise<VerifyingKey> {
  try {
    const publicKey =
      'publicKey' in content
        ? await paseto.ImportPublicKey(content.publicKey)
        : await paseto.GetPublicKey(await paseto.ImportSecretKey(content.secretKey));
    const text = await paseto.ExportPublicKey(publicKey);
    if (keyIdOf(text) === content.kid) return { kid: content.kid, text, publicKey, until };
  } catch {
    // Falls through to the one error, which quotes nothing.
  }
  throw new KeyFileRefused(path, unusable);
}

const jsonOf = (content: z.infer<typeof KeyFile>): string =>
  `${JSON.stringify(content, null, 2)}\n`;
