/** When clients were seen: kept over restarts for those who have access, bounded, and forgotten with the name. */
import { existsSync, rmSync } from 'node:fs';
import { createSightings, type Sightings } from '../../../src/sightings/sightings.ts';
import * as the from '../../support/client.ts';
import { change, clockWorld, dayMs, near, type World } from '../../support/clock-world.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here extends World {
  file: string;
  sightings: Sightings;
  open(max?: number): void;
}
const test = suite<Here>('sightings');
const startMs = Date.parse(the.at);

test.before.each(async (here) => {
  const world = clockWorld();
  Object.assign(here, world, {
    file: `${world.folder}/sightings.sqlite`,
    open(max?: number) {
      here.sightings = createSightings({
        ...{ file: here.file, logId: world.store.logId, graceMaxMs: 30 * dayMs },
        ...{ rows: world.options.rows, now: world.options.now },
        ...(max === undefined ? {} : { max }),
      });
    },
  });
  here.open();
  await here.sightings.write(true);
});
test.after.each(async ({ sightings, stop }) => {
  sightings.close();
  await stop();
});

/** As a kill leaves it: nothing is written at the end. */
const killed = (here: Here) => {
  here.sightings.close();
  here.open();
};
const made = (world: World, username: string, at = the.at) =>
  change(world, { ...the.create(), username, credentialId: crypto.randomUUID(), at });
const newIds = () => ({ requestId: crypto.randomUUID(), credentialId: crypto.randomUUID() });
const names = ({ sightings }: Here, belowMs: number) =>
  sightings.unseen(belowMs, null, 100).map(({ username, sinceMs }) => [username, sinceMs]);
const later = (here: Here, ms: number) => {
  here.clock.at = near(the.at, ms);
  return startMs + ms;
};

test('a write comes to its end while more are seen all the time, and takes its time until it is in haste', async (here) => {
  let count = 0;
  let isWriting = true;
  const come = () => {
    for (let more = 0; more < 100; more++) here.sightings.seen(`guest-${count++}`, startMs);
    if (isWriting && count < 20_000) setImmediate(come);
  };
  come();
  const haste = new AbortController();
  const writing = here.sightings.write(true, haste.signal);
  haste.abort();
  await writing;
  isWriting = false;
  assert.ok(count < 20_000, `${count} came before it ended`);
});

test('what was written outlives a kill, sessions are counted on', async (here) => {
  await made(here, 'press-1');
  here.sightings.opened('press-1', startMs + 1_000);
  here.sightings.seen('press-1', startMs + 3_000);
  assert.equal(here.sightings.of('press-1'), { seenMs: startMs + 3_000, sessionTotal: 1 });
  await here.sightings.write(true);
  here.sightings.opened('press-1', startMs + 9_000);
  assert.equal(here.sightings.of('press-1'), { seenMs: startMs + 9_000, sessionTotal: 2 });
  killed(here);
  assert.equal(here.sightings.of('press-1'), { seenMs: startMs + 3_000, sessionTotal: 1 });
  here.sightings.opened('press-1', startMs + 10_000);
  await here.sightings.write(true);
  killed(here);
  assert.equal(here.sightings.of('press-1'), { seenMs: startMs + 10_000, sessionTotal: 2 });
});

test('nobody without access is kept, whoever says to have seen it', async (here) => {
  await change(here, the.knock({ ...the.first, username: 'asking' }));
  for (const name of ['asking', 'stranger']) here.sightings.opened(name, startMs);
  await here.sightings.write(true);
  for (const name of ['asking', 'stranger'])
    assert.equal(here.sightings.of(name), { seenMs: null, sessionTotal: 0 });
});

test('who was never seen counts from its grant, who was suspended from when it goes on', async (here) => {
  await made(here, 'press-1', near(the.at, 1));
  await made(here, 'press-2', near(the.at, 2));
  await here.sightings.write(true);
  assert.equal(names(here, startMs + 9), [
    ['press-1', startMs + 1],
    ['press-2', startMs + 2],
  ]);
  here.sightings.seen('press-1', startMs + 5);
  await change(here, { ...the.suspend, username: 'press-2' });
  await here.sightings.write(true);
  assert.equal(names(here, startMs + 9), [['press-1', startMs + 5]]);
  await change(here, { ...the.resume, username: 'press-2', at: near(the.at, 7) });
  await here.sightings.write(true);
  assert.equal(names(here, startMs + 9), [
    ['press-1', startMs + 5],
    ['press-2', startMs + 7],
  ]);
  assert.is(here.sightings.countUnseen(startMs + 6), 1);
  const [first] = here.sightings.unseen(startMs + 9, null, 1);
  assert.ok(first);
  assert.equal(here.sightings.unseen(startMs + 9, first, 9), [
    { username: 'press-2', sinceMs: startMs + 7 },
  ]);
});

test('erasure takes the row, also where a kill came between', async (here) => {
  await made(here, 'press-1');
  here.sightings.seen('press-1', startMs);
  await here.sightings.write(true);
  await change(here, { ...the.erase, username: 'press-1' });
  // Its session closes after it.
  here.sightings.seen('press-1', startMs + 1);
  killed(here);
  await here.sightings.write(true);
  assert.equal(here.sightings.of('press-1'), { seenMs: null, sessionTotal: 0 });
  await made(here, 'press-1', near(the.at, 5));
  await here.sightings.write(true);
  assert.equal(here.sightings.of('press-1'), { seenMs: null, sessionTotal: 0 });
});

