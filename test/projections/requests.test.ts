import type { ClientEvent } from '../../domain/client/events.ts';
import { type RequestRow, requests } from '../../projections/requests.ts';
import * as the from '../support/client.ts';
import { columnsOf, rowsAfter } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('requests');

const { first, challenger } = the;
const rows = (...history: readonly ClientEvent[]) => rowsAfter(requests, history);
const row = (...history: readonly ClientEvent[]) => rows(...history)[first.requestId] as RequestRow;

const asked: RequestRow = {
  requestId: first.requestId,
  username: the.username,
  status: 'pending',
  kind: 'new',
  flow: 'explicit',
  door: 'rest',
  pairingId: '00ff00',
  windowId: the.firstWindow,
  requestedAt: the.at,
  expiresAt: the.due,
  source: 'sealed-source',
  clientId: null,
  context: 'sealed-context',
  requestedRoles: ['press'],
  csr: null,
  requestedPermissions: [the.plant],
  credentialId: first.credentialId,
  conflictCount: 0,
  decision: null,
};
const decided = {
  ...{ roles: [], permissions: [], mqttPublishPrefix: null, mqttClientId: null, expiresAt: null },
  by: 'ada',
  at: the.at,
  reason: null,
  blockedUntil: null,
  preauthorizationId: null,
};

test('a request waits', () => assert.equal(rows(the.requested()), { [first.requestId]: asked }));
test('a request by MQTT has a client id and no pairing ID', () => {
  const found = row(
    the.requested({ flow: 'implicit', pairingId: null, clientId: 'sealed-client' }),
  );
  assert.equal(
    [found.flow, found.door, found.pairingId, found.clientId],
    ['implicit', 'mqtt', null, 'sealed-client'],
  );
});
test('a request by EST says so', () => {
  const { flow, door } = row(the.requested({ door: 'est' }));
  assert.equal([flow, door], ['explicit', 'est']);
});
test('a granted one says what was given', () =>
  assert.equal(row(the.requested(), the.granted({ reason: 'welcome' })), {
    ...asked,
    status: 'granted',
    decision: { ...decided, ...the.rights, reason: 'welcome' },
  }));
test('a denied one says why, and until when', () =>
  assert.equal(row(the.requested(), the.denied({ blockedUntil: the.due })), {
    ...asked,
    status: 'denied',
    decision: { ...decided, reason: 'not ours', blockedUntil: the.due },
  }));
test('one that waited too long expires without a decision', () =>
  assert.equal(row(the.requested(), the.lapsed), { ...asked, status: 'expired' }));
test('a contest counts once for each window', () => {
  assert.is(row(the.requested(), the.contested()).conflictCount, 1);
  const again = the.contested({ windowId: the.nextWindow });
  assert.is(row(the.requested(), the.contested(), again).conflictCount, 2);
});

const challenged = the.histories['active, challenged'];
test('a replacement is a request of its own', () => {
  const found = rows(...challenged);
  assert.is(found[first.requestId]?.status, 'granted');
  assert.equal(found[challenger.requestId], { ...asked, ...challenger, kind: 'replacement' });
});
test('its contest does not touch the request that was granted', () => {
  const found = rows(...the.histories['active, challenger contested']);
  assert.is(found[first.requestId]?.conflictCount, 0);
  assert.is(found[challenger.requestId]?.conflictCount, 1);
});
for (const [end, status] of [
  [the.replacementGranted(), 'granted'],
  [the.replacementDenied(), 'denied'],
  [the.replacementLapsed, 'expired'],
] as const)
  test(`${end.type}: ${status}`, () => {
    const found = rows(...challenged, end);
    assert.is(found[challenger.requestId]?.status, status);
    assert.is(found[first.requestId]?.status, 'granted', 'the first request stays as it was');
  });
test('what becomes of the access changes no request', () => {
  const before = rows(...the.histories.active);
  for (const more of [
    the.suspended,
    the.revoked,
    the.rotated,
    the.ended,
    the.changedTo(the.otherRights),
  ])
    assert.equal(rows(...the.histories.active, more), before);
});
test('a creation is no request', () => assert.equal(rows(the.created()), {}));
test('a decision about a request that is not there makes none', () =>
  assert.equal(rows(the.granted(), the.denied(), the.lapsed, the.contested()), {}));

test('it is due while it waits, and found by name, status and pairing ID', () => {
  const columns = { username: the.username, pairingId: '00ff00' };
  assert.equal(columnsOf(requests, asked), { ...columns, status: 'pending', dueAt: the.due });
  for (const end of [the.granted(), the.denied(), the.lapsed])
    assert.is(columnsOf(requests, row(the.requested(), end)).dueAt, null, end.type);
});

test.run();
