/** Data folders with many clients or events: filled once in a run, copied for each that is measured on them. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Checkout, here, serve } from './served.ts';

const run = promisify(execFile);
const made = new Map<string, Promise<string>>();
/** Copies are removed after each line, what they are copied from at the end. */
const copies: string[] = [];

const newFolder = () => mkdtemp(join(tmpdir(), 'gatebook-bench-'));

type Kind = 'clients' | 'stories';

async function fill(kind: Kind, count: number): Promise<string> {
  const folder = await newFolder();
  // The first start makes keys and administrator.
  await (await serve(here, { dataDir: folder })).stop();
  const bulk = join(import.meta.dirname, 'bulk.ts');
  await run(process.execPath, [bulk, folder, kind, String(count)]);
  return folder;
}

const remembered = (key: string, make: () => Promise<string>): Promise<string> => {
  const folder = made.get(key) ?? make();
  made.set(key, folder);
  return folder;
};

/** With the rows of this checkout, which may be others than those of another. */
async function folded(checkout: Checkout, kind: Kind, count: number): Promise<string> {
  const folder = await newFolder();
  const filled = await remembered(`${kind} ${count}`, () => fill(kind, count));
  await cp(filled, folder, { recursive: true });
  const program = join(checkout.dir, 'bin/gatebook.js');
  await run(process.execPath, [program, 'rebuild', '--json'], {
    env: { ...process.env, GATEBOOK_DATA_DIR: folder },
  });
  await caughtUp(checkout, folder);
  return folder;
}

/** Serves it until the broker has heard of every event, as a registry that was there when they came. */
async function caughtUp(checkout: Checkout, dataDir: string): Promise<void> {
  const served = await serve(checkout, { dataDir });
  for (;;) {
    const { items } = (await served.get('/api/brokers')) as { items: { lagEvents: number }[] };
    if (items.every(({ lagEvents }) => lagEvents === 0)) break;
    await delay(250);
  }
  await served.stop();
}

/** A folder of one's own with so many active clients, or about so many events. */
export async function filledFolder(checkout: Checkout, kind: Kind, count: number): Promise<string> {
  const source = await remembered(`${checkout.dir} ${kind} ${count}`, () =>
    folded(checkout, kind, count),
  );
  const copy = await newFolder();
  copies.push(copy);
  await cp(source, copy, { recursive: true });
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
