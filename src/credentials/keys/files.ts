/** Files of secrets in the key folder: made whole or not at all, and read only while they are private. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../platform/private-file.ts';

/** A key file that cannot be used. The message names the file and the remedy, never what is in it. */
export class KeyFileRefused extends Error {
  override name = 'KeyFileRefused';
  readonly file: string;
  constructor(file: string, fault: string) {
    super(`${file} ${fault}`);
    this.file = file;
  }
}

/** Windows keeps rights in lists of its own, which a mode does not show. */
const modesCount = process.platform !== 'win32';

/** Makes the folder (mode 0700) where there is none. */
export function makeKeyFolder(dir: string): void {
  try {
    makeFolder(dir);
  } catch (error) {
    throw refused(dir, error, 'be made');
  }
}

/**
 * The text of a key file, undefined when there is none.
 * @throws KeyFileRefused when others than its owner may read or write it, or when it cannot be read.
 */
export async function readKeyFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY);
    const { mode } = await file.stat();
    if (modesCount && (mode & 0o077) !== 0) {
      throw new KeyFileRefused(
        path,
        `can be read or changed by others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): run \`chmod 600 '${path}'\`, and make new keys if anybody may have seen it`,
      );
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refused(path, error, 'be read');
  }
}

/**
 * Makes a key file (mode 0600) with all of its text, on disk when this resolves. False when there is
 * one already: whoever of several processes comes first has made it, and nobody sees a part of it.
 */
export async function makeKeyFile(path: string, text: string): Promise<boolean> {
  const draft = await writeDraft(path, text);
  try {
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw refused(path, error, 'be made');
  } finally {
    await unlink(draft);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Replaces a key file in one step, on disk when this resolves. */
export async function replaceKeyFile(path: string, text: string): Promise<void> {
  const draft = await writeDraft(path, text);
  try {
    await rename(draft, path);
  } catch (error) {
    await unlink(draft);
    throw refused(path, error, 'be replaced');
  }
  await syncFolder(dirname(path));
}

/** Removes a key file; one that is gone already is a success. */
export async function removeKeyFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw refused(path, error, 'be removed');
  }
  await syncFolder(dirname(path));
}

async function writeDraft(path: string, text: string): Promise<string> {
  const draft = join(dirname(path), `.${randomUUID()}.draft`);
  try {
    await using file = await open(draft, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw refused(path, error, 'be written');
  }
  return draft;
}

async function syncFolder(dir: string): Promise<void> {
  if (!modesCount) return; // Windows opens no folder as a file.
  await using folder = await open(dir, constants.O_RDONLY);
  await folder.sync();
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

const refused = (path: string, error: unknown, what: string): KeyFileRefused =>
  error instanceof KeyFileRefused
    ? error
    : new KeyFileRefused(
        path,
        `cannot ${what} (${String(codeOf(error) ?? 'unknown fault')}): give the user that runs Gatebook the rights to it, or point GATEBOOK_KEYS_DIR to another folder`,
      );
