import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { activations } from '../../../projections/activations.ts';
import { clients } from '../../../projections/clients.ts';
import { roles } from '../../../projections/roles.ts';
import { windowProjection } from '../../../projections/window.ts';
import { leafHashesOf, merkleTree } from '../../../src/audit/transparency-log/tree.ts';
import { allCustomProjections, allProjections } from '../../../src/read-models/all.ts';
import { foldDraft } from '../../../src/read-models/draft/fold.ts';
import {
  applyAll,
  eventsFrom,
  openHalf,
  writtenOnce,
} from '../../../src/read-models/draft/halves.ts';
import { DraftThread } from '../../../src/read-models/draft/thread.ts';
import { openReadModels, type ReadModels } from '../../../src/read-models/read-models.ts';
import { WrittenHash } from '../../../src/read-models/state-hash.ts';
import { beginning, positionOf, type StoredEvent } from '../../../src/store/event-store.ts';
import { type EventFromText, readTexts } from '../../../src/store/event-text.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { ada, id, later } from '../../support/client.ts';
import { anyLog, logOf } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ folder: string }>('rows of a long log, made at once');
test.before.each((world) => {
  world.folder = mkdtempSync(join(tmpdir(), 'gatebook-draft-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const logId = 'log-1';
const storeOf = (log: readonly StoredEvent[], pageSize = 7) => ({
  logId,
  readAll: async (after: string) =>
    log.filter(({ position }) => position > after).slice(0, pageSize),
});
const open = (file: string, log: readonly StoredEvent[]) =>
  openReadModels({
    ...{ file, logId, head: positionOf(log.length) },
    ...{ projections: allProjections, customProjections: allCustomProjections },
  });
const draft = (file: string, log: readonly StoredEvent[], signal = new AbortController().signal) =>
  foldDraft({ file, store: storeOf(log), signal, onProgress: () => {} });

/** All that can be seen of them. */
async function seen(models: ReadModels, size: number) {
  const tree = models.custom(merkleTree);
  const pasts = [clients, activations, roles, windowProjection].map((projection) => {
    const past = models.past<unknown, never, unknown>(projection as never);
    const names = [...past.steps(size)].flatMap(({ rows }) => rows.map(([key]) => key));
    return names.map((name) => [name, past.versions(name)]);
  });
  return {
    ...(await models.state()),
    resume: models.resume(),
    root: tree.root().toString('hex'),
    leaves: tree.leaves(0, size).map((leaf) => leaf.toString('hex')),
    moments: Array.from({ length: size }, (_, index) => tree.momentOf(index)),
    counts: Array.from({ length: size + 1 }, (_, at) =>
      [...models.countsAt(clients, at)].filter(([, count]) => count !== 0).sort(),
    ),
    pasts,
  };
}

test('they are as if one event after the other had been folded', async ({ folder }) => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(anyLog(80), async (log) => {
      const [file, other] = [
        join(folder, `${number++}.sqlite`),
        join(folder, `${number++}.sqlite`),
      ];
      await draft(file, log);
      const indexes = indexesOf(file);
      const made = open(file, log);
      const folded = open(other, log);
      for (const event of log) folded.apply([event]);
      assert.equal(await seen(made, log.length), await seen(folded, log.length));
      assert.equal(indexes, indexesOf(other), 'before whoever opens it makes what is missing');
      made.close();
      folded.close();
    }),
    { numRuns: 12 },
  );
  assert.equal(
    readdirSync(folder).filter((name) => !name.endsWith('.sqlite')),
    [],
    'nothing else stays in the folder',
  );
});

test('hashes taken while rows are written are those of the rows that are read', async ({
  folder,
}) => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(anyLog(40), async (log) => {
      const file = join(folder, `${number++}.sqlite`);
      const thread = new DraftThread(file, logId, true);
      const { signal } = new AbortController();
      const hashed = await foldDraft(
        { file, store: storeOf(log), signal, onProgress: () => {} },
        thread,
      );
      await thread.end();
      const models = open(file, log);
      assert.is(hashed.names.length, models.models().length, 'nothing is left to be read');
      assert.equal(await models.state(hashed), await models.state());
      models.close();
    }),
    { numRuns: 3 },
  );
  const disordered = new WrittenHash();
  disordered.add('b', 0, '{}');
  disordered.add('a', 1, '{}');
  assert.is(disordered.ofAll(), undefined, 'rows in another order than that of their keys');
});

