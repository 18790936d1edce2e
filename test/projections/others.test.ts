/** The smaller read models: roles, tokens, activations and history. */

import { system } from '../../domain/values.ts';
import { activations } from '../../projections/activations.ts';
import { type HistoryRow, history } from '../../projections/history.ts';
import type { Envelope, Projection } from '../../projections/projection.ts';
import { roles } from '../../projections/roles.ts';
import { tokens } from '../../projections/tokens.ts';
import { allProjections } from '../../src/read-models/all.ts';
import * as the from '../support/client.ts';
import { columnsOf, envelopeOf, rowsAfter, storedInPart } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('roles, tokens, activations, history');

const { at, later, due, username, ada } = the;

const defined = (over: object = {}) => ({
  type: 'RoleDefined',
  data: { name: 'press', permissions: [the.plant], description: 'Presses', at, by: ada, ...over },
});
const removed = { type: 'RoleRemoved', data: { name: 'press', at, by: ada } };

test('a role as it was last defined', () => {
  const row = { name: 'press', description: 'Presses', permissions: [the.plant], changedAt: at };
  assert.equal(rowsAfter(roles, [defined()]), { press: { ...row, revision: 0 } });
  assert.equal(
    rowsAfter(roles, [defined(), defined({ permissions: [], description: null, at: later })]),
    {
      press: { ...row, permissions: [], description: null, changedAt: later, revision: 1 },
    },
  );
});
test('a removed role is gone, and may come back', () => {
  assert.equal(rowsAfter(roles, [defined(), removed]), {});
  assert.is(rowsAfter(roles, [defined(), removed, defined({ at: later })]).press?.changedAt, later);
});

const tokenId = the.id(31);
const issued = {
  type: 'TokenIssued',
  data: {
    tokenId,
    username,
    label: 'backup',
    kind: 'named',
    expiresAt: due,
    generation: 1,
    loginGeneration: 2,
    at,
    by: ada,
  },
};
const tokenRow = {
  ...{ tokenId, username, label: 'backup', kind: 'named' as const, issuedAt: at, issuedBy: 'ada' },
  ...{ expiresAt: due, revokedAt: null, generation: 1, loginGeneration: 2, httpLimit: null },
};
test('a token, and when it was revoked', () => {
  assert.equal(rowsAfter(tokens, [issued]), { [tokenId]: tokenRow });
  const unrevoked = `named ${username}`;
  assert.equal(columnsOf(tokens, tokenRow), { username, expiresAt: due, unrevoked });
  const revoked = { type: 'TokenRevoked', data: { tokenId, username, at: later, by: ada } };
  const row = { ...tokenRow, revokedAt: later };
  assert.equal(rowsAfter(tokens, [issued, revoked]), { [tokenId]: row });
  assert.equal(columnsOf(tokens, row), { username, expiresAt: null, unrevoked: null });
});

const acknowledged = (type: string, broker: string, credentialId: string, when: string) => ({
  type,
  data: {
    ...{ username, broker, credentialId, at: when, by: system },
    ...(type === 'CredentialDeactivated' ? { sessionsClosed: 0 } : {}),
  },
});
test('what each broker acknowledged last', () => {
  const events = [
    acknowledged('CredentialActivated', 'embedded', the.id(21), at),
    acknowledged('CredentialActivated', 'emqx', the.id(21), at),
    acknowledged('CredentialDeactivated', 'embedded', the.id(21), later),
  ];
  assert.equal(rowsAfter(activations, events), {
    [username]: {
      username,
      brokers: {
        embedded: { active: false, credentialId: the.id(21), at: later },
        emqx: { active: true, credentialId: the.id(21), at },
      },
    },
  });
});

test('every event has its line in the history', () => {
  const events = [the.requested(), defined(), issued];
  const rows = Object.values(rowsAfter(history, events, storedInPart));
  assert.is(rows.length, 3);
  const [asked, role, token] = rows;
  const { index, position, stream, revision, eventId, metadata } = envelopeOf(the.requested(), 0);
  assert.equal(asked, {
    ...{ index, position, stream, revision, eventId, ...metadata },
    type: 'RegistrationRequested',
    at,
    actor: the.device,
    username,
    windowId: the.firstWindow,
    data: the.requested().data,
  });
  assert.equal([role?.username, role?.windowId, token?.username], [null, null, username]);
  assert.equal(asked && columnsOf(history, asked), {
    ...{ username, windowId: the.firstWindow, actor: username, type: 'RegistrationRequested', at },
    words: the.requested().data.pairingId,
    activity: `requested ${the.requested().data.at}`,
  });
  const wordsOf = (row: HistoryRow | undefined) => row && columnsOf(history, row).words;
  assert.equal([wordsOf(role), wordsOf(token)], ['press\nPresses', 'backup']);
  const limits = { maxRequests: 1, usernamePattern: null, sources: [], note: 'line 4' };
  const opened = role && { ...role, data: { limits } };
  assert.equal([wordsOf(opened), wordsOf(role && { ...role, data: {} })], ['line 4', null]);
});
test('the history keeps what was stored, with keys that this version does not know', () => {
  const stored = { ...the.requested().data, since: 'a later version' };
  const envelope: Envelope = envelopeOf({ type: 'RegistrationRequested', data: stored }, 0);
  const event = history.Event.parse({
    type: 'RegistrationRequested',
    data: { ...stored, extra: 1 },
  });
  assert.equal(history.evolve(undefined, event, envelope)?.data, stored);
});
test('an event without a time or an actor stops it', () => {
  const { at: _, ...data } = the.requested().data;
  assert.throws(() => history.Event.parse({ type: 'X', data }));
});

test('names and columns can name tables', () => {
  const names = (allProjections as readonly Projection<unknown>[]).map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  for (const { name, version, columns } of allProjections as readonly Projection<unknown>[]) {
    assert.match(name, /^[a-zA-Z]+$/);
    assert.ok(Number.isInteger(version) && version > 0);
    for (const column of Object.keys(columns)) assert.match(column, /^[a-zA-Z]+$/);
  }
});
test('a broken event stops whoever reads its category', () => {
  const broken = { type: 'RegistrationRequested', data: { at, by: ada } };
  for (const projection of allProjections as readonly Projection<unknown>[])
    if (projection.reads.includes('client') && projection.name !== 'history')
      assert.throws(() => projection.Event.parse(broken), projection.name);
});

test.run();
