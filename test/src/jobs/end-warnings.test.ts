/** Warnings before an end: once for each end and lead, over restarts, nodes and clocks that jump. */
import { randomUUID } from 'node:crypto';
import { createEndWarnings, type EndWarnings } from '../../../src/jobs/end-warnings.ts';
import { addMs } from '../../../src/platform/instant.ts';
import { beginning } from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { change, clockWorld, dayMs, type World } from '../../support/clock-world.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here extends World {
  warnings: EndWarnings;
}
const test = suite<Here>('warnings of ends');
const leadsMs = [14 * dayMs, dayMs];
const watching = (world: World) => createEndWarnings({ ...world.options, leadsMs });

test.before.each((here) => {
  Object.assign(here, clockWorld());
  here.warnings = watching(here);
});
test.after.each(({ stop }) => stop());

const inDays = (days: number) => addMs(the.at, days * dayMs);
const made = (world: World, username: string, expiresAt: string | null) =>
  change(world, {
    ...the.create({ rights: { ...the.rights, expiresAt } }),
    ...{ username, credentialId: randomUUID(), at: world.clock.at },
  });
const renewed = (world: World, username: string, expiresAt: string | null) =>
  change(world, {
    ...the.authorize({ rights: { ...the.rights, expiresAt } }),
    ...{ username, at: world.clock.at },
  });
const told = async ({ store }: World) =>
  (await store.readAll(beginning, 1_000))
    .filter(({ type }) => type === 'AccessEnding')
    .map(({ data }) => `${data.username} ${Number(data.leadMs) / dayMs}d ${data.endsAt}`)
    .sort();
const looked = async (here: Here, days: number) => {
  here.clock.at = inDays(days);
  await here.warnings.look();
  return await told(here);
};

test('at each lead, once, and nobody else', async (here) => {
  await made(here, 'press-1', inDays(30));
  await made(here, 'press-2', null);
  await made(here, 'press-3', inDays(300));
  assert.equal(await looked(here, 15.9), []);
  const first = [`press-1 14d ${inDays(30)}`];
  assert.equal(await looked(here, 16), first);
  assert.equal(await looked(here, 16), first);
  assert.equal(await looked(here, 28.9), first);
  const both = [...first, `press-1 1d ${inDays(30)}`].sort();
  assert.equal(await looked(here, 29), both);
  assert.equal(await looked(here, 29.9), both);
  assert.equal(await looked(here, 31), both);
});

test('what the process slept through is told when it is back, the most urgent alone', async (here) => {
  await made(here, 'press-1', inDays(30));
  await made(here, 'press-2', inDays(40));
  here.warnings = watching(here);
  assert.equal(await looked(here, 29.5), [`press-1 1d ${inDays(30)}`, `press-2 14d ${inDays(40)}`]);
  for (let restarts = 0; restarts < 3; restarts++) {
    here.warnings = watching(here);
    assert.is((await looked(here, 29.6)).length, 2);
  }
});

test('of two nodes that look at once one warns', async (here) => {
  for (const number of [1, 2, 3]) await made(here, `press-${number}`, inDays(30));
  const other = watching(here);
  here.clock.at = inDays(20);
  await Promise.all([here.warnings.look(), other.look()]);
  assert.is((await told(here)).length, 3);
});

test('who set an end that near knows of it; a renewed one is warned of anew', async (here) => {
  await made(here, 'short', inDays(0.5));
  await made(here, 'week', inDays(7));
  assert.equal(await looked(here, 0.1), []);
  assert.equal(await looked(here, 6), [`week 1d ${inDays(7)}`]);
  await renewed(here, 'week', inDays(30));
  assert.is((await looked(here, 6.1)).length, 1);
  assert.ok((await looked(here, 16)).includes(`week 14d ${inDays(30)}`));
  await renewed(here, 'week', null);
  assert.is((await looked(here, 29.5)).length, 2);
});

test('a clock that jumps ahead and back warns early, and no second time', async (here) => {
  await made(here, 'press-1', inDays(30));
  await looked(here, 1);
  assert.is((await looked(here, 17)).length, 1);
  assert.is((await looked(here, 2)).length, 1);
  await made(here, 'press-2', inDays(20));
  assert.ok((await looked(here, 6)).includes(`press-2 14d ${inDays(20)}`));
  assert.is((await looked(here, 16.5)).length, 2);
});

test('one that cannot be warned of holds up nobody, and is tried again', async (here) => {
  for (const number of [1, 2, 3]) await made(here, `press-${number}`, inDays(30));
  let isBroken = true;
  here.warnings = createEndWarnings({
    ...{ ...here.options, leadsMs },
    clients: {
      ...here.clients,
      change: (username, ...given) =>
        isBroken && username === 'press-1'
          ? Promise.reject(new Error('broken'))
          : here.clients.change(username, ...given),
    },
  });
  here.clock.at = inDays(20);
  let fault: unknown;
  await here.warnings.look().catch((error) => (fault = error));
  assert.instance(fault, Error);
  assert.is((await told(here)).length, 2);
  isBroken = false;
  assert.is((await looked(here, 20)).length, 3);
});

test('a look later goes through those alone whose lead came', async (here) => {
  for (let number = 0; number < 150; number++) await made(here, `press-${number}`, inDays(30));
  const { access } = here.options.rows;
  let read = 0;
  here.warnings = createEndWarnings({
    ...{ ...here.options, leadsMs },
    rows: {
      access: Object.assign(Object.create(access), {
        between(range: Parameters<typeof access.between>[0]) {
          const page = access.between(range);
          read += page.items.length;
          return page;
        },
      }),
    },
  });
  await looked(here, 20);
  assert.ok(read >= 150);
  read = 0;
  assert.is((await looked(here, 20.5)).length, 150);
  assert.is(read, 0);
});

test.run();
