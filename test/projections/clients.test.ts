import { client, noRights } from '../../domain/client/client.ts';
import type { ClientEvent } from '../../domain/client/events.ts';
import type { Client } from '../../domain/client/state.ts';
import { type ClientRow, clients } from '../../projections/clients.ts';
import * as the from '../support/client.ts';
import { columnsOf, envelopeOf, rowsAfter } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('clients and access');

const { first, challenger, username } = the;
const row = (...history: readonly ClientEvent[]) =>
  rowsAfter(clients, history)[username] as ClientRow;
const held = (...history: readonly ClientEvent[]) => {
  const { state: _, ...rest } = row(...history);
  return rest;
};

const pending = {
  ...noRights,
  username,
  status: 'pending',
  origin: 'registration',
  credential: null,
  requestId: first.requestId,
  reason: null,
  blockedUntil: null,
  createdAt: the.at,
  changedAt: the.at,
  everGranted: false,
  tokensEndedAt: null,
};
const active = {
  ...pending,
  ...the.rights,
  status: 'active',
  everGranted: true,
  credential: { credentialId: first.credentialId, kind: 'password', createdAt: the.at },
};

test('who asks has nothing yet', () => assert.equal(held(the.requested()), pending));
test('who was granted has rights and a credential', () =>
  assert.equal(held(the.requested(), the.granted({ at: the.later, reason: 'welcome' })), {
    ...active,
    credential: { ...active.credential, createdAt: the.later },
    changedAt: the.later,
    reason: 'welcome',
    tokensEndedAt: the.later,
  }));
test('who was created never asked', () =>
  assert.equal(held(the.created()), { ...active, origin: 'created', requestId: null }));
test('who was denied has nothing, and knows until when', () =>
  assert.equal(held(the.requested(), the.denied({ blockedUntil: the.due })), {
    ...pending,
    status: 'denied',
    reason: 'not ours',
    blockedUntil: the.due,
  }));
test('who was suspended keeps rights and credential', () => {
  const found = held(the.requested(), the.granted(), the.suspended);
  assert.is(found.status, 'suspended');
  assert.equal([found.roles, found.credential], [the.rights.roles, active.credential]);
});
for (const end of [the.revoked, the.ended])
  test(`${end.type}: no rights, no credential, but a history`, () => {
    const found = held(the.requested(), the.granted(), end);
    assert.equal([found.roles, found.permissions, found.credential], [[], [], null]);
    assert.is(found.everGranted, true);
    assert.is(found.tokensEndedAt, end.data.at);
  });
test('a replacement changes the credential and the request', () => {
  const found = held(
    ...the.histories['active, challenged'],
    the.replacementGranted({ at: the.later }),
  );
  assert.equal(found.credential, {
    credentialId: challenger.credentialId,
    kind: 'password',
    createdAt: the.later,
  });
  assert.is(found.requestId, challenger.requestId);
  assert.is(found.tokensEndedAt, the.later);
});
test('a challenger changes neither', () => {
  for (const state of ['active, challenged', 'active, challenger denied'] as const) {
    const found = held(...the.histories[state]);
    assert.equal(
      [found.credential, found.requestId, found.roles],
      [active.credential, first.requestId, ['press']],
    );
    assert.is(found.blockedUntil, null);
  }
});
test('a rotation ends tokens, a suspension does not', () => {
  const rotated = { ...the.rotated, data: { ...the.rotated.data, at: the.later } };
  assert.is(held(the.created(), rotated).tokensEndedAt, the.later);
  assert.is(held(the.created(), the.suspended, the.resumed).tokensEndedAt, null);
});
test('what an administrator holds after a reset rests on no request', () => {
  const found = held(...the.histories.active, the.reset(the.rights));
  assert.equal(
    [found.status, found.requestId, found.origin, found.roles, found.tokensEndedAt],
    ['active', null, 'created', ['press', 'administrator'], the.at],
  );
});
test('who asks anew starts anew, with the old history', () => {
  const anew = the.requested({ ...challenger, at: the.later });
  const found = held(...the.histories.reinstated, anew);
  assert.equal(
    [found.status, found.requestId, found.createdAt, found.origin, found.everGranted],
    ['pending', challenger.requestId, the.later, 'registration', true],
  );
  assert.is(held(the.requested(), the.denied()).reason, 'not ours');
  assert.is(held(the.requested(), the.denied(), anew).reason, null, 'a denial is no reason to ask');
});

