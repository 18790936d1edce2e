/** A file that a command makes for whoever called it: under another name until it is whole, and overwriting nothing. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../platform/private-file.ts';
import { usageFault } from './command.ts';
import { fileFault } from './fault.ts';

/** Gone when it is disposed of, unless it was kept. What is thrown is a CommandFailed that names the file. */
interface NewFile extends AsyncDisposable {
  append(content: string | Uint8Array): Promise<void>;
  /** Gives it its name, whole and durable. */
  keep(): Promise<void>;
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

function newFileFault(error: unknown, path: string): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST')
    throw usageFault(`${path} is there already, and nothing is overwritten: give another name.`);
  if (code === 'ENOENT') {
    const folder = dirname(resolve(path));
    if (existsSync(folder))
      throw usageFault(`${path} cannot be written: ${folder} takes no files. Name another folder.`);
    throw usageFault(`${path} cannot be written: there is no folder ${folder}.`, [
      'Make the folder first, or name another one.',
    ]);
  }
  return fileFault(error, path);
}

/** Also on file systems that have no links, such as FAT and some of the network. @throws EEXIST where somebody has the name */
export async function giveName(
  draft: string,
  path: string,
  linked: typeof link = link,
): Promise<void> {
  try {
    await linked(draft, path);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
  }
  // An empty file takes the name, which fails where somebody has it, and what is whole takes its place.
  await (await open(path, 'wx', 0o600)).close();
  try {
    await rename(draft, path);
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Mode 0600. What cannot be written, or is there already, is told before there is anything to write.
 * @throws CommandFailed
 */
export async function newFile(path: string): Promise<NewFile> {
  const target = resolve(path);
  if (await isThere(target)) newFileFault(Object.assign(new Error(), { code: 'EEXIST' }), path);
  const random = randomBytes(6).toString('hex');
  const draft = join(dirname(target), `.${basename(target)}.${random}.part`);
  const told = (error: unknown) => newFileFault(error, path);
  const out = await open(draft, 'wx', 0o600).catch(told);
  return {
    append: (content) => out.appendFile(content).catch(told),
    async keep() {
      try {
        await out.sync();
        await out.close();
        await giveName(draft, target);
      } catch (error) {
        told(error);
      }
      await syncFolder(dirname(target));
    },
    async [Symbol.asyncDispose]() {
      await out.close().catch(() => undefined);
      await unlink(draft).catch(() => undefined);
    },
  };
}
