/** Writes a file that only its owner may read: at once, durably, never half. */
import { randomBytes } from 'node:crypto';
import { open, realpath, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts a text into a file of mode 0600: whoever reads it sees the old content or the new, also after a
 * power cut. A link is followed.
 * @throws the system's error
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const random = randomBytes(6).toString('hex');
  const temporary = join(dirname(target), `.${basename(target)}.${random}.tmp`);
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  // Without this a power cut may undo the rename. Not every system lets a folder be opened.
  const folder = await open(dirname(target), 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
