/** A Gatebook in a process of its own, for measuring: limits on attempts off, folder removed afterwards. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '../../src/bench/child.ts';
import { type MeasuredRegistry, startMeasured } from '../../src/bench/measured-registry.ts';

/** A folder with the project: this one, or another to compare with. */
export interface Checkout {
  readonly name: string;
  readonly dir: string;
}

export const here: Checkout = { name: 'Gatebook', dir: join(import.meta.dirname, '../..') };

export interface Served extends Omit<MeasuredRegistry, 'child'> {
  readonly dataDir: string;
  /** Bytes that it has in memory now (Linux). */
  resident(): number;
  /** SIGTERM; the folder stays where it was given. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** Bytes that a process has in memory now (Linux). */
export function residentBytes({ pid }: ChildProcess): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes?.[1] ?? Number.NaN) * 1_024;
}

export interface ServeOptions {
  /** A folder that is kept; undefined: a new one, removed when it stops. */
  readonly dataDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function serve(checkout: Checkout, options: ServeOptions = {}): Promise<Served> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'gatebook-bench-')));
  const { child, ...registry } = await startMeasured(
    join(checkout.dir, 'bin/gatebook.js'),
    dataDir,
    { ...process.env, ...options.environment },
  );
  return {
    ...{ ...registry, dataDir },
    resident: () => residentBytes(child),
    async stop() {
      await ended(child);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
    kill: () => ended(child, 'SIGKILL'),
  };
}
