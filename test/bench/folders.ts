/** Data folders with many clients or events: filled once in a run, copied for each that is measured on them. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { here, serve } from './served.ts';

const run = promisify(execFile);
const made = new Map<string, Promise<string>>();
/** Copies are removed after each line, what they are copied from at the end. */
const copies: string[] = [];

const newFolder = () => mkdtemp(join(tmpdir(), 'gatebook-bench-'));

async function fill(kind: 'clients' | 'stories', count: number): Promise<string> {
  const folder = await newFolder();
  // The first start makes keys and administrator.
  await (await serve(here, { dataDir: folder })).stop();
  const bulk = join(import.meta.dirname, 'bulk.ts');
  await run(process.execPath, [bulk, folder, kind, String(count)]);
  return folder;
}

/** A folder of one's own with so many active clients, or so many events; its rows are not folded yet. */
export async function filledFolder(kind: 'clients' | 'stories', count: number): Promise<string> {
  const key = `${kind} ${count}`;
  const filled = made.get(key) ?? fill(kind, count);
  made.set(key, filled);
  const copy = await newFolder();
  copies.push(copy);
  await cp(await filled, copy, { recursive: true });
  return copy;
}

const remove = (folder: string) => rm(folder, { recursive: true, force: true });

export async function removeCopies(): Promise<void> {
  for (const copy of copies.splice(0)) await remove(copy);
}

export async function removeFolders(): Promise<void> {
  await removeCopies();
  for (const folder of made.values()) await remove(await folder);
  made.clear();
}
