import * as fc from 'fast-check';
import { system } from '../../domain/values.ts';
import {
  type WindowCommand,
  type WindowEvent,
  type WindowLimits,
  type WindowState,
  window,
} from '../../domain/window.ts';
import { ada, afterwards, at, due, firstWindow, later, nextWindow } from '../support/client.ts';
import { scenario, stored } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('window');
const given = scenario(window);

const limits: WindowLimits = { maxRequests: 100, usernamePattern: null, sources: [], note: null };
const tight: WindowLimits = {
  maxRequests: 1,
  usernamePattern: 'press-*',
  sources: ['10.0.0.0/8', '2001:db8::/32'],
  note: 'hall 3',
};

type Data<Type extends WindowEvent['type']> = Extract<WindowEvent, { type: Type }>['data'];
const unlocked = (over: Partial<Data<'RegistryUnlocked'>> = {}): WindowEvent => ({
  type: 'RegistryUnlocked',
  data: { windowId: firstWindow, until: later, limits, at, by: ada, ...over },
});
const locked = (over: Partial<Data<'RegistryLocked'>> = {}): WindowEvent => ({
  type: 'RegistryLocked',
  data: { windowId: firstWindow, at, by: ada, ...over },
});

type Ask<Type extends WindowCommand['type']> = Extract<WindowCommand, { type: Type }>;
const unlock = (over: Partial<Ask<'UnlockRegistry'>> = {}): WindowCommand => ({
  type: 'UnlockRegistry',
  windowId: nextWindow,
  until: due,
  limits,
  at,
  by: ada,
  ...over,
});
const lock: WindowCommand = { type: 'LockRegistry', at, by: ada };
const end = (when: string): WindowCommand => ({ type: 'EndWindow', at: when, by: system });

// Every command in every state, at a time before the window's end, at its end, and after it.
const states = {
  'never unlocked': [],
  unlocked: [unlocked()],
  locked: [unlocked(), locked()],
};
const opened = (when: string) => unlocked({ windowId: nextWindow, until: due, at: when });
const kept = (when: string) => unlocked({ until: due, at: when });
const ran = (when: string) => locked({ at: when, by: system });

for (const when of [at, later, '2026-01-01T11:00:00.001Z']) {
  const over = when >= later;
  // biome-ignore format: a table reads as a table
  const table: readonly [WindowCommand, readonly (readonly WindowEvent[])[]][] = [
    //                               never unlocked   unlocked                                       locked
    [unlock({ at: when }),           [[opened(when)], over ? [ran(when), opened(when)] : [kept(when)], [opened(when)]]],
    [{ ...lock, at: when },          [[],             [over ? ran(when) : locked({ at: when })],     []]],
    [end(when),                      [[],             over ? [ran(when)] : [],                       []]],
  ];
  for (const [command, answers] of table)
    for (const [column, [state, history]] of Object.entries(states).entries())
      test(`${command.type} at ${when} when ${state}`, () => {
        const [event, ...more] = answers[column] ?? [];
        const outcome = given(...history).when(command);
        if (event) outcome.thenRecorded(event, ...more);
        else outcome.thenNothing();
      });
}

test('unlocking again keeps the window and replaces its limits and its end', () =>
  given(unlocked())
    .when(unlock({ limits: tight, until: afterwards }))
    .thenRecorded(unlocked({ limits: tight, until: afterwards })));
test('unlocking again may also shorten it', () =>
  given(unlocked({ until: due }))
    .when(unlock({ until: later }))
    .thenRecorded(unlocked({ until: later })));
test('the same end and limits again record nothing', () =>
  given(unlocked({ limits: tight }))
    .when(unlock({ until: later, limits: { ...tight } }))
    .thenNothing());
for (const [name, value] of Object.entries(tight))
  test(`another ${name} is another limit`, () =>
    given(unlocked())
      .when(unlock({ until: later, limits: { ...limits, [name]: value } }))
      .thenRecorded(unlocked({ limits: { ...limits, [name]: value } })));
test('a window that ran out while the process was down is ended by the registry, not by who comes', () =>
  given(unlocked())
    .when({ ...lock, at: due })
    .thenRecorded(locked({ at: due, by: system })));
for (const [name, command] of [
  ['a lock', lock],
  ['the end', end(later)],
  ['the next unlock', unlock({ at: later })],
] as const) {
  const count = (windowId: string) => ({ windowId, attemptCount: 7 });
  const own = given(unlocked()).when({ ...command, turnedAway: count(firstWindow) });
  const other = given(unlocked()).when({ ...command, turnedAway: count(nextWindow) });
  test(`${name} tells what was turned away in its window, never in another`, () => {
    const when = command.at;
    const by = command.type === 'LockRegistry' ? ada : system;
    const next = command.type === 'UnlockRegistry' ? [opened(when)] : [];
    own.thenRecorded(locked({ at: when, by, turnedAwayCount: 7 }), ...next);
    other.thenRecorded(locked({ at: when, by }), ...next);
  });
}
test('after a lock a new window is a new one', () =>
  given(unlocked(), locked())
    .when(unlock())
    .thenRecorded(unlocked({ windowId: nextWindow, until: due })));

const anyCommand: fc.Arbitrary<WindowCommand> = fc.oneof(
  fc
    .record({
      windowId: fc.constantFrom(firstWindow, nextWindow),
      until: fc.constantFrom(due, afterwards),
      limits: fc.constantFrom(limits, tight),
      at: fc.constantFrom(at, later),
    })
    .map((over) => unlock(over)),
  fc.constantFrom(at, later, due, afterwards).map((when) => ({ ...lock, at: when })),
  fc.constantFrom(at, later, due, afterwards).map(end),
);

test('whatever was decided is safe to send again, and a replay is what was live', () =>
  fc.assert(
    fc.property(fc.array(anyCommand, { maxLength: 8 }), anyCommand, (commands, last) => {
      let state: WindowState = window.initial;
      const log: WindowEvent[] = [];
      for (const command of [...commands, last]) {
        const decision = window.decide(command, state);
        assert.ok(decision.accepted);
        if (!decision.accepted) return;
        log.push(...decision.events.map((event) => stored(window, event)));
        state = decision.events.reduce(window.evolve, state);
      }
      assert.equal(log.reduce(window.evolve, window.initial), state);
      const again = window.decide(last, state);
      assert.equal(again, { accepted: true, events: [] });
    }),
    { numRuns: 500 },
  ));

test.run();
