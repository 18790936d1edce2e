import { type Actor, system } from '../../domain/values.ts';
import { registryId, type WindowLimits } from '../../domain/window.ts';
import { type WindowRow, windowProjection } from '../../projections/window.ts';
import * as the from '../support/client.ts';
import { rowsAfter } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('window row');

const limits: WindowLimits = { maxRequests: 2, usernamePattern: null, sources: [], note: null };
const unlocked = (
  over: Partial<{
    windowId: string;
    until: string;
    at: string;
    by: Actor;
    limits: WindowLimits;
  }> = {},
) => ({
  type: 'RegistryUnlocked' as const,
  data: { windowId: the.firstWindow, until: the.later, limits, at: the.at, by: the.ada, ...over },
});
const locked = (at: string, by: Actor = the.ada) => ({
  type: 'RegistryLocked' as const,
  data: { windowId: the.firstWindow, at, by },
});
type Fact = Parameters<typeof rowsAfter>[1][number];
const row = (...history: readonly Fact[]) =>
  rowsAfter(windowProjection, history)[registryId] as WindowRow | undefined;

const open: WindowRow = {
  status: 'unlocked',
  windowId: the.firstWindow,
  unlockedAt: the.at,
  unlockedBy: 'ada',
  until: the.later,
  lockedAt: null,
  lockedBy: null,
  limits,
  requestCount: 0,
  turnedAwayCount: null,
  revision: 0,
};

test('there is no row before the first window', () => {
  assert.is(row(), undefined);
  assert.is(row(locked(the.at)), undefined);
  assert.is(row(the.requested()), undefined);
});
test('unlocked', () => assert.equal(row(unlocked()), open));
test('unlocked again: the same window since the same moment, with a new end and limits', () =>
  assert.equal(
    row(
      unlocked(),
      the.requested(),
      unlocked({
        until: the.due,
        at: the.later,
        by: system,
        limits: { ...limits, maxRequests: 9 },
      }),
    ),
    {
      ...open,
      until: the.due,
      limits: { ...limits, maxRequests: 9 },
      requestCount: 1,
      revision: 2,
    },
  ));
test('locked by somebody', () =>
  assert.equal(row(unlocked(), locked(the.at)), {
    ...open,
    status: 'locked',
    lockedAt: the.at,
    lockedBy: 'ada',
    lockedByHandAt: the.at,
    revision: 1,
  }));
test('locked, with what was turned away while it was open', () => {
  const { type, data } = locked(the.at);
  const counted = { type, data: { ...data, turnedAwayCount: 7 } };
  assert.is(row(unlocked(), counted)?.turnedAwayCount, 7);
  const next = unlocked({ windowId: the.nextWindow, at: the.later, until: the.due });
  assert.is(row(unlocked(), counted, next)?.turnedAwayCount, null);
});
test('locked by itself, at its end', () =>
  assert.equal(row(unlocked(), locked(the.later, system)), {
    ...open,
    status: 'locked',
    lockedAt: the.later,
    lockedBy: null,
    revision: 1,
  }));
test('locked by itself while nobody was there: it counts from its end', () =>
  assert.is(row(unlocked(), locked(the.afterwards, system))?.lockedAt, the.later));
test('locked by the registry before its end, or by somebody after it: it counts from then', () => {
  assert.is(row(unlocked(), locked(the.at, system))?.lockedAt, the.at);
  assert.is(row(unlocked(), locked(the.afterwards))?.lockedAt, the.afterwards);
});
test('a new window counts from nothing', () => {
  const next = unlocked({ windowId: the.nextWindow, at: the.later, until: the.due });
  assert.equal(row(unlocked(), the.requested(), locked(the.at), next), {
    ...open,
    windowId: the.nextWindow,
    unlockedAt: the.later,
    until: the.due,
    lockedByHandAt: the.at,
    revision: 3,
  });
});
test('opened by a schedule: it is named, and the newest one stays known after a person unlocks', () => {
  const schedule = { scheduleId: the.id(60), occurrence: '2026-01-01' };
  const { type, data } = unlocked();
  const byItself = { type, data: { ...data, schedule } };
  assert.is(row(byItself)?.scheduleId, schedule.scheduleId);
  const next = unlocked({ windowId: the.nextWindow, at: the.later, until: the.due });
  const { scheduleId, scheduled } = row(byItself, locked(the.at), next) ?? {};
  assert.equal([scheduleId, scheduled], [undefined, schedule]);
});
test('requests and replacements of this window count, whatever became of them', () => {
  assert.is(
    row(unlocked(), the.requested(), the.granted(), the.replacementRequested())?.requestCount,
    2,
  );
  assert.is(row(unlocked(), the.requested(), the.denied())?.requestCount, 1);
});
test('contests do not count, nor requests of another window', () => {
  assert.is(row(unlocked(), the.requested(), the.contested())?.requestCount, 1);
  assert.is(row(unlocked(), the.requested({ windowId: the.nextWindow }))?.requestCount, 0);
});
test('a request that came while the lock turned counts still', () =>
  assert.is(row(unlocked(), locked(the.at), the.requested())?.requestCount, 1));

test.run();
