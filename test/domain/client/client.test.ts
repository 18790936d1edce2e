/** A client: every command in every state, and what changes and ends its access. */

import { client, credentialIdsOf } from '../../../domain/client/client.ts';
import type { ClientCommand, ClientRefusal } from '../../../domain/client/commands.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import type { Client } from '../../../domain/client/state.ts';
import * as the from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('client');
const given = scenario(client);
const after = (...history: readonly ClientEvent[]): Client =>
  history.reduce(client.evolve, client.initial);

// ── Every command in every state ──────────────────────────────────────────────────────────────────

const columns = [
  ...['unknown', 'pending', 'pending, contested'],
  ...['active', 'active, challenged', 'active, challenger contested'],
  ...['active, challenger denied', 'active, challenger blocked'],
  ...['suspended', 'suspended, challenger denied', 'denied', 'denied, blocked'],
  ...['revoked', 'expired', 'lapsed', 'reinstated', 'created', 'erased', 'reset, revoked before'],
] as const satisfies readonly the.StateName[];

const none = undefined;
type Cell = undefined | ClientRefusal | ClientEvent | readonly [ClientEvent, ...ClientEvent[]];
const { challenger, stranger } = the;

const noRequest = 'request-not-found';
const hadIt = 'request-already-granted';
const hadNo = 'request-already-denied';
const tooLate = 'request-expired';
const noUser = 'user-not-found';
const idle = 'user-not-active';
const awake = 'user-not-suspended';
const held = 'user-not-revoked';
const taken = 'username-taken';
const shown = 'request-contested';
const G = the.granted();
const RG = the.replacementGranted();
const D = the.denied();
const RD = the.replacementDenied();
const L = the.lapsed;
const RL = the.replacementLapsed;
const C = the.created({ credentialId: stranger.credentialId });
const E = the.challengeEnded();
const R = the.reset();
/** Who holds rights keeps them. */
const K = the.reset(the.rights);
const A = the.changedTo(the.otherRights);
const O = the.rotated;
const S = the.suspended;
const B = the.resumed;
const V = the.revoked;
const N = the.reinstated;
const X = the.erased;
/** A request that ends with its name. */
const LN: ClientEvent = { ...the.lapsed, data: { ...the.lapsed.data, at: the.at, by: the.ada } };

