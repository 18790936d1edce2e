import { client } from '../../../domain/client/client.ts';
import type { DoorRefusal, RequestRegistration } from '../../../domain/client/commands.ts';
import { requestRegistration } from '../../../domain/client/door.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import * as the from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('the door');
const given = scenario(client);

// ── Every situation at the door in every state ────────────────────────────────────────────────────

/** Accepted without an event: it waits, or it has access. */
const ok = 'accepted';
const asks = 'RegistrationRequested';
const contests = 'RegistrationContested';
const replaces = 'ReplacementRequested';
const locked = 'registry-locked';
const taken = 'username-taken';
const waits = 'replacement-pending';
const paused = 'access-suspended';
const gone = 'access-revoked';
const over = 'access-expired';
const no = 'registration-denied';
const full = 'window-full';
const many = 'pending-full';
type Cell = DoorRefusal | typeof ok | typeof asks | typeof contests | typeof replaces;

/** The requests and denials of the histories belong to the first window. */
const situations: readonly Partial<RequestRegistration>[] = [
  { gate: 'open' },
  { gate: 'open', windowId: the.nextWindow },
  { gate: 'locked' },
  { gate: 'filtered' },
  { gate: 'open', capacity: 'window-full' },
  { gate: 'open', capacity: 'pending-full' },
  { gate: 'locked', windowId: the.nextWindow },
];
const { first, challenger, stranger } = the;