test('what was heard of is not read again, what was not is', async (here) => {
  here.models.onApplied((events, changes) => here.sightings.applied(events, changes));
  const { history } = here.options.rows;
  const find = history.find.bind(history);
  let reads = 0;
  Object.assign(history, {
    find: (query: Parameters<typeof find>[0]) => {
      reads += 1;
      return find(query);
    },
  });
  const written = async () => {
    const before = reads;
    await here.sightings.write(true);
    return reads - before;
  };
  await made(here, 'press-1', near(the.at, 1));
  await change(here, the.knock({ ...newIds(), username: 'asking' }));
  assert.is(await written(), 0);
  assert.equal(names(here, startMs + 9), [['press-1', startMs + 1]]);
  await change(here, { ...the.revoke, username: 'press-1' });
  await made(here, 'press-2', near(the.at, 2));
  await made(here, 'press-3', near(the.at, 3));
  // Also what was heard of before is known by the history alone after a kill.
  killed(here);
  await change(here, the.knock({ ...newIds(), username: 'asking-too' }));
  assert.ok((await written()) > 0);
  assert.equal(names(here, startMs + 9), [
    ['press-2', startMs + 2],
    ['press-3', startMs + 3],
  ]);
  await change(here, { ...the.erase, username: 'press-2' });
  here.sightings.seen('press-2', startMs + 5);
  assert.is(await written(), 0);
  assert.equal(names(here, startMs + 9), [['press-3', startMs + 3]]);
});

test('a table that is new beside an old log counts from now', async (here) => {
  await made(here, 'press-1');
  here.sightings.close();
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(here.file + suffix)) rmSync(here.file + suffix);
  const nowMs = later(here, 90 * dayMs);
  here.open();
  await here.sightings.write(true);
  assert.equal(names(here, nowMs + 1), [['press-1', nowMs]]);
});

test('it is bounded: without access first, then the longest unseen are forgotten', async (here) => {
  here.sightings.close();
  here.open(3);
  for (const number of [1, 2, 3]) await made(here, `press-${number}`, near(the.at, number));
  await here.sightings.write(true);
  await change(here, { ...the.revoke, username: 'press-3' });
  await made(here, 'press-4', near(the.at, 4));
  await here.sightings.write(true);
  const kept = () => names(here, startMs + 99).map(([name]) => name);
  assert.equal(kept(), ['press-1', 'press-2', 'press-4']);
  await made(here, 'press-5', near(the.at, 5));
  await here.sightings.write(true);
  assert.equal(kept(), ['press-2', 'press-4', 'press-5']);
  here.sightings.seen('press-1', startMs + 50);
  await here.sightings.write(true);
  assert.equal(kept(), ['press-4', 'press-5', 'press-1']);
});

test('time in which nobody watched is given to everybody again, bounded', async (here) => {
  await here.sightings.write(true);
  for (const minutes of [1, 2, 4]) {
    later(here, minutes * 60_000);
    await here.sightings.write(true);
  }
  assert.is(here.sightings.graceMs(), 0);
  // Away for a day, then a broker down for an hour.
  later(here, dayMs);
  killed(here);
  await here.sightings.write(true);
  const away = dayMs - 4 * 60_000;
  assert.is(here.sightings.graceMs(), away);
  later(here, dayMs + 60 * 60_000);
  await here.sightings.write(false);
  assert.is(here.sightings.graceMs(), away);
  await here.sightings.write(true);
  assert.is(here.sightings.graceMs(), away + 60 * 60_000);
  later(here, dayMs + 61 * 60_000);
  await here.sightings.write(true);
  assert.is(here.sightings.graceMs(), away + 59 * 60_000);
  later(here, 400 * dayMs);
  await here.sightings.write(true);
  assert.is(here.sightings.graceMs(), 30 * dayMs);
});

test('a clock that jumped ahead and is put back leaves nobody seen in the future', async (here) => {
  await made(here, 'press-1');
  await here.sightings.write(true);
  const ahead = later(here, 365 * dayMs);
  here.sightings.seen('press-1', ahead);
  await here.sightings.write(true);
  assert.is(here.sightings.graceMs(), 30 * dayMs);
  const nowMs = later(here, 60_000);
  await here.sightings.write(true);
  assert.is(here.sightings.of('press-1').seenMs, nowMs);
  assert.equal(names(here, nowMs + 1), [['press-1', nowMs]]);
});

test('another log forgets who was seen beside this one', async (here) => {
  await made(here, 'press-1');
  here.sightings.seen('press-1', startMs);
  await here.sightings.write(true);
  here.sightings.close();
  here.sightings = createSightings({
    ...{ file: here.file, logId: 'another', graceMaxMs: null },
    ...{ rows: here.options.rows, now: here.options.now },
  });
  assert.is(here.sightings.of('press-1').seenMs, null);
});

test.run();
