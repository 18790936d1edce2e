/** A locked registry takes the same time for every name; `npm run timing` looks longer. */
import { execFile } from 'node:child_process';
import crypto, { randomBytes } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { clockBeatMs } from '../../../src/limits/doors.ts';
import { clock } from '../../../src/platform/pace/clock.ts';
import { monotonicMs } from '../../../src/platform/pace/monotonic.ts';
import { createPace } from '../../../src/platform/pace/pace.ts';
import { RowTable } from '../../../src/read-models/row-table.ts';
import { doorOf, newName, strong } from '../../support/door.ts';
import { knockAt } from '../../support/door-at-mqtt.ts';
import { caOf, enrol, newPkcs10 } from '../../support/est.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';
import { mannWhitney } from '../../support/timing.ts';
import { timingEnvironment, timingNames, timingProbes } from '../../support/timing-probes.ts';

const test = suite('timing');

const pairs = 250;
/** Beyond this many standard deviations a difference is none of chance. */
const deviationsMax = 4.5;
/** A machine with much else to do shows a difference now and then, but not each time. */
const triesMax = 3;

/** A difference that is there however much else the machine does: as wide as the middle half of the values, 5 ms at least. */
function plantedMs(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0;
  return Math.max(5, at(0.75) - at(0.25));
}

/** How many deviations apart, the least of some tries; `planted`: what a known name costs beyond another. */
async function deviations(
  probe: keyof ReturnType<typeof timingProbes>,
  planted: typeof plantedMs = () => 0,
): Promise<number> {
  const world = await startRegistry(timingEnvironment);
  try {
    const door = doorOf(world);
    const measure = timingProbes(world, door, await timingNames(door))[probe];
    await measure(20);
    let least = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < triesMax && least >= deviationsMax; tries++) {
      const { known, unknown } = await measure(pairs);
      const moreMs = planted(unknown);
      const z = mannWhitney(
        known.map((ms) => ms + moreMs),
        unknown,
      );
      least = Math.min(least, Math.abs(z));
    }
    return least;
  } finally {
    await world.stop();
  }
}

test('the statistic is nothing for the same, and finds what differs', () => {
  const values = Array.from({ length: 500 }, () => Math.random());
  const others = Array.from({ length: 500 }, () => Math.random());
  assert.ok(Math.abs(mannWhitney(values, others)) < deviationsMax);
  assert.ok(
    mannWhitney(
      values,
      others.map((value) => value + 0.3),
    ) < -deviationsMax,
  );
  assert.is(mannWhitney([1, 1], [1, 1]), 0);
});

test('a difference that is planted is found', async () => {
  assert.ok((await deviations('REST, strong form', plantedMs)) >= deviationsMax);
});

for (const probe of [
  ...(['REST, strong form', 'login, strong form', 'REST, throttled'] as const),
  ...(['EST, by key', 'EST, waiting'] as const),
])
  test(`${probe}: the time of a refusal tells nothing`, async () => {
    assert.ok((await deviations(probe)) < deviationsMax);
  });

/** Notes the rows of names that are looked up while an answer waits for its beat, and when it is told. */
function watchLookups() {
  const [{ beat }, { get }] = [clock, RowTable.prototype];
  let isKnown = false;
  const looked = new Set<string>();
  clock.beat = (fromMs) => {
    isKnown = true;
    return beat.call(clock, fromMs);
  };
  RowTable.prototype.get = function (key) {
    if (isKnown && /^[a-z]+-\d+$/.test(key)) looked.add(`${this.projection.name} ${key}`);
    return get.call(this, key);
  };
  return {
    /** What was looked up since the answer was known. */
    async while(asking: Promise<unknown>): Promise<string[]> {
      looked.clear();
      await asking;
      assert.ok(isKnown, 'it waited for a beat');
      isKnown = false;
      return [...looked];
    },
    end() {
      clock.beat = beat;
      RowTable.prototype.get = get;
    },
  };
}

test('nothing of a name is looked up once its refusal is known: that would come after the beat', async () => {
  const world = await startRegistry();
  const lookups = watchLookups();
  try {
    const door = doorOf(world);
    await door.unlock();
    const { username } = await door.active();
    await door.lock();
    const ca = await caOf(world);
    const asked = async (name: string): Promise<Record<string, string[]>> => {
      const body = { username: name, password: strong() };
      return {
        'REST, strong': await lookups.while(door.ask(name, strong())),
        'REST, slow hash': await lookups.while(door.ask(name, `a guess ${strong()}`)),
        login: await lookups.while(world.call('POST', '/api/login', { token: null, body })),
        MQTT: await lookups.while(knockAt(world, body)),
        EST: await lookups.while(enrol(world, newPkcs10(name).csr, { ca })),
      };
    };
    const nothing = { 'REST, strong': [], 'REST, slow hash': [], login: [], MQTT: [], EST: [] };
    assert.equal(await asked(username), nothing);
    assert.equal(await asked(newName('nobody')), nothing);
  } finally {
    lookups.end();
    await world.stop();
  }
});

