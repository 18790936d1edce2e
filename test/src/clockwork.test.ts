import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { client } from '../../domain/client.ts';
import type { ClientCommand } from '../../domain/client-commands.ts';
import { system } from '../../domain/values.ts';
import { registryId, window } from '../../domain/window.ts';
import { type Clients, createClients } from '../../src/clients.ts';
import { type ClockworkOptions, ring, startClockwork, sweep } from '../../src/clockwork.ts';
import { createVault, type Vault } from '../../src/credentials/vault.ts';
import { followLog } from '../../src/follow.ts';
import { handle, newCause } from '../../src/handle.ts';
import { createLog } from '../../src/log.ts';
import { rowsOf } from '../../src/read-models/all.ts';
import type { ReadModels } from '../../src/read-models/read-models.ts';
import { beginning, type EventStore } from '../../src/store/event-store.ts';
import * as the from '../support/client.ts';
import { memoryStore } from '../support/memory-store.ts';
import { rowsFile } from '../support/read-models.ts';

interface World {
  readonly store: EventStore;
  readonly models: ReadModels;
  readonly vault: Vault;
  readonly clients: Clients;
  readonly options: ClockworkOptions;
  readonly clock: { at: string };
  readonly lines: string[];
  readonly forgotten: string[];
  readonly stop: () => Promise<void>;
}
const test = suite<World>('clockwork');
const dayMs = 24 * 60 * 60 * 1_000;

test.before.each((world) => {
  const file = rowsFile();
  const store = memoryStore();
  const models = file.open({ logId: store.logId });
  const lines: string[] = [];
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) });
  const ending = new AbortController();
  const following = followLog({ store, readModels: models, log, signal: ending.signal });
  const clock = { at: the.at };
  const now = () => clock.at;
  const vault = createVault(store, now);
  const settled = async (position: string) => {
    assert.ok(await models.reached(position, 60_000));
  };
  const forgotten: string[] = [];
  const passwords = { forget: (username: string) => forgotten.push(username) };
  const clients = createClients({ store, vault, forget: () => undefined, settled });
  const options = {
    store,
    clients,
    vault,
    passwords,
    rows: rowsOf(models),
    refusedTtlMs: 30 * dayMs,
    now,
    log,
  };
  const stop = async () => {
    ending.abort();
    await following.ended;
    file.remove();
  };
  Object.assign(world, { store, models, vault, clients, options, clock, lines, forgotten, stop });
});
test.after.each(({ stop }) => stop());

const change = async ({ clients }: World, command: ClientCommand) => {
  const { decision } = await clients.change(command.username, command, newCause());
  assert.ok(decision.accepted, JSON.stringify(decision));
};
const unlock = async ({ store, models }: World, until: string) => {
  const limits = { maxRequests: 100, usernamePattern: null, sources: [], note: null };
  const { position } = await handle(
    store,
    window,
    registryId,
    { type: 'UnlockRegistry', windowId: the.firstWindow, until, limits, at: the.at, by: the.ada },
    newCause(),
  );
  await models.reached(position ?? beginning, 60_000);
};
const types = async ({ store }: World) => {
  const events = await store.readAll(beginning, 1_000);
  return events.map(({ type }) => type);
};
const ends = async (world: World) =>
  (await types(world)).filter((type) => /Expired|Locked|Denied/.test(type));
const { first } = the;
const asks = the.knock(first);
const grants = the.grant({ rights: { ...the.rights, expiresAt: the.later } });
/** A millisecond before and after an instant. */
const near = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

test('a window is locked by the registry when its time is over, once', async (world) => {
  await unlock(world, the.later);
  world.clock.at = near(the.later, -1);
  await ring(world.options);
  assert.equal(await ends(world), []);
  world.clock.at = the.later;
  await ring(world.options);
  await ring(world.options);
  assert.equal(await ends(world), ['RegistryLocked']);
  const [, locked] = await world.store.readAll(beginning, 9);
  assert.equal(locked?.data.by, system);
});
test('a request that waited too long expires, once', async (world) => {
  await unlock(world, the.later);
  await change(world, asks);
  world.clock.at = the.due;
  await ring(world.options);
  world.clock.at = near(the.due, 1);
  await ring(world.options);
  await ring(world.options);
  assert.equal(await ends(world), ['RegistryLocked', 'RegistrationExpired']);
});
test('a request that was decided in time does not', async (world) => {
  await change(world, asks);
  await change(world, the.grant());
  world.clock.at = the.afterwards;
  await ring(world.options);
  assert.equal(await ends(world), []);
});
test('access ends at its end, once, and takes its challenger along', async (world) => {
  await change(world, asks);
  await change(world, grants);
  await change(world, the.knock({ ...the.challenger, expiresAt: the.afterwards }));
  world.clock.at = near(the.later, 1);
  await ring(world.options);
  await ring(world.options);
  assert.equal(await ends(world), ['ReplacementDenied', 'AccessExpired']);
});
test('a challenger that waited too long goes, and the client stays', async (world) => {
  await change(world, asks);
  await change(world, the.grant());
  await change(world, the.knock(the.challenger));
  world.clock.at = near(the.due, 1);
  await ring(world.options);
  await ring(world.options);
  assert.equal(await ends(world), ['ReplacementExpired']);
  assert.is(world.options.rows.clients.get(the.username)?.status, 'active');
});
test('more than one portion is done by and by', async (world) => {
  const names = Array.from({ length: 203 }, (_, number) => `press-${number}`);
  await Promise.all(
    names.map((username) =>
      change(world, { ...asks, username, requestId: randomUUID(), credentialId: randomUUID() }),
    ),
  );
  world.clock.at = near(the.due, 1);
  await ring(world.options);
  assert.is((await ends(world)).length, 200);
  await ring(world.options);
  assert.is((await ends(world)).length, 203);
});

