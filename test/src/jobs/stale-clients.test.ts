/** Clients that nobody saw for too long: suspended with a reason, never people, nobody who is there, nobody by mistake. */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { holdsHttpRights } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import { suspendStale } from '../../../src/jobs/stale-clients.ts';
import { createSightings, type Sightings } from '../../../src/sightings/sightings.ts';
import { beginning } from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { change, clockWorld, dayMs, near, type World } from '../../support/clock-world.ts';
import { assert, suite } from '../../support/suite.ts';

const staleAfterMs = 30 * dayMs;
const startMs = Date.parse(the.at);

interface Here extends World {
  sightings: Sightings;
  connected: Set<string>;
  onDecide: () => void;
  open(): void;
  look(): Promise<void>;
}
const test = suite<Here>('stale clients');

test.before.each(async (here) => {
  const world = clockWorld();
  const { rows, clients, now } = world.options;
  const effective = (_name: string, rights: { permissions: readonly Permission[] }) => [
    ...rights.permissions,
  ];
  Object.assign(here, world, {
    connected: new Set<string>(),
    onDecide: () => undefined,
    open() {
      here.sightings = createSightings({
        ...{ file: `${world.folder}/sightings.sqlite`, logId: world.store.logId },
        ...{ rows, now, graceMaxMs: staleAfterMs },
      });
    },
    look: () =>
      suspendStale({
        ...{ sightings: here.sightings, clients, rows, staleAfterMs, now },
        isConnected: async (username) => {
          here.onDecide();
          return here.connected.has(username);
        },
        authority: {
          effective,
          active(username) {
            const row = rows.access.get(username);
            if (row?.status !== 'active') return undefined;
            const held = effective(username, row.rights);
            const isPerson = holdsHttpRights(held);
            return { row, effective: held, permissions: {} as never, holdsHttpRights: isPerson };
          },
        },
      }),
  });
  here.open();
  await here.sightings.write(true);
});
test.after.each(async ({ sightings, stop }) => {
  sightings.close();
  await stop();
});

const http: Permission = { context: 'http', resource: '/api/#', operation: 'read' };
const made = (world: World, username: string, permissions: Permission[] = [the.plant]) =>
  change(world, {
    ...the.create({ rights: { ...the.rights, roles: [], permissions } }),
    ...{ username, credentialId: randomUUID(), at: world.clock.at },
  });
/** Time goes by, watched: a write each minute would take too long, so as if it had been. */
async function passes(here: Here, days: number): Promise<void> {
  for (const end = Date.parse(near(the.at, days * dayMs)); ; ) {
    const nextMs = Math.min(end, Date.parse(here.clock.at) + 170_000);
    here.clock.at = new Date(nextMs).toISOString();
    await here.sightings.write(true);
    if (nextMs === end) return;
    // In leaps that are known to have been watched.
    here.sightings.close();
    here.clock.at = new Date(Math.min(end, nextMs + dayMs / 2)).toISOString();
    setWatched(here);
    here.open();
  }
}
function setWatched(here: Here): void {
  const database = new DatabaseSync(`${here.folder}/sightings.sqlite`);
  const { value } = database.prepare("SELECT value FROM facts WHERE name = 'facts'").get() as {
    value: string;
  };
  const facts = { ...JSON.parse(value), watchedMs: Date.parse(here.clock.at) };
  database.prepare("UPDATE facts SET value = ? WHERE name = 'facts'").run(JSON.stringify(facts));
  database.close();
}
const suspended = async ({ store }: World) =>
  (await store.readAll(beginning, 1_000))
    .filter(({ type }) => type === 'AccessSuspended')
    .map(({ data }) => data);
const names = async (here: Here) => (await suspended(here)).map(({ username }) => username);

test('who was not seen, or never, is suspended by the clock, with a reason, once', async (here) => {
  await made(here, 'never');
  await made(here, 'gone');
  await made(here, 'here');
  here.sightings.seen('gone', startMs + dayMs);
  await passes(here, 20);
  here.sightings.seen('here', Date.parse(here.clock.at));
  await passes(here, 30);
  await here.look();
  assert.equal(await names(here), []);
  await passes(here, 30.1);
  await here.look();
  assert.equal(await names(here), ['never']);
  await passes(here, 31.1);
  await here.look();
  await here.look();
  assert.equal(await names(here), ['never', 'gone']);
  const [never, gone] = await suspended(here);
  assert.is(
    never?.reason,
    `Never seen since it was given access, ${the.at}: longer than GATEBOOK_STALE_AFTER.`,
  );
  assert.match(String(gone?.reason), /^Not seen since 2026-01-02T10:00:00.000Z:/);
  assert.equal(gone?.by, { kind: 'system', name: 'gatebook' });
  await change(here, { ...the.resume, username: 'gone', at: here.clock.at });
  await here.sightings.write(true);
  await here.look();
  assert.is((await names(here)).length, 2, 'who goes on counts anew');
});

test('people are not, nor who is connected, nor who comes this instant', async (here) => {
  await made(here, 'person', [http]);
  await made(here, 'connected');
  await made(here, 'coming');
  await passes(here, 40);
  here.connected.add('connected');
  here.onDecide = () => here.sightings.seen('coming', Date.parse(here.clock.at));
  await here.look();
  assert.equal(await names(here), []);
  assert.is(here.sightings.of('connected').seenMs, Date.parse(here.clock.at));
});

test('nobody is while it is not known who would have come', async (here) => {
  await made(here, 'press-1');
  await passes(here, 25);
  // The process is down for ten days, over the end of the client's time.
  here.sightings.close();
  here.clock.at = near(the.at, 35 * dayMs);
  here.open();
  await here.sightings.write(true);
  await here.look();
  assert.equal(await names(here), []);
  await passes(here, 36);
  await here.look();
  assert.equal(await names(here), []);
});

test('a clock that jumps a year ahead suspends nobody, put back or not', async (here) => {
  await made(here, 'press-1');
  await passes(here, 1);
  here.clock.at = near(the.at, 366 * dayMs);
  await here.sightings.write(true);
  await here.look();
  here.clock.at = near(the.at, 1.1 * dayMs);
  await here.sightings.write(true);
  await here.look();
  assert.equal(await names(here), []);
});

test('many are done by and by, the longest unseen first', async (here) => {
  for (let number = 0; number < 210; number++) {
    here.clock.at = near(the.at, number);
    await made(here, `press-${number}`);
  }
  await passes(here, 40);
  await here.look();
  const first = await names(here);
  assert.ok(first.length >= 200 && first.length < 210 + 64);
  assert.ok(first.includes('press-0'));
  await here.look();
  assert.is((await names(here)).length, 210);
});

test.run();
