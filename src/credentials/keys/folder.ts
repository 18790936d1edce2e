/** The key folder (SPEC 5): the pepper and the signing keys, made at the first start. */

import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Instant } from '../../../domain/values.ts';
import { currentInstant } from '../../platform/instant.ts';
import { KeyFileRefused, makeKeyFile, makeKeyFolder, readKeyFile } from './files.ts';
import { makeFirstKey, readKeyRing, tidyKeyRing } from './signing.ts';

export { KeyFileRefused } from './files.ts';

export interface KeyFolder {
  /** The folder; tokens find their signing keys in it. */
  readonly dir: string;
  /** 32 bytes that every verifier depends on. Not enumerable, so that no log line shows it. */
  readonly pepper: Buffer;
  /** What may be known of the pepper: 16 hex digits that tell it from others. */
  readonly pepperId: string;
}

const pepperBytes = 32;

/**
 * Opens the key folder, and makes it (mode 0700) and the keys that are missing (mode 0600). Processes
 * that do so at the same time end with the same keys.
 * @throws KeyFileRefused for a file that is malformed, open to others, or cannot be read or made.
 */
export async function openKeys(
  dir: string,
  now: () => Instant = currentInstant,
): Promise<KeyFolder> {
  makeKeyFolder(dir);
  const pepper = await openPepper(join(dir, 'pepper.key'));
  if ((await readKeyRing(dir)) === undefined) await makeFirstKey(dir, now());
  // A folder that cannot be written keeps its ended keys, which open nothing.
  await tidyKeyRing(dir, now()).catch(() => undefined);

  const pepperId = createHash('sha256')
    .update('gatebook-pepper')
    .update(pepper)
    .digest('hex')
    .slice(0, 16);
  return Object.defineProperty({ dir, pepper, pepperId }, 'pepper', { enumerable: false });
}

async function openPepper(path: string): Promise<Buffer> {
  let text = await readKeyFile(path);
  if (text === undefined) {
    await makeKeyFile(path, `${randomBytes(pepperBytes).toString('base64url')}\n`);
    text = await readKeyFile(path);
  }
  if (text === undefined || !/^[\w-]{43}\n?$/.test(text)) {
    throw new KeyFileRefused(
      path,
      'is no pepper of Gatebook (43 characters of base64url): restore it from a backup; without it no stored password can be checked',
    );
  }
  return Buffer.from(text.trim(), 'base64url');
}
