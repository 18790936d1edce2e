/** People by single sign-on: a name is one person's, each sign-in is a grant with an end, and no group beats an administrator. */

import { client, noRights } from '../../../domain/client/client.ts';
import type { ClientCommand, ClientRefusal } from '../../../domain/client/commands.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import type { Client } from '../../../domain/client/state.ts';
import { clients } from '../../../projections/clients.ts';
import * as the from '../../support/client.ts';
import { columnsOf, rowsAfter, scenario } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('people');
const given = scenario(client);
const after = (...history: readonly ClientEvent[]): Client =>
  history.reduce(client.evolve, client.initial);

const bob = 'b'.repeat(64);
const eve = 'e'.repeat(64);
const rights = { ...noRights, roles: ['registrar'], expiresAt: the.later };
const issuer = 'https://id.example';
type SignedIn = the.Fact<'PersonSignedIn'>;
const signedIn = (over: Partial<SignedIn['data']> = {}): SignedIn => ({
  type: 'PersonSignedIn',
  data: {
    ...{ username: the.username, personId: bob, issuer, credentialId: the.first.credentialId },
    ...{ rights, at: the.at, by: the.ada, ...over },
  },
});
/** Its end is not that of the one before. */
const given8h = { ...rights, expiresAt: the.due };
const signIn = (personId = bob, at: string = the.at, given = given8h): ClientCommand => ({
  ...{ type: 'SignInPerson', username: the.username, personId, issuer, rights: given },
  ...{ credentialId: the.stranger.credentialId, at, by: the.ada },
});
const noGroup = (personId = bob): ClientCommand => ({
  ...{ type: 'EndPersonAccess', username: the.username, personId, reason: 'no group' },
  ...{ at: the.at, by: the.ada },
});
const again = signedIn({ rights: given8h });
const anew = signedIn({ credentialId: the.stranger.credentialId, rights: given8h });
const ended: ClientEvent = {
  type: 'AccessExpired',
  data: { username: the.username, at: the.later, by: the.ada },
};
const endedEarly: ClientEvent = {
  type: 'AccessExpired',
  data: { username: the.username, reason: 'no group', at: the.at, by: the.ada },
};

const histories = {
  'signed in': [signedIn()],
  ended: [signedIn(), the.ended],
  suspended: [signedIn(), the.suspended],
  resumed: [signedIn(), the.suspended, the.resumed],
  revoked: [signedIn(), the.revoked],
  reinstated: [signedIn(), the.revoked, the.reinstated],
  erased: [signedIn(), the.erased],
  'erased while suspended': [signedIn(), the.suspended, the.erased],
  'erased while revoked': [signedIn(), the.revoked, the.erased],
  'erased while revoked, reinstated': [signedIn(), the.revoked, the.erased, the.reinstated],
} as const satisfies Record<string, readonly ClientEvent[]>;

const none = undefined;
const taken = 'sso-username-taken';
const never = 'sso-not-permitted';
const person = 'user-from-sso';
const idle = 'user-not-active';
const held = 'user-not-revoked';
type Cell = undefined | ClientRefusal | ClientEvent;
const N = the.reinstated;
const C = the.created({ credentialId: the.stranger.credentialId });
const R = the.reset();
const asked = the.knock();
const Q = the.requested(the.stranger);
// biome-ignore format: a table reads as a table
const table: readonly [string, ClientCommand, readonly Cell[]][] = [
  //                                   signed in  ended    suspended resumed   revoked   reinst.  erased  e.susp. e.revoked e.r.reinstated
  ['herself',   signIn(),              [again,    anew,    never,    again,    never,    anew,    anew,   never,  never,    anew]],
  ['another',   signIn(eve),           [taken,    taken,   taken,    taken,    taken,    taken,   signedIn({ ...anew.data, personId: eve }), never, never, signedIn({ ...anew.data, personId: eve })]],
  ['no group',  noGroup(),             [endedEarly, none,  none,     endedEarly, none,   none,    none,   none,   none,     none]],
  ['no group, another', noGroup(eve),  [none,     none,    none,     none,     none,     none,    none,   none,   none,     none]],
  ['the end',   the.expire,            [the.ended, none,   none,     the.ended, none,    none,    none,   none,   none,     none]],
  ['rights',    the.authorize(),       [person,   idle,    person,   person,   idle,     idle,    idle,   idle,   idle,     idle]],
  ['password',  the.rotate(),          [person,   idle,    idle,     person,   idle,     idle,    idle,   idle,   idle,     idle]],
  ['made',      the.create(),          ['username-taken', 'username-taken', 'username-taken', 'username-taken', 'username-taken', 'username-taken', C, C, C, C]],
  ['reset',     the.resetAdministrator, [person,  person,  person,   person,   person,   person,  R,      R,      R,        R]],
  ['reinstate', the.reinstate,         [held,     N,       held,     held,     N,        none,    held,   N,      N,        none]],
  ['erase',     the.erase,             [the.erased, the.erased, the.erased, the.erased, the.erased, the.erased, none, none, none, the.erased]],
  ['the door, locked', { ...asked, gate: 'locked' }, ['registry-locked', 'registry-locked', 'registry-locked', 'registry-locked', 'registry-locked', 'registry-locked', 'registry-locked', 'registry-locked', 'registry-locked', 'registry-locked']],
  ['the door',  asked,                 ['username-taken', 'username-taken', 'username-taken', 'username-taken', 'username-taken', 'username-taken', Q, Q, Q, Q]],
];

