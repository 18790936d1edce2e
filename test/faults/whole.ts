/** Whether a registry is whole: its rows are those of its log, its tree has the root of its export, its vault no orphan. */
import { join } from 'node:path';
import { beginning } from '../../src/store/event-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Served } from '../support/process.ts';
import { runProgram } from '../support/program.ts';
import { logFaults, orphansAmong } from './oracles/log.ts';

/** Of a registry that runs and has nothing to do. */
export async function treeFaults({ url }: Served, token: string): Promise<string[]> {
  const read = async (path: string) =>
    await (await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } })).text();
  const checkpoint = await read('/api/audit/checkpoint');
  return logFaults(checkpoint, (await read('/api/audit/export')).trimEnd().split('\n'));
}

/** What `gatebook rebuild` makes of the log, with nobody serving it. */
export async function rebuiltHash(dataDir: string): Promise<string> {
  const program = join(import.meta.dirname, '../../bin/gatebook.js');
  const { code, output } = await runProgram(process.execPath, [program, 'rebuild', '--json'], {
    GATEBOOK_DATA_DIR: dataDir,
  });
  if (code !== 0) return `rebuild ended with ${code}: ${output.slice(-300)}`;
  return (JSON.parse(output.slice(output.indexOf('{'))) as { stateHash: string }).stateHash;
}

/** Secrets that no event names, in a folder that nobody serves. */
export async function orphansIn(dataDir: string): Promise<string[]> {
  const store = openSqliteStore({ file: join(dataDir, 'log.sqlite') });
  try {
    const kept = new Map<string, string>();
    for (let after = beginning; ; ) {
      const changes = await store.readVault(after, 10_000);
      for (const change of changes) {
        if (change.kind === 'deleted') kept.delete(change.stream);
        else if (change.event.type === 'SecretKept')
          kept.set(change.stream, String(change.event.data.kind));
      }
      const last = changes.at(-1)?.position;
      if (last === undefined) break;
      after = last;
    }
    const events: unknown[] = [];
    for (let after = beginning; ; ) {
      const read = await store.readAll(after, 10_000);
      for (const { data } of read) events.push(data);
      const last = read.at(-1)?.position;
      if (last === undefined) break;
      after = last;
    }
    return orphansAmong(kept, events);
  } finally {
    await store.close();
  }
}
