/** The key that checkpoints and reports are signed with: a file of the key folder, made at the first start. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { originAfter } from '../../../domain/backup.ts';
import { type Signer, signerOf } from '../../audit/transparency-log/signed-note.ts';
import { KeyFileRefused, makeKeyFile, readKeyFile } from './files.ts';

const seedBytes = 32;
const KeyFile = z.object({
  origin: z.string().regex(/^[^\s+]+$/u),
  seed: z.string().regex(/^[\w-]{43}$/),
});

/**
 * Opens `checkpoint.json` (mode 0600), or makes it for a log of this origin. The origin stays that of
 * the file: a log that moves to another store is the same log. One that was restored from a backup is not: it has
 * another end than the one that was published.
 * @param restoreId of its newest restore; null: it never was
 * @throws KeyFileRefused for a file that is malformed, open to others, or cannot be read or made
 */
export async function openCheckpointKey(
  dir: string,
  origin: string,
  restoreId: string | null = null,
): Promise<Signer> {
  const path = join(dir, 'checkpoint.json');
  let text = await readKeyFile(path);
  if (text === undefined) {
    const seed = randomBytes(seedBytes).toString('base64url');
    await makeKeyFile(path, `${JSON.stringify({ origin, seed }, null, 2)}\n`);
    text = await readKeyFile(path);
  }
  try {
    const key = KeyFile.parse(JSON.parse(text ?? ''));
    return signerOf(originAfter(key.origin, restoreId), Buffer.from(key.seed, 'base64url'));
  } catch {
    // Without the cause: what a parser says of a text may quote it.
    throw new KeyFileRefused(
      path,
      'is no checkpoint key of Gatebook: restore it from a backup; with another key, checkpoints that auditors hold can be continued by nobody',
    );
  }
}