for (const [name, command, answers] of table)
  for (const [column, state] of Object.keys(histories).entries())
    test(`${name} when ${state}`, () => {
      const answer = answers[column];
      const outcome = given(...histories[state as keyof typeof histories]).when(command);
      if (answer === undefined) outcome.thenNothing();
      else if (typeof answer === 'string') outcome.thenRefused(answer);
      else outcome.thenRecorded(answer);
    });

test('a name that somebody else holds, or asked for, is no person’s', () => {
  for (const [state, history] of Object.entries(the.histories)) {
    const isFree = after(...history).status === 'unknown';
    const outcome = given(...history).when(signIn());
    if (isFree) assert.ok(outcome.decision.accepted, state);
    else outcome.thenRefused(taken);
  }
});

test('a rule lets nobody in under the name of a person', () => {
  const preauthorized = {
    ...{ preauthorizationId: the.id(9), effect: 'allow' as const, rights: the.rights },
    keyAlone: false,
  };
  given(...histories.reinstated)
    .when({ ...asked, gate: 'locked', preauthorized })
    .thenRefused('registry-locked');
});

test('what a sign-in began ends with it, and is over for the next', () => {
  given(signedIn())
    .when({ ...the.expire, at: the.later })
    .thenRecorded({ ...the.ended, data: { ...the.ended.data, at: the.later } });
  given(signedIn())
    .when(signIn(bob, the.later))
    .thenRecorded(ended, signedIn({ ...anew.data, at: the.later }));
  const first = after(signedIn());
  assert.is(after(signedIn(), signedIn()).generation, first.generation);
  assert.is(after(signedIn(), ended, anew).generation, first.generation + 1);
});

test('the roles are those of the last sign-in', () => {
  const state = after(signedIn(), signedIn({ rights: { ...rights, roles: ['auditor'] } }));
  assert.ok(state.status === 'active');
  assert.equal(state.status === 'active' && state.rights.roles, ['auditor']);
});

test('a suspension has no end by the clock: it would let the person in again', () => {
  given(...histories.suspended)
    .when({ ...the.expire, at: the.afterwards })
    .thenNothing();
  const [row] = Object.values(rowsAfter(clients, histories.suspended));
  assert.is(row && columnsOf(clients, row).dueAt, null);
  const [active] = Object.values(rowsAfter(clients, histories.resumed));
  assert.is(active && columnsOf(clients, active).dueAt, the.later);
});

test('the row says where the person is from, and since when', () => {
  const later = signedIn({ at: the.later });
  const rows = (...history: ClientEvent[]) => rowsAfter(clients, history)[the.username];
  const row = rows(signedIn(), ended, later);
  assert.equal([row?.origin, row?.createdAt, row?.changedAt], ['sso', the.at, the.later]);
  assert.is(rows(signedIn(), endedEarly)?.reason, 'no group');
  assert.is(rows(signedIn(), endedEarly, later)?.reason, null);
  const taken = rows(the.requested(), the.lapsed, later);
  assert.equal([taken?.origin, taken?.createdAt, taken?.requestId], ['sso', the.later, null]);
});

test('the same sign-in again records nothing', () =>
  given(signedIn())
    .when(signIn(bob, the.at, rights))
    .thenNothing());

test('a password is no way in', () => {
  const state = after(signedIn());
  assert.is(state.status === 'active' && state.passwordOpens, false);
});

test.run();