const theirs = { requestId: challenger.requestId };
// biome-ignore format: a table reads as a table
const table: readonly [ClientCommand, readonly Cell[]][] = [
  //                                unknown    pending    contested  active     challenged contested  ch.denied  ch.blocked suspended  s.,ch.den. denied     blocked    revoked    expired    lapsed     reinstated created    erased reset
  [the.grant(),                    [noRequest, G,         shown,     none,      none,      none,      none,      none,      idle,      idle,      hadNo,     hadNo,     idle,      idle,      tooLate,   idle,      noRequest, idle, idle]],
  [the.grant(theirs),              [noRequest, noRequest, noRequest, noRequest, RG,        shown,     hadNo,     hadNo,     noRequest, hadNo,     noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest]],
  [the.deny(),                     [noRequest, D,         D,         hadIt,     hadIt,     hadIt,     hadIt,     hadIt,     hadIt,     hadIt,     none,      hadNo,     hadIt,     hadIt,     tooLate,   hadIt,     noRequest, hadIt, hadIt]],
  [the.deny(theirs),               [noRequest, noRequest, noRequest, noRequest, RD,        RD,        none,      hadNo,     noRequest, none,      noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest]],
  [the.lapse(),                    [noRequest, L,         L,         none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      noRequest, none, none]],
  [the.lapse(theirs),              [noRequest, noRequest, noRequest, noRequest, RL,        RL,        none,      none,      noRequest, none,      noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest, noRequest]],
  [the.endChallenge,               [none,      none,      none,      none,      E,         E,         none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none, none, none]],
  [the.create(),                   [C,         taken,     taken,     taken,     taken,     taken,     taken,     taken,     taken,     taken,     C,         C,         taken,     C,         C,         C,         taken, C, taken]],
  [the.resetAdministrator,         [R,         [LN, R],   [LN, R],   K,         [E, K],    [E, K],    K,         K,         K,         K,         R,         R,         R,         R,         R,         R,         K, R, R]],
  [the.authorize(),                [noUser,    idle,      idle,      A,         A,         A,         A,         A,         A,         A,         idle,      idle,      idle,      idle,      idle,      idle,      A, idle, A]],
  [the.authorize({ holdsHttpRights: true }),
                                   [noUser,    idle,      idle,      A,         [E, A],    [E, A],    A,         A,         A,         A,         idle,      idle,      idle,      idle,      idle,      idle,      A, idle, A]],
  [the.rotate(),                   [noUser,    idle,      idle,      O,         [E, O],    [E, O],    O,         O,         idle,      idle,      idle,      idle,      idle,      idle,      idle,      idle,      O, idle, O]],
  [the.suspend,                    [noUser,    idle,      idle,      S,         [E, S],    [E, S],    S,         S,         none,      none,      idle,      idle,      idle,      idle,      idle,      idle,      S, idle, S]],
  [the.resume,                     [noUser,    awake,     awake,     none,      none,      none,      none,      none,      B,         B,         awake,     awake,     awake,     awake,     awake,     awake,     none, awake, none]],
  [the.revoke,                     [noUser,    idle,      idle,      V,         [E, V],    [E, V],    V,         V,         V,         V,         idle,      idle,      none,      idle,      idle,      idle,      V, idle, V]],
  [the.reinstate,                  [noUser,    held,      held,      held,      held,      held,      held,      held,      held,      held,      N,         N,         N,         N,         held,      none,      held, held, held]],
  [the.expire,                     [none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none, none, none]],
  [the.warnOfEnd(),                [none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none,      none, none, none]],
  [the.erase,                      [noUser,    [LN, X],   [LN, X],   X,         [E, X],    [E, X],    X,         X,         X,         X,         X,         X,         X,         X,         X,         X,         X, none, X]],
];

test('the table has every state', () =>
  assert.equal([...columns].sort(), Object.keys(the.histories).sort()));

for (const [index, [command, answers]] of table.entries())
  for (const [column, state] of columns.entries())
    test(`${command.type} (${index}) when ${state}`, () => {
      const answer = answers[column];
      const outcome = given(...the.histories[state]).when(command);
      if (answer === undefined) outcome.thenNothing();
      else if (typeof answer === 'string') outcome.thenRefused(answer);
      else if ('type' in answer) outcome.thenRecorded(answer);
      else outcome.thenRecorded(...answer);
    });

const ending = (...more: readonly ClientEvent[]) => [
  the.requested(),
  the.granted({ rights: { ...the.rights, expiresAt: the.later } }),
  ...more,
];
test('access ends at its end, not before', () => {
  given(...ending())
    .when({ ...the.expire, at: '2026-01-01T10:59:59.999Z' })
    .thenNothing();
  given(...ending())
    .when(the.expire)
    .thenRecorded(the.ended);
  given(...ending(the.suspended))
    .when(the.expire)
    .thenRecorded(the.ended);
});
test('an end is warned of once for each lead, the longer ones before the shorter', () => {
  const [long, short] = [the.warnOfEnd(), the.warnOfEnd({ leadMs: 60_000 })];
  given(...ending())
    .when(long)
    .thenRecorded(the.endingSoon());
  given(...ending(the.suspended))
    .when(long)
    .thenRecorded(the.endingSoon());
  given(...ending(the.endingSoon()))
    .when(long)
    .thenNothing();
  given(...ending(the.endingSoon(), the.suspended, the.resumed))
    .when(long)
    .thenNothing();
  given(...ending(the.endingSoon()))
    .when(short)
    .thenRecorded(the.endingSoon(60_000));
  given(...ending(the.endingSoon(60_000)))
    .when(long)
    .thenNothing();
});
test('no end is warned of that is over, or another by now', () => {
  given(...ending())
    .when(the.warnOfEnd({ at: the.later }))
    .thenNothing();
  const rights = { ...the.rights, expiresAt: the.due };
  const renewed = [the.endingSoon(), the.changedTo(rights)];
  given(...ending(...renewed))
    .when(the.warnOfEnd())
    .thenNothing();
  given(...ending(...renewed))
    .when(the.warnOfEnd({ endsAt: the.due }))
    .thenRecorded({
      type: 'AccessEnding',
      data: { ...the.endingSoon().data, endsAt: the.due },
    });
});
test('access that ends ends the challenger’s waiting too', () =>
  given(...ending(the.replacementRequested()))
    .when(the.expire)
    .thenRecorded(the.challengeEnded({ at: the.later, by: the.ended.data.by }), the.ended));
