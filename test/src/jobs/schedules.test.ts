/** Schedules that open by the clock: once for each occurrence, over restarts, several nodes and clock jumps. */

import type { Permission } from '../../../domain/permission.ts';
import { type ScheduleTerms, schedule } from '../../../domain/schedules/schedule.ts';
import { registryId, type WindowCommand, window } from '../../../domain/window.ts';
import { handle, newCause } from '../../../src/commands/handle.ts';
import { expireDue } from '../../../src/jobs/expiry.ts';
import { openDue } from '../../../src/jobs/schedules.ts';
import { beginning } from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { clockWorld, dayMs, near, type World } from '../../support/clock-world.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<World & { rights: { now: readonly Permission[] | undefined } }>('schedules');

const unlocking: Permission = {
  ...{ context: 'http', resource: '/api/client-registry/unlock', operation: 'write' },
};
test.before.each((world) => {
  Object.assign(world, clockWorld(), { rights: { now: [unlocking] } });
});
test.after.each(({ stop }) => stop());

type Here = Parameters<Parameters<typeof test>[1]>[0];

const limits = { maxRequests: 7, usernamePattern: 'press-*', sources: [], note: null };
const opensAt = near(the.at, 60_000);
const hourMs = 3_600_000;
const once: ScheduleTerms = { timing: { kind: 'once', opensAt }, durationMs: hourMs, limits };
/** 2026-01-01 is a Thursday. */
const weekly: ScheduleTerms = {
  timing: { kind: 'weekly', weekday: 'thursday', time: '12:00', timeZone: 'UTC' },
  ...{ durationMs: hourMs, limits },
};
const noon = '2026-01-01T12:00:00.000Z';

async function applied({ models }: Here, position: string | null) {
  await models.reached(position ?? beginning, 60_000);
}
async function make(world: Here, terms: ScheduleTerms, scheduleId = the.id(60)) {
  const type = 'CreateSchedule' as const;
  const command = { type, scheduleId, terms, tokenId: the.id(61), at: world.clock.at, by: the.ada };
  const { position } = await handle(world.store, schedule, scheduleId, command, newCause());
  await applied(world, position);
  return scheduleId;
}
async function turn(world: Here, command: WindowCommand) {
  const { position } = await handle(world.store, window, registryId, command, newCause());
  await applied(world, position);
}
const lock = (world: Here) =>
  turn(world, { type: 'LockRegistry', at: world.clock.at, by: the.ada });
/** One round at a moment. */
async function look(world: Here, at: string) {
  world.clock.at = at;
  await expireDue(world.options);
  await applied(world, await world.store.head());
  const authority = { limited: () => world.rights.now };
  await openDue({ ...world.options, authority });
  await applied(world, await world.store.head());
}
const told = async ({ store }: Here) =>
  (await store.readAll(beginning, 1_000)).flatMap(({ type, data }) =>
    type === 'ScheduleCreated' ? [] : [`${type} ${String(data.until ?? data.reason ?? '')}`.trim()],
  );
const until = near(opensAt, hourMs);