test('where a client came from stays, until it comes anew', () => {
  assert.is(held(the.created(), the.suspended).origin, 'created');
  assert.is(held(the.created(), the.revoked, the.reinstated).origin, 'created');
  const anew = [the.created(), the.revoked, the.reinstated, the.requested()];
  assert.is(held(...anew).origin, 'registration');
  assert.is(held(...anew, the.granted(), the.suspended).origin, 'registration');
});

// biome-ignore format: a table reads as a table
const columns: Record<the.StateName, [refusedAt: string | null, everGranted: 1 | null, roles: string | null]> = {
  unknown: [null, null, null],
  pending: [null, null, null],                      'pending, contested': [null, null, null],
  active: [null, 1, ' press '],                  'active, challenged': [null, 1, ' press '],
  'active, challenger contested': [null, 1, ' press '],
  'active, challenger denied': [null, 1, ' press '],
  'active, challenger blocked': [null, 1, ' press '],
  suspended: [null, 1, ' press '],               'suspended, challenger denied': [null, 1, ' press '],
  denied: [the.at, null, null],                     'denied, blocked': [the.at, null, null],
  revoked: [the.at, 1, null],                    expired: [the.later, 1, null],
  lapsed: [null, null, null],                       reinstated: [null, 1, null],
  created: [null, 1, ' press '],                 erased: [null, 1, null],
  'reset, revoked before': [null, 1, ' administrator '],
};
for (const [state, [refusedAt, everGranted, roles]] of Object.entries(columns)) {
  const history = the.histories[state as the.StateName];
  if (history.length === 0) continue;
  test(`${state}: found by`, () =>
    assert.equal(columnsOf(clients, row(...history)), {
      status: row(...history).status,
      refusedAt,
      everGranted,
      roles,
      lastingAdministrator: state === 'reset, revoked before' ? 1 : null,
      ...{ endsAt: null, dueAt: null, foreignVerifier: null },
      certificateEndsAt: null,
    }));
}
test('roles are found one by one', () => {
  const { roles } = columnsOf(
    clients,
    row(the.created({ rights: { ...noRights, roles: ['a', 'b.c', 'd'] } })),
  );
  for (const role of ['a', 'b.c', 'd']) assert.ok(String(roles).includes(` ${role} `), role);
  for (const none of ['b', 'c', 'ab']) assert.not.ok(String(roles).includes(` ${none} `), none);
});
test('an administrator counts as a lasting one while active and without an end', () => {
  const rights = { ...noRights, roles: ['press', 'administrator'] };
  const lasting = (...more: readonly ClientEvent[]) =>
    columnsOf(clients, row(the.created({ rights }), ...more)).lastingAdministrator;
  assert.is(lasting(), 1);
  assert.is(lasting(the.suspended), null);
  assert.is(lasting(the.suspended, the.resumed), 1);
  assert.is(lasting(the.revoked), null);
  assert.is(lasting(the.changedTo({ ...rights, expiresAt: the.due })), null);
  assert.is(lasting(the.changedTo(the.rights)), null);
});

for (const [state, history] of Object.entries(the.histories))
  test(`access, ${state}: what a door sees is what a decision sees`, () => {
    const state = history.reduce<Client>(client.evolve, client.initial);
    const found = rowsAfter(clients, history)[username]?.state;
    if (found === undefined) return assert.is(history.length, 0);
    const { revision, position, ...seen } = found;
    assert.equal(seen, { ...state, username });
    const newest = envelopeOf(history.at(-1) as ClientEvent, history.length - 1);
    assert.equal([revision, position], [newest.revision, newest.position]);
  });
test('access is due while there is an end to come', () => {
  const ending = the.granted({ rights: { ...the.rights, expiresAt: the.later } });
  const dueAt = (...history: readonly ClientEvent[]) => {
    const found = rowsAfter(clients, history)[username];
    return found && columnsOf(clients, found).dueAt;
  };
  assert.is(dueAt(the.requested(), ending), the.later);
  assert.is(dueAt(the.requested(), ending, the.suspended), the.later);
  assert.is(dueAt(the.requested(), ending, the.ended), null);
  assert.is(dueAt(the.requested(), the.granted()), null);
  assert.is(dueAt(the.requested()), null);
});

test.run();