test('an end that was taken away ends nothing', () =>
  given(...ending(the.changedTo(the.rights)))
    .when(the.expire)
    .thenNothing());
test('an end that was moved counts from where it is now', () => {
  const moved = ending(the.changedTo({ ...the.rights, expiresAt: the.due }));
  given(...moved)
    .when(the.expire)
    .thenNothing();
  given(...moved)
    .when({ ...the.expire, at: the.due })
    .thenRecorded({ ...the.ended, data: { ...the.ended.data, at: the.due } });
});

// ── Changes ───────────────────────────────────────────────────────────────────────────────────────

test('the same rights change nothing, but HTTP rights still end a challenger’s waiting', () => {
  given(...the.histories.active)
    .when(the.authorize({ rights: the.rights }))
    .thenNothing();
  given(...the.histories['active, challenged'])
    .when(the.authorize({ rights: the.rights, holdsHttpRights: true }))
    .thenRecorded(the.challengeEnded());
});
test('a suspended client keeps its rights', () => {
  const now = after(...the.histories.suspended, the.changedTo(the.otherRights), the.resumed);
  assert.is(now.status, 'active');
  assert.equal('rights' in now && now.rights, the.otherRights);
});
test('an administrator creates from a denied name though it is blocked', () =>
  given(...the.histories['denied, blocked'])
    .when(the.create())
    .thenRecorded(the.created({ credentialId: stranger.credentialId })));
test('creating the same again is a quiet success', () =>
  given(the.created())
    .when(the.create({ credentialId: the.first.credentialId }))
    .thenNothing());
test('reinstating lifts a block', () =>
  given(...the.histories['denied, blocked'], the.reinstated)
    .when(the.knock())
    .thenRecorded(the.requested({ ...stranger })));
test('a request that only waited too long needs no reinstating', () =>
  given(...the.histories.lapsed)
    .when(the.knock({ gate: 'locked' }))
    .thenRefused('registry-locked'));

test('tokens end with the access they were given for', () => {
  const { generation } = after(...the.histories.active);
  for (const more of [
    [the.revoked, the.reinstated, the.requested(), the.granted()],
    [the.replacementRequested(), the.replacementGranted()],
    [the.revoked, the.created()],
  ])
    assert.is(after(...the.histories.active, ...more).generation, generation + 1);
  for (const more of [
    [the.suspended, the.resumed],
    [the.rotated],
    [the.changedTo(the.otherRights)],
  ])
    assert.is(after(...the.histories.active, ...more).generation, generation);
});
test('login tokens end with the access they were given for too', () => {
  const { loginGeneration } = after(...the.histories.active);
  for (const more of [
    [the.replacementRequested(), the.replacementGranted()],
    [the.revoked, the.created()],
  ])
    assert.is(after(...the.histories.active, ...more).loginGeneration, loginGeneration + 1);
});
test('what cannot have happened changes nothing', () => {
  const { pending, denied, unknown } = the.histories;
  for (const history of [pending, denied, unknown])
    for (const fact of [
      ...[the.suspended, the.resumed, the.revoked, the.ended, the.rotated],
      ...[the.changedTo(the.otherRights), the.replacementRequested(), the.replacementDenied()],
      the.replacementLapsed,
    ])
      assert.equal(after(...history, fact), after(...history), fact.type);
  assert.equal(after(the.contested()), after());
  assert.equal(after(...denied, the.contested()), after(...denied));
});
test('login tokens end with the password too', () => {
  const { loginGeneration } = after(...the.histories.active);
  assert.is(after(...the.histories.active, the.rotated).loginGeneration, loginGeneration + 1);
  assert.is(
    after(...the.histories.active, the.suspended, the.resumed).loginGeneration,
    loginGeneration,
  );
});

