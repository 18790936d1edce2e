/** Whether a registry is whole: its rows are those of its log, its tree has the root of its export, its vault no orphan. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { beginning } from '../../src/store/event-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Served } from '../support/process.ts';
import { runProgram } from '../support/program.ts';

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The root of a Merkle tree over lines (RFC 9162, section 2.1.1), made level by level and not as the service does. */
export function rootOf(lines: readonly string[]): string {
  let level = lines.map((line) => sha256(Uint8Array.of(0), line));
  if (level.length === 0) return sha256('').toString('base64');
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at] as Buffer, level[at + 1]];
      above.push(right === undefined ? left : sha256(Uint8Array.of(1), left, right));
    }
    level = above;
  }
  return (level[0] as Buffer).toString('base64');
}

/** Of a registry that runs and has nothing to do. */
export async function treeFaults({ url }: Served, token: string): Promise<string[]> {
  const read = async (path: string) =>
    await (await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } })).text();
  const [, size, root] = (await read('/api/audit/checkpoint')).split('\n');
  const lines = (await read('/api/audit/export')).trimEnd().split('\n');
  const recomputed = rootOf(lines.slice(0, Number(size)));
  return recomputed === root ? [] : [`root ${root} at ${size}, recomputed ${recomputed}`];
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
    const named = new Set<string>();
    for (let after = beginning; ; ) {
      const events = await store.readAll(after, 10_000);
      for (const { data } of events)
        for (const [id] of JSON.stringify(data).matchAll(
          /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
        ))
          named.add(id);
      const last = events.at(-1)?.position;
      if (last === undefined) break;
      after = last;
    }
    return [...kept]
      .filter(([stream]) => !named.has(stream.replace(/^vault-/, '')))
      .map(([stream, kind]) => `${stream} (${kind}) is named by no event`);
  } finally {
    await store.close();
  }
}