/** How many hashes an answer takes, of every kind that the doors use. */
async function hashesWhile(asking: () => Promise<unknown>): Promise<number> {
  const { hash, createHmac } = crypto;
  let count = 0;
  const counted = <Made extends typeof hash | typeof createHmac>(made: Made): Made =>
    ((...given: never[]) => {
      count++;
      return (made as (...given: never[]) => unknown)(...given);
    }) as Made;
  Object.assign(crypto, { hash: counted(hash), createHmac: counted(createHmac) });
  syncBuiltinESMExports();
  try {
    await asking();
  } finally {
    Object.assign(crypto, { hash, createHmac });
    syncBuiltinESMExports();
  }
  return count;
}

test('a known name costs as many hashes as any other, at each door and whatever the password', async () => {
  const world = await startRegistry(timingEnvironment);
  try {
    const door = doorOf(world);
    const { known, unknown } = await timingNames(door);
    const [hex, weak] = [randomBytes(16).toString('hex'), `a guess ${strong()}`];
    const login = (name: string, password: string) =>
      world.call('POST', '/api/login', { token: null, body: { username: name, password } });
    const doors = {
      REST: (name: string, password: string) => door.ask(name, password),
      login,
      MQTT: (username: string, password: string) => knockAt(world, { username, password }),
    };
    const waiting = newName('waits');
    await door.unlock();
    await door.ask(waiting, strong());
    await door.lock();
    for (const [kind, ask] of Object.entries(doors))
      for (const password of [hex, weak]) {
        const of = (name: string) => hashesWhile(() => ask(name, password));
        // What is made once only.
        await of(unknown);
        const hashes = await of(unknown);
        assert.ok(hashes > 0, `${kind}: counted`);
        for (const name of [known, waiting]) assert.is(await of(name), hashes, `${kind} ${name}`);
      }
  } finally {
    await world.stop();
  }
});

test('a refusal comes at the beat, however long it took to know, and an admission at once', async () => {
  const heldMs = 400;
  const pace = createPace(heldMs);
  const tookMs = async (workMs: number, mayShow: boolean) => {
    const begunMs = performance.now();
    await pace(
      () => sleep(workMs),
      () => mayShow,
    );
    return performance.now() - begunMs;
  };
  const [short, long, shown] = await Promise.all([
    tookMs(1, false),
    tookMs(15, false),
    tookMs(1, true),
  ]);
  assert.ok(short >= heldMs - 2 && long >= heldMs - 2, `${short} ${long}`);
  assert.ok(shown < Math.min(short, long));
  const failing = performance.now();
  await pace(
    async () => {
      throw new Error('no');
    },
    () => true,
  ).catch(() => undefined);
  assert.ok(performance.now() - failing >= heldMs - 2);
});

test('a refusal comes no earlier than the beat that its question fixed, whatever the work took', async () => {
  const pace = createPace(3);
  for (let at = 0; at < 60; at++) {
    await sleep(1);
    const begunMs = monotonicMs();
    await pace(
      async () => {
        // Work, not a wait: it keeps the event loop from its timers.
        while (monotonicMs() < begunMs + 0.02 * at);
      },
      () => false,
    );
    const beat = Math.ceil((begunMs + 3) / clockBeatMs);
    assert.ok(monotonicMs() >= beat * clockBeatMs);
  }
});

test('without leave to have a thread, refusals are held back all the same', async () => {
  const pace = new URL('../../../src/platform/pace/pace.ts', import.meta.url);
  const program = `import { createPace } from '${pace}';
    const begun = performance.now();
    await createPace(20)(async () => {}, () => false);
    console.log(performance.now() - begun >= 19);`;
  const flags = ['--permission', '--allow-fs-read=*', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', program]);
  assert.is(stdout, 'true\n');
});

test('who leaves first takes no beat from those who began with them', async () => {
  const pace = createPace(20);
  const leaving = Array.from({ length: 5 }, () =>
    pace(
      async () => undefined,
      () => true,
    ),
  );
  const staying = Array.from({ length: 5 }, () =>
    pace(
      () => sleep(30),
      () => false,
    ),
  );
  await Promise.all([...leaving, ...staying]);
});

test.run();