const secret = (username: string) => ({
  kind: 'verifier' as const,
  username,
  verifier: '$made$up',
});
const kept = async ({ vault }: World, id: string) => (await vault.open(id)) !== undefined;

test('a secret that no event names is destroyed after some time', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  world.clock.at = near(the.at, 15 * 60_000);
  assert.is(await sweep(world.options), 0);
  assert.ok(await kept(world, id));
  world.clock.at = near(the.at, 15 * 60_000 + 1);
  assert.is(await sweep(world.options), 1);
  assert.not.ok(await kept(world, id));
});
test('a verifier that opens or waits is kept for ever', async (world) => {
  const [own, challenging] = [
    await world.vault.keep(secret(the.username)),
    await world.vault.keep(secret(the.username)),
  ];
  await change(world, { ...asks, credentialId: own });
  await change(world, the.grant());
  await change(world, the.knock({ ...the.challenger, credentialId: challenging }));
  world.clock.at = '2036-01-01T00:00:00.000Z';
  assert.is(await sweep(world.options), 0);
  assert.ok((await kept(world, own)) && (await kept(world, challenging)));
});
test('a verifier of who was refused tells its owner so for thirty days', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  await change(world, { ...asks, credentialId: id });
  await change(world, the.deny());
  world.clock.at = near(the.at, 30 * dayMs);
  assert.is(await sweep(world.options), 0);
  world.clock.at = near(the.at, 30 * dayMs + 1);
  assert.equal(world.forgotten, []);
  assert.is(await sweep(world.options), 1);
  assert.not.ok(await kept(world, id));
  assert.equal(world.forgotten, [the.username], 'no remembered password knows it either');
});
test('a personal key stays as long as its name has a history', async (world) => {
  const key = { kind: 'personal-key' as const, username: the.username, key: 'A'.repeat(43) };
  const [used, unused] = [await world.vault.keep(key), await world.vault.keep(key)];
  await change(world, { ...asks, personalKeyId: used });
  await change(world, the.deny());
  world.clock.at = '2036-01-01T00:00:00.000Z';
  assert.is(await sweep(world.options), 1);
  assert.ok(await kept(world, used));
  assert.not.ok(await kept(world, unused));
});
test('what a change made useless is destroyed with it', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  await change(world, { ...asks, credentialId: id });
  await change(world, the.grant());
  await change(world, the.rotate());
  assert.not.ok(await kept(world, id));
});

test('it runs until it is told to stop, and does what is due at its first round', async (world) => {
  await change(world, asks);
  world.clock.at = near(the.due, 1);
  const stop = new AbortController();
  const running = startClockwork({ ...world.options, signal: stop.signal });
  const { promise, resolve } = Promise.withResolvers<void>();
  world.models.onApplied((events) => {
    if (events.some(({ type }) => type === 'RegistrationExpired')) resolve();
  });
  await promise;
  stop.abort();
  await running;
  assert.equal(await ends(world), ['RegistrationExpired']);
});
test('a store that is away is told, and tried again', async (world) => {
  await unlock(world, the.later);
  world.clock.at = the.later;
  let fails = 1;
  const store: EventStore = {
    ...world.store,
    append: (...given) =>
      fails-- > 0 ? Promise.reject(new Error('away')) : world.store.append(...given),
  };
  const stop = new AbortController();
  const running = startClockwork({ ...world.options, store, signal: stop.signal });
  const { promise, resolve } = Promise.withResolvers<void>();
  world.models.onApplied((events) => {
    if (events.some(({ type }) => type === 'RegistryLocked')) resolve();
  });
  await promise;
  stop.abort();
  await running;
  assert.is(world.lines.filter((line) => line.includes('trying again')).length, 1);
});

test('the state at the end is what a replay comes to', async (world) => {
  await unlock(world, the.later);
  await change(world, asks);
  await change(world, grants);
  world.clock.at = the.due;
  await ring(world.options);
  const events = await world.store.read(`client-${the.username}`);
  const state = events
    .map((event) => client.Event.parse(event))
    .reduce(client.evolve, client.initial);
  assert.is(state.status, 'expired');
  assert.equal(world.options.rows.access.get(the.username), { ...state, username: the.username });
});

test.run();