test('once: opens at its time within its limits, and locks at its end', async (world) => {
  await make(world, once);
  await look(world, near(opensAt, -1));
  assert.equal(await told(world), []);
  await look(world, opensAt);
  await look(world, near(opensAt, 500));
  const row = world.options.rows.window.get(registryId);
  assert.equal([row?.limits, row?.until, row?.scheduleId], [limits, until, the.id(60)]);
  await look(world, until);
  await look(world, near(until, hourMs));
  assert.equal(await told(world), [`RegistryUnlocked ${until}`, 'RegistryLocked']);
});
test('what was missed while nobody looked opens for what is left of it', async (world) => {
  await make(world, once);
  await look(world, near(until, -1));
  assert.equal(await told(world), [`RegistryUnlocked ${until}`]);
});
test('and never after its end', async (world) => {
  await make(world, once);
  await look(world, until);
  assert.equal(await told(world), []);
});
test('a clock that jumps back opens nothing twice', async (world) => {
  await make(world, weekly);
  for (const at of [
    noon,
    near(noon, hourMs),
    near(noon, 7 * dayMs),
    near(noon, 7 * dayMs + hourMs),
  ])
    await look(world, at);
  const before = await told(world);
  assert.is(before.filter((line) => line.startsWith('RegistryUnlocked')).length, 2);
  for (const at of [near(noon, 1_000), noon, near(noon, 7 * dayMs + 1)]) await look(world, at);
  assert.equal(await told(world), before);
});
test('a person who locks keeps it locked until the next occurrence', async (world) => {
  await make(world, weekly);
  await look(world, noon);
  world.clock.at = near(noon, 1_000);
  await lock(world);
  await look(world, near(noon, 2_000));
  assert.is((await told(world)).length, 2);
  await look(world, near(noon, 7 * dayMs));
  assert.is((await told(world)).length, 3);
});
test('a window that is open goes on, and the schedule opens for what is left after it', async (world) => {
  await make(world, once);
  const end = near(opensAt, 60_000);
  const type = 'UnlockRegistry' as const;
  const open = {
    type,
    windowId: the.firstWindow,
    until: end,
    limits: { ...limits, maxRequests: 1 },
  };
  await turn(world, { ...open, at: the.at, by: the.ada });
  await look(world, opensAt);
  assert.is(world.options.rows.window.get(registryId)?.limits.maxRequests, 1);
  await look(world, end);
  assert.equal(await told(world), [
    `RegistryUnlocked ${end}`,
    'RegistryLocked',
    `RegistryUnlocked ${until}`,
  ]);
});
test('one that a person locked then, too, is not opened by a schedule that waited', async (world) => {
  await make(world, once);
  const type = 'UnlockRegistry' as const;
  await turn(world, { type, windowId: the.firstWindow, until, limits, at: the.at, by: the.ada });
  await look(world, opensAt);
  world.clock.at = near(opensAt, 1_000);
  await lock(world);
  await look(world, near(opensAt, 2_000));
  assert.equal(await told(world), [`RegistryUnlocked ${until}`, 'RegistryLocked']);
});
for (const [reason, rights] of [
  ['user-not-active', undefined],
  ['permission-missing', []],
] as const)
  test(`a maker who may no more: not opened, told once (${reason})`, async (world) => {
    await make(world, once);
    world.rights.now = rights;
    await look(world, opensAt);
    await look(world, near(opensAt, 1_000));
    world.rights.now = [unlocking];
    await look(world, near(opensAt, 2_000));
    assert.equal(await told(world), [`ScheduleSkipped ${reason}`]);
    assert.is(world.lines.filter((line) => line.includes('did not open')).length, 1);
  });
test('one that is cancelled opens nothing, also where the rows do not know of it yet', async (world) => {
  const scheduleId = await make(world, once);
  const before = { schedules: frozen(world) };
  const cancel = { type: 'CancelSchedule' as const, scheduleId, at: the.at, by: the.ada };
  const { position } = await handle(world.store, schedule, scheduleId, cancel, newCause());
  world.clock.at = opensAt;
  const authority = { limited: () => world.rights.now };
  await openDue({ ...world.options, rows: before, authority });
  await applied(world, position);
  await look(world, near(opensAt, 1_000));
  assert.equal(await told(world), ['ScheduleCancelled']);
});
test('one that is made while its hour runs waits for the next', async (world) => {
  world.clock.at = near(noon, 1_000);
  await make(world, weekly);
  await look(world, near(noon, 2_000));
  assert.equal(await told(world), []);
  await look(world, near(noon, 7 * dayMs));
  assert.equal(await told(world), [`RegistryUnlocked ${near(noon, 7 * dayMs + hourMs)}`]);
});
test('nodes that look at the same moment open it once, those whose rows are behind too', async (world) => {
  await make(world, once);
  world.clock.at = opensAt;
  const options = { ...world.options, authority: { limited: () => world.rights.now } };
  const stale = {
    ...options,
    rows: { schedules: frozen(world) },
    atHand: { ...options.atHand, window: () => first },
  };
  const first = options.atHand.window();
  await Promise.all([openDue(options), openDue(options), openDue(options)]);
  await applied(world, await world.store.head());
  await lock(world);
  await openDue(stale);
  assert.equal(await told(world), [`RegistryUnlocked ${until}`, 'RegistryLocked']);
});
test('two that are due together: the one that began first, then what is left of the other', async (world) => {
  await make(world, { ...once, durationMs: 60_000 }, the.id(63));
  await make(world, { ...once, durationMs: 120_000 }, the.id(64));
  await look(world, opensAt);
  await look(world, near(opensAt, 60_000));
  await look(world, near(opensAt, 120_000));
  assert.equal(await told(world), [
    `RegistryUnlocked ${near(opensAt, 60_000)}`,
    'RegistryLocked',
    `RegistryUnlocked ${near(opensAt, 120_000)}`,
    'RegistryLocked',
  ]);
});

/** The rows of schedules as they are now, whatever happens. */
function frozen({ options }: Here) {
  const { schedules } = options.rows;
  const rows = schedules.find({ limit: 9 });
  const get = (key: string) => rows.items.find(({ scheduleId }) => scheduleId === key);
  return { ...schedules, find: () => rows, get };
}

test.run();
