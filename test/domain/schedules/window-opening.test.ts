/** A schedule's time has come: what the lock makes of it. */

import { system } from '../../../domain/values.ts';
import { type WindowCommand, type WindowEvent, window } from '../../../domain/window.ts';
import {
  ada,
  afterwards,
  at,
  due,
  firstWindow,
  id,
  later,
  nextWindow,
} from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { suite } from '../../support/suite.ts';

const test = suite('a window that a schedule opens');
const given = scenario(window);

const limits = { maxRequests: 5, usernamePattern: null, sources: [], note: null };
const schedule = { scheduleId: id(60), occurrence: '2026-01-01' };
const before = { ...schedule, occurrence: '2025-12-25' };
const manual = (until: string): WindowEvent => ({
  type: 'RegistryUnlocked',
  data: { windowId: firstWindow, until, limits, at, by: ada },
});
const locked = (when: string, by = ada): WindowEvent => ({
  type: 'RegistryLocked',
  data: { windowId: firstWindow, at: when, by },
});
const opened: WindowEvent = {
  type: 'RegistryUnlocked',
  data: { windowId: nextWindow, until: due, limits, schedule, at: later, by: system },
};
type Opening = Extract<WindowCommand, { type: 'OpenScheduled' }>;
const open = (over: Partial<Opening> = {}): Opening => ({
  ...{ type: 'OpenScheduled', windowId: nextWindow, from: later, until: due, limits },
  ...{ schedule, seen: null, at: later, by: system, ...over },
});

test('it opens what is locked, naming the schedule', () =>
  given(manual(due), locked(at)).when(open()).thenRecorded(opened));
test('it opens the first window of all', () => given().when(open()).thenRecorded(opened));
test('it ends what ran out, and opens', () =>
  given(manual(later)).when(open()).thenRecorded(locked(later, system), opened));
test('a window that is open goes on as it is', () =>
  given(manual(afterwards)).when(open()).thenNothing());
test('never before its time, never at its end or after it', () => {
  given().when(open({ at })).thenNothing();
  given()
    .when(open({ at: due }))
    .thenNothing();
  given()
    .when(open({ at: afterwards }))
    .thenNothing();
});
test('what a person locked while it was on stays locked', () =>
  given(manual(due), locked(later)).when(open()).thenNothing());
test('a lock at a time far ahead, by a clock that jumped, keeps nothing locked', () =>
  given(manual(due), locked('2036-01-01T00:00:00.000Z')).when(open()).thenRecorded(opened));
test('what it opened it does not open again, whatever came between', () => {
  const again = open({ windowId: id(70), seen: schedule });
  given(opened).when(again).thenNothing();
  given(opened, locked(later)).when(again).thenNothing();
  given(opened, locked(later, system)).when(again).thenNothing();
});
test('another opening that whoever decides does not know of is looked at first', () => {
  const other: WindowEvent = {
    type: 'RegistryUnlocked',
    data: { windowId: firstWindow, until: later, limits, schedule: before, at, by: system },
  };
  given(other, locked(at, system)).when(open()).thenNothing();
  given(other, locked(at, system))
    .when(open({ seen: before }))
    .thenRecorded(opened);
});

test.run();
