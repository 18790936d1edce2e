import { randomUUID } from 'node:crypto';
import { client } from '../../../domain/client/client.ts';
import { system } from '../../../domain/values.ts';
import { registryId, window } from '../../../domain/window.ts';
import type { Clients } from '../../../src/commands/client-commands.ts';
import { handle, newCause } from '../../../src/commands/handle.ts';
import { expireDue, startExpiry } from '../../../src/jobs/expiry.ts';
import { dueAtOnceMax } from '../../../src/limits/jobs.ts';
import {
  beginning,
  Conflict,
  type EventStore,
  StoreUnavailable,
} from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { change, clockWorld, near, type World } from '../../support/clock-world.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<World>('clockwork');

test.before.each((world) => {
  Object.assign(world, clockWorld());
});
test.after.each(({ stop }) => stop());

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

test('a window is locked by the registry when its time is over, once', async (world) => {
  await unlock(world, the.later);
  world.clock.at = near(the.later, -1);
  await expireDue(world.options);
  assert.equal(await ends(world), []);
  world.clock.at = the.later;
  await expireDue(world.options);
  await expireDue(world.options);
  assert.equal(await ends(world), ['RegistryLocked']);
  const [, locked] = await world.store.readAll(beginning, 9);
  assert.equal(locked?.data.by, system);
});
test('a request that waited too long expires, once', async (world) => {
  await unlock(world, the.later);
  await change(world, asks);
  world.clock.at = the.due;
  await expireDue(world.options);
  world.clock.at = near(the.due, 1);
  await expireDue(world.options);
  await expireDue(world.options);
  assert.equal(await ends(world), ['RegistryLocked', 'RegistrationExpired']);
});
test('a request that was decided in time does not', async (world) => {
  await change(world, asks);
  await change(world, the.grant());
  world.clock.at = the.afterwards;
  await expireDue(world.options);
  assert.equal(await ends(world), []);
});
test('access ends at its end, once, and takes its challenger along', async (world) => {
  await change(world, asks);
  await change(world, grants);
  await change(world, the.knock({ ...the.challenger, expiresAt: the.afterwards }));
  world.clock.at = near(the.later, 1);
  await expireDue(world.options);
  await expireDue(world.options);
  assert.equal(await ends(world), ['ReplacementDenied', 'AccessExpired']);
});
test('a challenger that waited too long goes, and the client stays', async (world) => {
  await change(world, asks);
  await change(world, the.grant());
  await change(world, the.knock(the.challenger));
  world.clock.at = near(the.due, 1);
  await expireDue(world.options);
  await expireDue(world.options);
  assert.equal(await ends(world), ['ReplacementExpired']);
  assert.is(world.options.rows.access.get(the.username)?.status, 'active');
});
test('more than one portion is done by and by, and the first says that more is left', async (world) => {
  const names = Array.from({ length: dueAtOnceMax + 3 }, (_, number) => `press-${number}`);
  await Promise.all(
    names.map((username) =>
      change(world, { ...asks, username, requestId: randomUUID(), credentialId: randomUUID() }),
    ),
  );
  world.clock.at = near(the.due, 1);
  assert.is(await expireDue(world.options), true);
  assert.is((await ends(world)).length, dueAtOnceMax);
  assert.is(await expireDue(world.options), false);
  assert.is((await ends(world)).length, dueAtOnceMax + 3);
});

test('it runs until it is told to stop, and does what is due at its first round', async (world) => {
  await change(world, asks);
  world.clock.at = near(the.due, 1);
  const stop = new AbortController();
  const running = startExpiry({ ...world.options, signal: stop.signal });
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
  const running = startExpiry({ ...world.options, store, signal: stop.signal });
  const { promise, resolve } = Promise.withResolvers<void>();
  world.models.onApplied((events) => {
    if (events.some(({ type }) => type === 'RegistryLocked')) resolve();
  });
  await promise;
  stop.abort();
  await running;
  assert.is(world.lines.filter((line) => line.includes('trying again')).length, 1);
});

test('rows that cannot be read are told, and looked at again', async (world) => {
  const { rows } = world.options;
  const damaged = {
    ...rows,
    window: {
      ...rows.window,
      get(): never {
        throw new Error('database disk image is malformed');
      },
    },
  };
  const stop = new AbortController();
  const running = startExpiry({ ...world.options, rows: damaged, signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await running;
  assert.is(world.lines.filter((line) => line.includes('malformed')).length, 1);
});

test('what cannot be ended holds up nothing else, however much of it there is', async (world) => {
  const broken = Array.from({ length: 201 }, (_, number) => `broken-${number}`);
  for (const username of [...broken, 'press-1'])
    await change(world, {
      ...{ ...asks, username, requestId: randomUUID(), credentialId: randomUUID() },
      // The one that can is the last to be due.
      expiresAt: near(the.due, username === 'press-1' ? 1 : 0),
    });
  const clients: Clients = {
    ...world.clients,
    change: (username, ...given) =>
      username.startsWith('broken')
        ? Promise.reject(new Conflict('somebody else was first'))
        : world.clients.change(username, ...given),
  };
  world.clock.at = near(the.due, 2);
  let fault: unknown;
  await expireDue({ ...world.options, clients }).catch((error) => (fault = error));
  assert.equal(await ends(world), ['RegistrationExpired']);
  assert.instance(fault, Conflict);
});
test('a store that is away ends the round: it would say so of each', async (world) => {
  for (const username of ['press-1', 'press-2', 'press-3'])
    await change(world, { ...asks, username, requestId: randomUUID(), credentialId: randomUUID() });
  world.clock.at = near(the.due, 1);
  let asked = 0;
  const clients: Clients = {
    ...world.clients,
    change() {
      asked += 1;
      return Promise.reject(new StoreUnavailable('away'));
    },
  };
  let fault: unknown;
  await expireDue({ ...world.options, clients }).catch((error) => (fault = error));
  assert.instance(fault, StoreUnavailable);
  assert.ok(asked <= 3);
});
test('the state at the end is what a replay comes to', async (world) => {
  await unlock(world, the.later);
  await change(world, asks);
  await change(world, grants);
  world.clock.at = the.due;
  await expireDue(world.options);
  const events = await world.store.read(`client-${the.username}`);
  const state = events
    .map((event) => client.Event.parse(event))
    .reduce(client.evolve, client.initial);
  assert.is(state.status, 'expired');
  const { revision, position } = events.at(-1) ?? {};
  assert.equal(world.options.rows.access.get(the.username), {
    ...state,
    ...{ username: the.username, revision, position },
  });
});

test.run();
