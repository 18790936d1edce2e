/** Files that are written at once, durably, never half; those that only their owner may read; those of SQLite; and folders for them. */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { chmod, open, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts a text into a file of mode 0600: whoever reads it sees the old content or the new, also after a
 * power cut. A link is followed; what is no file of a disk, such as a pipe or /dev/stdout, is written into and stays.
 * @throws the system's error
 */
export const writePrivateFile = (path: string, text: string): Promise<void> =>
  replaceFile(path, text, 0o600);

/** The same with another mode. @throws the system's error */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const there = await stat(path).catch(() => null);
  if (there !== null && !there.isFile()) return await writeFile(path, text);
  const target = await realpath(path).catch(() => path);
  const random = randomBytes(6).toString('hex');
  const temporary = join(dirname(target), `.${basename(target)}.${random}.tmp`);
  try {
    await using file = await open(temporary, 'wx', mode);
    // Whatever the process's umask is. By its name, which is random: Node's permission model refuses it by the descriptor.
    await chmod(temporary, mode);
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(target));
}

/** Without this a power cut may undo a rename in it. Not every system lets a folder be opened. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Makes a folder with those above it, as far as they are not there. Node's own way of it (`recursive`) never ends where
 * the system has no such folder though the one above it is there, as below /proc.
 * @throws the system's error
 */
export function makeFolder(path: string, mode = 0o700): void {
  const above = dirname(path);
  try {
    mkdirSync(path, { mode });
    return;
  } catch (error) {
    if (isFolder(path)) return;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
  }
  makeFolder(above, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have made it.
    if (!isFolder(path)) throw error;
  }
}

/** Windows keeps rights in lists of its own, which a mode does not show. */
const isOpenToOthers = (path: string): boolean =>
  process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0;

/**
 * Makes a file of SQLite (mode 0600) with its folder (0700) where there is none, before SQLite opens it: its
 * journals get the mode of the file. Takes from others what an older one, or its journals, gave them.
 * @throws the system's error
 */
export function makePrivateDatabase(path: string): void {
  makeFolder(dirname(path));
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  for (const file of [path, `${path}-wal`, `${path}-shm`])
    try {
      if (isOpenToOthers(file)) chmodSync(file, 0o600);
    } catch (error) {
      // There is no journal; or the file is somebody else's, which SQLite says when it cannot write it.
      if (!['ENOENT', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
}
