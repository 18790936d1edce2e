/** One log, made by real commands, over every store: the same size, root and export bytes. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpoint } from '../../../../src/audit/transparency-log/checkpoint.ts';
import { exportLines } from '../../../../src/audit/transparency-log/export.ts';
import { noteOf } from '../../../../src/audit/transparency-log/signed-note.ts';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { copyLog } from '../../../../src/store/copy/copy.ts';
import type { EventStore } from '../../../../src/store/event-store.ts';
import { openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { memoryStore } from '../../../support/event-store/memory-store.ts';
import { everyCommand, textInMoreThanOneWay } from '../../../support/every-command.ts';
import { type KurrentServer, startKurrentServer } from '../../../support/kurrentdb/server.ts';
import { runProgram } from '../../../support/program.ts';
import { rowsFile } from '../../../support/read-models.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

interface Proven {
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly lines: string;
}

interface Made extends Proven {
  folder: string;
  server: KurrentServer;
}

const test = suite<Made>('same root', {} as Made);

async function told({ call }: World): Promise<Proven> {
  const note = noteOf((await call('GET', '/api/audit/checkpoint')).body);
  const { size, root } = parseCheckpoint(note.text);
  const lines = (await call('GET', '/api/audit/export')).body.split('\n').slice(0, size);
  return { size, root: root.toString('base64'), lines: lines.join('\n') };
}

/** What the read models make of a store, as a node that starts afresh on it does: its first `size` events. */
async function folded(store: EventStore, size: number): Promise<Proven> {
  const rows = rowsFile();
  try {
    const readModels = rows.open({ logId: store.logId, head: await store.head() });
    for (;;) {
      // Batches of another size than a service's, so that they end elsewhere.
      const events = await store.readAll(readModels.resume().position, 7);
      if (events.length === 0) break;
      readModels.apply(events);
    }
    const tree = readModels.custom(merkleTree);
    const lines: Buffer[] = [];
    for await (const some of exportLines(store, tree, 0)) lines.push(some);
    return {
      size: Math.min(size, tree.size()),
      root: tree.rootAt(size).toString('base64'),
      lines: Buffer.concat(lines).toString().split('\n').slice(0, size).join('\n'),
    };
  } finally {
    rows.remove();
  }
}

async function foldedOf(opening: EventStore | Promise<EventStore>, size: number): Promise<Proven> {
  const store = await opening;
  try {
    return await folded(store, size);
  } finally {
    await store.close();
  }
}

const embedded = (folder: string) => openSqliteStore({ file: join(folder, 'log.sqlite') });
const proven = ({ size, root, lines }: Made): Proven => ({ size, root, lines });

test.before(async (made) => {
  made.folder = await mkdtemp(join(tmpdir(), 'gatebook-roots-'));
  made.server = await startKurrentServer();
  const registry = await startRegistry();
  await everyCommand(registry);
  Object.assign(made, await told(registry));
  await registry.running.stop();
  await cp(registry.dataDir, join(made.folder, 'source'), { recursive: true });
  await rm(registry.dataDir, { recursive: true, force: true });
});
test.after(async ({ folder, server }) => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('the log has every kind of event that commands make, and odd texts', ({ size, lines }) => {
  const types = new Set(lines.split('\n').map((line) => JSON.parse(line).type));
  assert.ok(size > 25 && types.size > 15, `${size} events of ${[...types]}`);
  assert.ok(lines.includes(textInMoreThanOneWay.slice(0, 5)));
});

test('SQLite, opened afresh', async (made) => {
  assert.equal(await foldedOf(embedded(join(made.folder, 'source')), made.size), proven(made));
});

test('memory', async (made) => {
  const from = embedded(join(made.folder, 'source'));
  const to = memoryStore();
  try {
    await copyLog({ from, to });
    assert.equal(await folded(to, made.size), proven(made));
  } finally {
    await from.close();
  }
});

test('gatebook copy to KurrentDB, and from there to SQLite', async (made) => {
  const { folder, server } = made;
  const copy = async (from: string, to: string) => {
    const args = ['bin/gatebook.js', 'copy', '--from', from, '--to', to];
    const { code, output } = await runProgram(process.execPath, args);
    assert.is(code, 0, output);
  };
  await copy(join(folder, 'source'), server.connectionString);
  const kurrent = () => openKurrentStore({ connectionString: server.connectionString });
  assert.equal(await foldedOf(kurrent(), made.size), proven(made));
  await copy(server.connectionString, join(folder, 'back'));
  assert.equal(await foldedOf(embedded(join(folder, 'back')), made.size), proven(made));
});

test.run();