test('an erased name keeps its counts, so that nothing of before opens it again', () => {
  const before = after(...the.histories.active);
  const now = after(...the.histories.erased);
  assert.equal([now.status, now.personalKeyId], ['unknown', null]);
  assert.equal([now.generation, now.decided], [before.generation, before.decided]);
  const anew = after(...the.histories.erased, the.requested(), the.granted());
  assert.is(anew.generation, before.generation + 1);
});

test('an administrator that was reset has no end, and tokens of before are over', () => {
  const before = after(...ending(the.suspended));
  const now = after(...ending(the.suspended, the.reset(the.rights)));
  assert.is(now.status === 'active' && now.rights.expiresAt, null);
  assert.is(now.generation, before.generation + 1);
  given(...ending())
    .when(the.resetAdministrator)
    .thenRecorded(the.reset(the.rights));
  given(...ending(the.reset()))
    .when(the.resetAdministrator)
    .thenNothing();
  const administrator = { ...the.rights, roles: ['administrator', 'press'] };
  given(the.created({ rights: administrator }))
    .when(the.resetAdministrator)
    .thenRecorded(the.reset(the.rights));
});

test('the credentials that still tell something', () => {
  const { first } = the;
  const expected: Record<the.StateName, string[]> = {
    unknown: [],
    pending: [first.credentialId],
    'pending, contested': [first.credentialId],
    active: [first.credentialId],
    'active, challenged': [first.credentialId, challenger.credentialId],
    'active, challenger contested': [first.credentialId, challenger.credentialId],
    'active, challenger denied': [first.credentialId, challenger.credentialId],
    'active, challenger blocked': [first.credentialId, challenger.credentialId],
    suspended: [first.credentialId],
    'suspended, challenger denied': [first.credentialId, challenger.credentialId],
    denied: [first.credentialId],
    'denied, blocked': [first.credentialId],
    revoked: [first.credentialId],
    expired: [first.credentialId],
    lapsed: [],
    reinstated: [],
    created: [first.credentialId],
    erased: [],
    'reset, revoked before': [challenger.credentialId],
  };
  for (const [state, ids] of Object.entries(expected))
    assert.equal(credentialIdsOf(after(...the.histories[state as the.StateName])), ids, state);
});

test('a password that somebody else set has its limit until another is set', () => {
  const httpLimit = [
    { context: 'http' as const, resource: '/api/users', operation: 'read' as const },
  ];
  const limitOf = (...facts: ClientEvent[]) => {
    const state = after(...facts);
    return state.status === 'active' || state.status === 'suspended' ? state.httpLimit : undefined;
  };
  assert.equal(limitOf(...the.histories.active), null);
  assert.equal(limitOf(the.created({ httpLimit })), httpLimit);
  assert.equal(limitOf(the.created({ httpLimit }), the.suspended), httpLimit);
  assert.equal(limitOf(the.created({ httpLimit }), the.rotated), null);
  given(the.created())
    .when(the.rotate({ httpLimit, namedTokens: 'ended' }))
    .thenRecorded({
      type: 'CredentialRotated',
      data: { ...the.rotated.data, httpLimit, namedTokens: 'ended' },
    });
});

test.run();