test('leaves that the first thread hashed are those that the second would hash', async ({
  folder,
}) => {
  const log = many.slice(0, 20);
  const texts = await readTexts(storeOf(log, 20), beginning, 20);
  const rootOf = (
    name: string,
    hashed: (events: readonly EventFromText[]) => Uint8Array | undefined,
  ) => {
    const models = openHalf(join(folder, name), logId, writtenOnce);
    applyAll(models, eventsFrom(models, texts, hashed(eventsFrom(models, texts))));
    const root = models.custom(merkleTree).root().toString('hex');
    models.close();
    return root;
  };
  const own = rootOf('own.sqlite', () => undefined);
  assert.is(rootOf('given.sqlite', leafHashesOf), own);
  const others = rootOf('others.sqlite', (events) => leafHashesOf(events.toReversed()));
  assert.is.not(others, own, 'they are not hashed again');
});

/** What SQLite has to find rows by. */
function indexesOf(file: string) {
  const database = new DatabaseSync(file, { readOnly: true });
  const found = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
  database.close();
  return found;
}

const many = logOf(
  Array.from({ length: 300 }, (_, number) => ({
    ...{ stream: `role-r${number % 50}`, type: 'RoleDefined' },
    data: {
      name: `r${number % 50}`,
      permissions: [],
      description: `${number}`,
      at: later,
      by: ada,
    },
  })),
);

test('an event that does not parse leaves the old rows as they were', async ({ folder }) => {
  const file = join(folder, 'rows.sqlite');
  const models = open(file, many);
  models.apply(many.slice(0, 10));
  models.close();
  const broken = many.map((event, at) => (at === 200 ? { ...event, data: {} } : event));
  const error = await draft(file, broken).catch((failed) => failed);
  assert.match(error.message, /the read model (roles|history) stopped at event .* \(RoleDefined\)/);
  assert.equal(readdirSync(folder).sort(), ['rows.sqlite']);
  const again = open(file, many);
  assert.is(again.resume().index, 10);
  again.close();
});
test('its thread hashes rows as the first does, and tells where it cannot', async ({ folder }) => {
  const file = join(folder, 'rows.sqlite');
  const models = open(file, many);
  models.apply(many);
  const thread = new DraftThread(file, logId);
  const alone = await models.state();
  assert.equal(await models.state(thread), alone);
  assert.is(await thread.hash(join(folder, 'none.sqlite'), thread.names), undefined);
  const failing = { names: thread.names, hash: async () => undefined };
  assert.equal(await models.state(failing), alone, 'then it is done here');
  models.close();
  await foldDraft(
    { file, store: storeOf(many), signal: new AbortController().signal, onProgress: () => {} },
    thread,
  );
  const made = open(file, many);
  assert.equal(await made.state(thread), alone);
  made.close();
  await thread.end();
});
test('told to stop it stops, and leaves the old rows as they were', async ({ folder }) => {
  const file = join(folder, 'rows.sqlite');
  const stopping = new AbortController();
  const onProgress = (done: number) => {
    if (done > 100) stopping.abort(new Error('enough'));
  };
  const { signal } = stopping;
  const error = await foldDraft({ file, store: storeOf(many), signal, onProgress }).catch(
    (failed) => failed,
  );
  assert.is(error.message, 'enough');
  assert.equal(readdirSync(folder), []);
});
test('killed in the middle it is begun anew, and nothing of before is taken for whole', async ({
  folder,
}) => {
  const store = openSqliteStore({ file: join(folder, 'log.sqlite') });
  for (const [at, { stream, revision, ...event }] of many.entries())
    await store.append(stream, revision - 1, [{ ...event, eventId: id(50_000 + at) }]);
  const { logId: own } = store;
  await store.close();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./draft-child.ts', import.meta.url)), folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const guard = setTimeout(() => child.kill('SIGKILL'), 60_000);
  for await (const line of createInterface({ input: child.stdout }))
    if (Number(line) > 100) child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  clearTimeout(guard);
  assert.is(child.signalCode, 'SIGKILL');

  const file = join(folder, 'read-models.sqlite');
  assert.ok(
    readdirSync(folder).some((name) => name.includes('.half')),
    'it was killed in the middle',
  );
  assert.not.ok(readdirSync(folder).includes('read-models.sqlite'));
  const log = openSqliteStore({ file: join(folder, 'log.sqlite') });
  assert.is(log.logId, own);
  const { signal } = new AbortController();
  await foldDraft({ file, store: log, signal, onProgress: () => {} });
  const made = openReadModels({
    ...{ file, logId: own, head: await log.head() },
    ...{ projections: allProjections, customProjections: allCustomProjections },
  });
  assert.is(made.resume().index, many.length);
  assert.is(made.rows(roles).count(), 50);
  made.close();
  await log.close();
  assert.equal(
    readdirSync(folder).filter((name) => /draft|half/.test(name)),
    [],
  );
});

test.run();
