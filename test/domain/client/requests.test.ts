/** How requests that wait are answered, once and again. */

import { client, credentialIdsOf, noRights, sameRights } from '../../../domain/client/client.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import type { Client } from '../../../domain/client/state.ts';
import * as the from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('client requests');
const given = scenario(client);
const after = (...history: readonly ClientEvent[]): Client =>
  history.reduce(client.evolve, client.initial);
const { challenger } = the;

const theirs = { requestId: challenger.requestId };

// ── Grants ────────────────────────────────────────────────────────────────────────────────────────

test('what a grant leaves out is none', () =>
  given(the.requested())
    .when(the.grant({ rights: {} }))
    .thenRecorded(the.granted({ rights: noRights })));
test('in a replacement it is as it was', () =>
  given(...the.histories['active, challenged'])
    .when(the.grant({ ...theirs, rights: { mqttPublishPrefix: 'hall/' } }))
    .thenRecorded(
      the.replacementGranted({ rights: { ...the.rights, mqttPublishPrefix: 'hall/' } }),
    ));
test('what was changed since is what a replacement keeps', () =>
  given(the.requested(), the.granted(), the.changedTo(the.otherRights), the.replacementRequested())
    .when(the.grant({ ...theirs, rights: {} }))
    .thenRecorded(the.replacementGranted({ rights: the.otherRights })));
test('null takes away what a replacement would keep', () =>
  given(the.requested(), the.granted({ rights: the.otherRights }), the.replacementRequested())
    .when(the.grant({ ...theirs, rights: { mqttPublishPrefix: null } }))
    .thenRecorded(
      the.replacementGranted({ rights: { ...the.otherRights, mqttPublishPrefix: null } }),
    ));
test('a contested request is granted with a confirmation', () => {
  given(...the.histories['pending, contested'])
    .when(the.grant({ confirmContested: true }))
    .thenRecorded(the.granted());
  given(...the.histories['active, challenger contested'])
    .when(the.grant({ ...theirs, confirmContested: true }))
    .thenRecorded(the.replacementGranted());
});
test('in bulk no confirmation helps', () =>
  given(...the.histories['pending, contested'])
    .when(the.grant({ confirmContested: true, inBulk: true }))
    .thenRefused('request-contested'));
test('in bulk a request that nobody contests is granted', () =>
  given(the.requested())
    .when(the.grant({ inBulk: true }))
    .thenRecorded(the.granted()));
test('in bulk a replacement is left alone', () =>
  given(...the.histories['active, challenged'])
    .when(the.grant({ ...theirs, inBulk: true }))
    .thenRefused('replacement-not-in-bulk'));
test('a name that holds HTTP rights takes no replacement', () =>
  given(...the.histories['active, challenged'])
    .when(the.grant({ ...theirs, holdsHttpRights: true }))
    .thenRefused('request-already-denied'));
test('a request that waited too long is not granted, though nobody recorded its end', () => {
  given(the.requested())
    .when(the.grant({ at: the.due }))
    .thenRefused('request-expired');
  given(...the.histories['active, challenged'])
    .when(the.grant({ ...theirs, at: the.due }))
    .thenRefused('request-expired');
});
test('a grant works while locked, and names the window it was asked in', () =>
  given(the.requested({ windowId: the.nextWindow }))
    .when(the.grant())
    .thenRecorded(the.granted({ windowId: the.nextWindow })));

const again = (rights: Partial<typeof noRights>, ...history: readonly ClientEvent[]) =>
  given(the.requested(), the.granted(), ...history).when(the.grant({ rights }));
test('a grant again, with the same rights or none, records nothing', () => {
  again({}).thenNothing();
  again({ roles: ['press'], permissions: [the.plant] }).thenNothing();
  again({ ...the.rights, mqttClientId: null }).thenNothing();
});
test('a grant again with other rights is refused', () => {
  again({ roles: ['oven'] }).thenRefused('request-already-granted');
  again({ ...the.rights, mqttPublishPrefix: 'hall/' }).thenRefused('request-already-granted');
  again({ ...the.rights, expiresAt: the.afterwards }).thenRefused('request-already-granted');
});
test('what is left out of a grant again is none too, so a part is other rights', () => {
  again({ roles: ['press'] }).thenRefused('request-already-granted');
  again({ permissions: [the.plant] }).thenRefused('request-already-granted');
});
test('after a change the rights of the grant and those of now both count as the same', () => {
  again(the.rights, the.changedTo(the.otherRights)).thenNothing();
  again(the.otherRights, the.changedTo(the.otherRights)).thenNothing();
  again({ roles: ['third'] }, the.changedTo(the.otherRights)).thenRefused(
    'request-already-granted',
  );
});
test('a replacement granted again counts from the rights of before', () => {
  const replaced = [
    ...the.histories['active, challenged'],
    the.replacementGranted({ rights: { ...the.rights, mqttPublishPrefix: 'hall/' } }),
  ];
  given(...replaced)
    .when(the.grant({ ...theirs, rights: { mqttPublishPrefix: 'hall/' } }))
    .thenNothing();
  given(...replaced)
    .when(the.grant({ ...theirs, rights: { roles: ['press'] } }))
    .thenRefused('request-already-granted');
});
test('a request that was granted and replaced since is not granted again', () =>
  given(...the.histories['active, challenged'], the.replacementGranted())
    .when(the.grant())
    .thenRefused('user-not-active'));
test('the order of roles and permissions is no difference', () =>
  assert.ok(
    sameRights(
      { ...the.rights, roles: ['a', 'b'] },
      { ...the.rights, roles: ['b', 'a'], permissions: [the.plant, the.plant] },
    ),
  ));
test('every field of rights is one', () => {
  const other: typeof noRights = {
    roles: ['x'],
    permissions: [{ ...the.plant, operation: 'read' }],
    mqttPublishPrefix: 'x',
    mqttClientId: 'x',
    expiresAt: the.due,
  };
  for (const name of Object.keys(other) as (keyof typeof other)[])
    assert.not.ok(sameRights(the.rights, { ...the.rights, [name]: other[name] }), name);
});

// ── Denials and ends ──────────────────────────────────────────────────────────────────────────────

test('a denial again in other words is refused', () => {
  given(...the.histories.denied)
    .when(the.deny({ reason: null }))
    .thenRefused('request-already-denied');
  given(...the.histories.denied)
    .when(the.deny({ blockedUntil: the.due }))
    .thenRefused('request-already-denied');
});
test('a denial again in a later window is the same denial', () =>
  given(...the.histories.denied)
    .when(the.deny({ windowId: the.nextWindow }))
    .thenNothing());
test('nobody’s waiting ends before its time', () => {
  const early = '2026-01-02T09:59:59.999Z';
  given(the.requested())
    .when(the.lapse({ at: early }))
    .thenNothing();
  given(...the.histories['active, challenged'])
    .when(the.lapse({ ...theirs, at: early }))
    .thenNothing();
});
test('a replaced client has the new credential only', () => {
  const now = after(...the.histories['active, challenged'], the.replacementGranted());
  assert.equal(credentialIdsOf(now), [challenger.credentialId]);
});
test('a denied challenger leaves the client as it was', () => {
  const before = after(...the.histories.active);
  const now = after(...the.histories['active, challenger denied']);
  assert.equal({ ...now, denial: null, decided: {} }, { ...before, denial: null, decided: {} });
});

test.run();
