/** A copied log is the same log, wherever it was kept on the way, and only one of the two lives on. */
import { createHash, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CopyProgress, copyLog, moveLog, unsealLog } from '../../../../src/store/copy/copy.ts';
import { CopyRefused, LogNotLive } from '../../../../src/store/errors.ts';
import {
  beginning,
  type EventStore,
  noStream,
  type StoredEvent,
  StoreUnavailable,
  type VaultChange,
} from '../../../../src/store/event-store.ts';
import { openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import type { MovableStore } from '../../../../src/store/log-state.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { startKurrentServer } from '../../../support/kurrentdb/server.ts';
import { newEvent, newEvents, wholeLog } from '../../../support/stored-events.ts';
import { assert, suite } from '../../../support/suite.ts';
import { errorOf, temporaryFolder } from '../sqlite/world.ts';

interface World {
  folder: string;
  from: MovableStore;
  to: MovableStore;
}

const test = suite<World>('copy');

test.before.each((world) => {
  world.folder = temporaryFolder();
  world.from = openSqliteStore({ file: join(world.folder, 'from.sqlite') });
  world.to = openSqliteStore({ file: join(world.folder, 'to.sqlite') });
});
test.after.each(async ({ folder, from, to }) => {
  await from.close();
  await to.close();
  rmSync(folder, { recursive: true });
});

/** Streams that take turns, appends of several events, and a vault of which some was deleted. */
async function fill(store: EventStore, rounds: number): Promise<void> {
  const streams = Array.from({ length: 7 }, (_, at) => `client-${at}-${randomUUID()}`);
  const revisions = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const stream = streams[(round * round) % streams.length] ?? '';
    const revision = revisions.get(stream) ?? noStream;
    const events = [
      newEvent({ round, text: 'Grüße \u2028 \ud83d\udeaa', zero: -0, nested: { b: [1], a: {} } }),
      ...newEvents(round % 3),
    ];
    await store.append(stream, revision, events);
    revisions.set(stream, revision + events.length);
    const secret = `vault-${randomUUID()}`;
    await store.append(secret, noStream, newEvents(1 + (round % 2)));
    if (round % 4 === 0) await store.deleteStream(secret);
  }
}

const bare = ({ position: _, ...event }: StoredEvent) => event;

async function everything(store: EventStore) {
  const vault: VaultChange[] = [];
  for (let after = beginning; ; ) {
    const page = await store.readVault(after, 100);
    vault.push(...page);
    const last = page.at(-1);
    if (!last) break;
    after = last.position;
  }
  return {
    log: (await wholeLog(store)).map(bare),
    vault: vault.flatMap((change) => (change.kind === 'kept' ? [bare(change.event)] : [])),
  };
}

test('to a KurrentDB and back again, everything is the same', async ({ folder, from, to }) => {
  const server = await startKurrentServer();
  const { connectionString } = server;
  const between = await openKurrentStore({ connectionString, purpose: 'copy' });
  await fill(from, 60);
  const before = await everything(from);
  const there = await moveLog({ from, to: between });
  assert.equal(await everything(between), before);
  assert.is(there.events, before.log.length);
  assert.is(there.vaultEvents, before.vault.length);
  assert.equal(await moveLog({ from: between, to }), there);
  assert.equal(await everything(to), before);
  assert.equal(await Promise.all([from, between, to].map((store) => store.getState())), [
    'sealed',
    'sealed',
    'live',
  ]);
  await from.close();
  assert.throws(
    () => openSqliteStore({ file: join(folder, 'from.sqlite') }),
    (error: unknown) => error instanceof LogNotLive,
  );
  assert.instance(await errorOf(openKurrentStore({ connectionString })), LogNotLive);
  await between.close();
  await server.stop();
});

test('the hash is over the canonical lines, as an export has them', async ({ from, to }) => {
  const event = newEvent({ b: 1, a: [true, null, 'ü', 1e21], '': { z: 0.1, Z: {} } });
  await from.append('client-a', noStream, [event]);
  const line =
    `{"data":{"":{"Z":{},"z":0.1},"a":[true,null,"ü",1e+21],"b":1},"eventId":"${event.eventId}",` +
    `"metadata":{"causationId":null,"correlationId":"${event.metadata.correlationId}"},` +
    '"revision":0,"stream":"client-a","type":"Tested"}\n';
  assert.is((await copyLog({ from, to })).sha256, createHash('sha256').update(line).digest('hex'));
});

test('a copy that was interrupted anywhere goes on where it was', async ({ from, to }) => {
  await fill(from, 60);
  for (const phase of ['vault', 'log', 'verifying', 'comparing'] as const) {
    const stop = new AbortController();
    const onProgress = (progress: CopyProgress) => {
      assert.ok(progress.fraction === null || (progress.fraction > 0 && progress.fraction <= 1));
      if (progress.phase === phase && progress.events === 20) stop.abort(new Error(phase));
    };
    const error = await errorOf(copyLog({ from, to, onProgress, signal: stop.signal }));
    assert.is((error as Error | undefined)?.message, phase);
  }
  await copyLog({ from, to });
  assert.equal(await everything(to), await everything(from));
});