type Row = [state: the.StateName, who: typeof first, answers: readonly Cell[]];
// biome-ignore format: a table reads as a table
const table: readonly Row[] = [
  // state                         whose credential  open      next win. locked  filtered  win.full  pend.full locked, next win.
  ['unknown',                      stranger,   [asks,     asks,     locked, locked, full,     many,     locked]],
  ['pending',                      stranger,   [contests, contests, locked, locked, contests, contests, locked]],
  ['pending',                      first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['pending, contested',           stranger,   [taken,    contests, locked, locked, taken,    taken,    locked]],
  ['pending, contested',           first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['active',                       stranger,   [replaces, replaces, locked, locked, taken,    taken,    locked]],
  ['active',                       first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['active, challenged',           stranger,   [contests, contests, locked, locked, contests, contests, locked]],
  ['active, challenged',           first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['active, challenged',           challenger, [waits,    waits,    waits,  waits,  waits,    waits,    waits ]],
  ['active, challenger contested', stranger,   [taken,    contests, locked, locked, taken,    taken,    locked]],
  ['active, challenger contested', first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['active, challenger contested', challenger, [waits,    waits,    waits,  waits,  waits,    waits,    waits ]],
  ['active, challenger denied',    stranger,   [taken,    replaces, locked, locked, taken,    taken,    locked]],
  ['active, challenger denied',    first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['active, challenger denied',    challenger, [no,       replaces, no,     no,     no,       no,       locked]],
  ['active, challenger blocked',   stranger,   [taken,    taken,    locked, locked, taken,    taken,    locked]],
  ['active, challenger blocked',   first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['active, challenger blocked',   challenger, [no,       no,       no,     no,     no,       no,       no    ]],
  ['suspended',                    stranger,   [taken,    taken,    locked, locked, taken,    taken,    locked]],
  ['suspended',                    first,      [paused,   paused,   paused, paused, paused,   paused,   paused]],
  ['suspended, challenger denied', stranger,   [taken,    taken,    locked, locked, taken,    taken,    locked]],
  ['suspended, challenger denied', first,      [paused,   paused,   paused, paused, paused,   paused,   paused]],
  ['suspended, challenger denied', challenger, [no,       taken,    no,     no,     no,       no,       locked]],
  ['denied',                       stranger,   [no,       asks,     locked, locked, no,       no,       locked]],
  ['denied',                       first,      [no,       asks,     no,     no,     no,       no,       locked]],
  ['denied, blocked',              stranger,   [no,       no,       locked, locked, no,       no,       locked]],
  ['denied, blocked',              first,      [no,       no,       no,     no,     no,       no,       no    ]],
  ['revoked',                      stranger,   [gone,     gone,     locked, locked, gone,     gone,     locked]],
  ['revoked',                      first,      [gone,     gone,     gone,   gone,   gone,     gone,     gone  ]],
  ['expired',                      stranger,   [asks,     asks,     locked, locked, full,     many,     locked]],
  ['expired',                      first,      [asks,     asks,     over,   locked, full,     many,     over  ]],
  ['lapsed',                       stranger,   [asks,     asks,     locked, locked, full,     many,     locked]],
  ['lapsed',                       first,      [asks,     asks,     locked, locked, full,     many,     locked]],
  ['reinstated',                   stranger,   [asks,     asks,     locked, locked, full,     many,     locked]],
  ['reinstated',                   first,      [asks,     asks,     locked, locked, full,     many,     locked]],
  ['erased',                       stranger,   [asks,     asks,     locked, locked, full,     many,     locked]],
  ['erased',                       first,      [asks,     asks,     locked, locked, full,     many,     locked]],
  ['created',                      stranger,   [replaces, replaces, locked, locked, taken,    taken,    locked]],
  ['created',                      first,      [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
  ['reset, revoked before',        stranger,   [replaces, replaces, locked, locked, taken,    taken,    locked]],
  ['reset, revoked before',        challenger, [ok,       ok,       ok,     ok,     ok,       ok,       ok    ]],
];

/** The place that a contest is about. */
const holderOf = (state: the.StateName) =>
  (state.startsWith('pending') ? first : challenger).requestId;

function expected(
  cell: Cell,
  command: RequestRegistration,
  state: the.StateName,
): ClientEvent | undefined {
  const {
    type: _,
    matched: __,
    csr: ______,
    gate: ___,
    capacity: ____,
    holdsHttpRights: _____,
    ...asked
  } = command;
  const windowId = command.windowId ?? '';
  if (cell === asks) return the.requested({ ...asked, windowId });
  if (cell === replaces) return the.replacementRequested({ ...asked, windowId });
  if (cell === contests)
    return the.contested({ windowId, requestId: holderOf(state), at: command.at });
  return undefined;
}

const refused = (cell: Cell): cell is DoorRefusal =>
  cell !== ok && cell !== asks && cell !== contests && cell !== replaces;

for (const [state, who, answers] of table)
  test(`${state}: ${who === stranger ? 'a stranger' : who === first ? 'the first' : 'the challenger'}`, () => {
    for (const [column, situation] of situations.entries()) {
      const command = the.knock({
        ...situation,
        matched: who === stranger ? null : who.credentialId,
      });
      const cell = answers[column] as Cell;
      const event = expected(cell, command, state);
      const outcome = given(...the.histories[state]).when(command);
      try {
        if (event) outcome.thenRecorded(event);
        else if (refused(cell)) outcome.thenRefused(cell);
        else outcome.thenNothing();
      } catch (error) {
        throw new Error(`${JSON.stringify(situation)}: ${error}`);
      }
    }
  });

test('the table has every state, and every credential that a state knows', () => {
  for (const state of Object.keys(the.histories) as the.StateName[]) {
    const rows = table.filter(([name]) => name === state).map(([, who]) => who);
    assert.ok(rows.includes(stranger), state);
    assert.ok(rows.length > 1 || state === 'unknown', state);
  }
});

// ── SPEC 4, row by row ────────────────────────────────────────────────────────────────────────────

const own = { matched: first.credentialId };

test('row 3: a pending request is told to wait, whatever the gate', () => {
  for (const gate of ['open', 'locked', 'filtered'] as const)
    given(the.requested())
      .when(the.knock({ ...own, gate }))
      .thenNothing();
});
test('row 5: a registry that was never unlocked is locked', () =>
  given()
    .when(the.knock({ gate: 'locked', windowId: null }))
    .thenRefused(locked));
test('row 5: an open gate without a window is no gate', () =>
  given()
    .when(the.knock({ gate: 'open', windowId: null }))
    .thenRefused(locked));
test('row 5: locked, every name gets the same answer', () => {
  for (const history of Object.values(the.histories))
    for (const gate of ['locked', 'filtered'] as const)
      given(...history)
        .when(the.knock({ gate, windowId: the.nextWindow, capacity: 'pending-full' }))
        .thenRefused(locked);
});
test('row 6: the contest names the request that holds the place', () =>
  given(the.requested()).when(the.knock()).thenRecorded(the.contested()));
test('row 6: a contest is recorded once a window', () => {
  given(the.requested(), the.contested()).when(the.knock()).thenRefused(taken);
  given(the.requested(), the.contested())
    .when(the.knock({ windowId: the.nextWindow }))
    .thenRecorded(the.contested({ windowId: the.nextWindow }));
  given(the.requested(), the.contested(), the.contested({ windowId: the.nextWindow }))
    .when(the.knock())
    .thenRefused(taken);
});
test('row 8: what is recorded is what was asked', () =>
  given()
    .when(the.knock({ ...first, flow: 'implicit', pairingId: null, clientId: 'sealed-client' }))
    .thenRecorded(the.requested({ flow: 'implicit', pairingId: null, clientId: 'sealed-client' })));

// Where two neighbouring rows fit, the first one answers.
test('3 before 5: a denied one is told so while locked', () =>
  given(...the.histories.denied)
    .when(the.knock({ ...own, gate: 'locked' }))
    .thenRefused(no));
test('3 before 5: an ended one is told so while locked, and asks anew while open', () => {
  given(...the.histories.expired)
    .when(the.knock({ ...own, gate: 'locked' }))
    .thenRefused(over);
  given(...the.histories.expired)
    .when(the.knock(own))
    .thenRecorded(the.requested({ ...stranger }));
});
test('3 before 6: the owner of a held name is no contest', () =>
  given(the.requested()).when(the.knock(own)).thenNothing());
test('3 before 7: a full window does not hurt who waits or has access', () => {
  for (const room of ['window-full', 'pending-full'] as const) {
    given(the.requested())
      .when(the.knock({ ...own, capacity: room }))
      .thenNothing();
    given(the.requested(), the.granted())
      .when(the.knock({ ...own, capacity: room }))
      .thenNothing();
  }
});
test('5 before 6: locked, a held name looks like any other', () =>
  given(...the.histories.revoked)
    .when(the.knock({ gate: 'locked' }))
    .thenRefused(locked));
test('5 before 7: a full window that is locked is locked', () =>
  given()
    .when(the.knock({ gate: 'locked', capacity: 'window-full' }))
    .thenRefused(locked));
test('5 before 7: a name outside the limits is told the same though the window is full', () =>
  given()
    .when(the.knock({ gate: 'filtered', capacity: 'window-full' }))
    .thenRefused(locked));
test('6 before 7: a held name is taken, not full', () => {
  given(the.requested(), the.contested())
    .when(the.knock({ capacity: 'window-full' }))
    .thenRefused(taken);
  given(...the.histories.suspended)
    .when(the.knock({ capacity: 'pending-full' }))
    .thenRefused(taken);
});
test('6 before 7: a contest needs no room', () =>
  given(the.requested())
    .when(the.knock({ capacity: 'pending-full' }))
    .thenRecorded(the.contested()));
test('7 before 8: a free name waits for room', () => {
  given()
    .when(the.knock({ capacity: 'window-full' }))
    .thenRefused(full);
  given()
    .when(the.knock({ capacity: 'pending-full' }))
    .thenRefused(many);
});

// ── What else the rules say ───────────────────────────────────────────────────────────────────────

test('a name that holds HTTP rights takes no challenger', () => {
  given(the.requested(), the.granted())
    .when(the.knock({ holdsHttpRights: true }))
    .thenRefused(taken);
  given(...the.histories['active, challenger denied'])
    .when(the.knock({ holdsHttpRights: true, windowId: the.nextWindow }))
    .thenRefused(taken);
});
test('HTTP rights shut nobody out who is known', () =>
  given(the.requested(), the.granted())
    .when(the.knock({ ...own, holdsHttpRights: true }))
    .thenNothing());

test('a block holds until its end, and then only the window counts', () => {
  const blocked = [the.requested(), the.denied({ blockedUntil: the.later })];
  const inNext = { windowId: the.nextWindow };
  given(...blocked)
    .when(the.knock({ ...inNext, at: '2026-01-01T10:59:59.999Z' }))
    .thenRefused(no);
  given(...blocked)
    .when(the.knock({ ...inNext, at: the.later }))
    .thenRecorded(the.requested({ ...stranger, ...inNext, at: the.later }));
  given(...blocked)
    .when(the.knock({ at: the.later }))
    .thenRefused(no);
});
test('a blocked challenger asks again after its block', () => {
  const history = [
    the.requested(),
    the.granted(),
    the.replacementRequested(),
    the.replacementDenied({ blockedUntil: the.later }),
  ];
  given(...history)
    .when(the.knock({ windowId: the.nextWindow, at: the.later }))
    .thenRecorded(
      the.replacementRequested({ ...stranger, windowId: the.nextWindow, at: the.later }),
    );
});

test('a grant that has ended admits nobody, also before the clock has recorded it', () => {
  const history = [
    the.requested(),
    the.granted({ rights: { ...the.rights, expiresAt: the.later } }),
  ];
  const { at, later } = the;
  given(...history)
    .when(the.knock({ ...own, at }))
    .thenNothing();
  for (const gate of ['open', 'locked'] as const)
    given(...history)
      .when(the.knock({ ...own, gate, at: later }))
      .thenRefused(over);
});

test('a credential that the state does not know is a stranger’s', () => {
  for (const [state, history] of Object.entries(the.histories)) {
    const now = history.reduce<Parameters<typeof requestRegistration>[1]>(
      client.evolve,
      client.initial,
    );
    for (const situation of situations)
      assert.equal(
        requestRegistration(the.knock({ ...situation, matched: the.id(99) }), now),
        requestRegistration(the.knock(situation), now),
        state,
      );
  }
});

test.run();