test('a KurrentDB that goes away while it is copied to', async ({ from }) => {
  const server = await startKurrentServer();
  const { connectionString } = server;
  const to = await openKurrentStore({ connectionString, answerMs: 200, purpose: 'copy' });
  await fill(from, 60);
  const onProgress = ({ phase, events }: CopyProgress) => {
    if (phase === 'log' && events === 30) server.stop();
  };
  assert.instance(await errorOf(moveLog({ from, to, onProgress })), StoreUnavailable);
  await server.start();
  assert.is(await to.getState(), 'filling');
  assert.instance(await errorOf(openKurrentStore({ connectionString })), LogNotLive);
  await moveLog({ from, to });
  assert.equal(await everything(to), await everything(from));
  await to.close();
  await server.stop();
});

test('what was deleted since it was copied is deleted in the copy', async ({ from, to }) => {
  for (const stream of ['vault-a', 'vault-b', 'vault-c'])
    await from.append(stream, noStream, newEvents(2));
  await copyLog({ from, to });
  await from.deleteStream('vault-b');
  await from.append('vault-d', noStream, newEvents(1));
  await copyLog({ from, to });
  assert.equal(await to.read('vault-b'), []);
  assert.equal(await everything(to), await everything(from));
});

test('a target that is another log is refused and left as it was', async ({ from, to }) => {
  await fill(from, 10);
  await to.append('client-other', noStream, newEvents(1));
  const before = await everything(to);
  assert.instance(await errorOf(moveLog({ from, to })), CopyRefused);
  assert.equal(await everything(to), before);
  assert.equal([await from.getState(), await to.getState()], ['live', 'live']);
});

test('a target with other secrets, or with more events, is refused', async ({ from, to }) => {
  await fill(from, 10);
  await copyLog({ from, to });
  await to.append('vault-other', noStream, newEvents(1));
  assert.instance(await errorOf(moveLog({ from, to })), CopyRefused);
  assert.is((await to.read('vault-other')).length, 1);
  await to.deleteStream('vault-other');
  await copyLog({ from, to });
  await to.append('client-more', noStream, newEvents(1));
  assert.instance(await errorOf(moveLog({ from, to })), CopyRefused);
});

test('a log cannot be copied into itself, from half a copy, or into a sealed one', async ({
  from,
  to,
}) => {
  assert.instance(await errorOf(moveLog({ from, to: from })), CopyRefused);
  await from.setState('filling');
  assert.instance(await errorOf(moveLog({ from, to })), LogNotLive);
  await from.setState('live');
  await to.setState('sealed');
  assert.instance(await errorOf(moveLog({ from, to })), LogNotLive);
});

test('a copy that did not become the same leaves the source alive', async ({ from, to }) => {
  await fill(from, 10);
  let meddled = false;
  const onProgress = ({ phase }: CopyProgress) => {
    if (phase !== 'log' || meddled) return;
    meddled = true;
    to.append('client-meddler', noStream, newEvents(1));
  };
  assert.instance(await errorOf(moveLog({ from, to, onProgress })), CopyRefused);
  assert.equal([await from.getState(), await to.getState()], ['live', 'filling']);
});

test('what is written until the seal is known comes along', async ({ from, to }) => {
  await fill(from, 10);
  const late: MovableStore = {
    ...from,
    async setState(state) {
      if (state === 'sealed') await from.append('client-late', noStream, newEvents(1));
      await from.setState(state);
    },
  };
  await moveLog({ from: late, to });
  assert.is((await to.read('client-late')).length, 1);
  assert.equal(await everything(to), await everything(from));
});

test('a log of many commits is copied in order', async ({ from, to }) => {
  await Promise.all(
    Array.from({ length: 3_000 }, (_, at) => from.append(`client-${at}`, noStream, newEvents(1))),
  );
  await from.append('client-big', noStream, newEvents(900));
  const { events } = await copyLog({ from, to });
  assert.is(events, 3_900);
  assert.equal(await everything(to), await everything(from));
});

const states = async ({ from, to }: Pick<World, 'from' | 'to'>) => [
  await from.getState(),
  await to.getState(),
];

test('a move is taken back, also one that stopped between the seal and its end', async (world) => {
  const { from, to } = world;
  await fill(from, 10);
  await moveLog({ from, to });
  await unsealLog(from, to);
  assert.equal(await states(world), ['live', 'sealed']);
  await unsealLog(from, to);
  assert.equal(await states(world), ['live', 'sealed'], 'again: as it is');
  await from.append('client-after', noStream, newEvents(1));

  await from.setState('sealed');
  await to.setState('filling');
  await unsealLog(from, to);
  assert.equal(await states(world), ['live', 'sealed'], 'a copy that lacks the newest event too');
  await from.setState('sealed');
  await unsealLog(from, null);
  assert.is(await from.getState(), 'live');
});

test('nothing that the copy alone has is lost: neither its events nor its secrets', async (world) => {
  const { from, to } = world;
  await fill(from, 10);
  await moveLog({ from, to });
  await to.append('vault-new', noStream, newEvents(1));
  assert.instance(await errorOf(unsealLog(from, to)), CopyRefused);
  await to.deleteStream('vault-new');
  await to.append('client-new', noStream, newEvents(1));
  assert.instance(await errorOf(unsealLog(from, to)), CopyRefused);
  assert.equal(await states(world), ['sealed', 'live']);
  assert.instance(await errorOf(unsealLog(from, from)), CopyRefused);
});

test('half a copy is no log to go on with', async ({ from, to }) => {
  await to.setState('filling');
  assert.instance(await errorOf(unsealLog(to, from)), LogNotLive);
  assert.is(await to.getState(), 'filling');
});

test.run();
