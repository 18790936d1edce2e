/** A client's key and its certificate: which key gets one, once, and what ends it. */

import { client } from '../../../domain/client/client.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import { type Client, credentialsOf } from '../../../domain/client/state.ts';
import * as the from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('certificates of a client');
const given = scenario(client);
const after = (...history: readonly ClientEvent[]): Client =>
  history.reduce(client.evolve, client.initial);

const csr = the.clientKey();
const { type: _, ...issue } = the.issue();
const issued: ClientEvent = { type: 'CertificateIssued', data: issue };
const asked = [the.requested({ csr }), the.granted()];
const withPassword = the.histories.active;
const matched = the.first.credentialId;

test('who asks with a CSR is recorded with its key', () =>
  given()
    .when(the.knock({ csr }))
    .thenRecorded(the.requested({ ...the.stranger, csr })));
test('a granted key gets its certificate, once', () => {
  given(...asked)
    .when(the.issue())
    .thenRecorded(issued);
  given(...asked, issued)
    .when(the.issue({ serial: '5'.repeat(32) }))
    .thenNothing();
});
test('another key than the granted one gets none', () =>
  given(...asked)
    .when(the.issue({ csr: the.clientKey('b') }))
    .thenRefused('user-not-active'));
test('a client with a password takes a key, once, and its password opens as before', () => {
  given(...withPassword)
    .when(the.issue())
    .thenRecorded(issued);
  const now = after(...withPassword, issued);
  assert.is(now.status === 'active' && now.passwordOpens, true);
  given(...withPassword, issued)
    .when(the.issue({ csr: the.clientKey('b') }))
    .thenNothing();
});
test('the password beside a granted key opens nothing', () => {
  const now = after(...asked);
  assert.is(now.status === 'active' && now.passwordOpens, false);
});
test('nobody but the active holder of the credential gets one', () => {
  given(...asked)
    .when(the.issue({ credentialId: the.stranger.credentialId }))
    .thenRefused('user-not-active');
  for (const state of ['pending', 'suspended', 'revoked', 'expired', 'denied', 'erased'] as const)
    given(...the.histories[state])
      .when(the.issue())
      .thenRefused('user-not-active');
  given().when(the.issue()).thenRefused('user-not-found');
});
test('suspension keeps key and certificate; rotation ends them', () => {
  const before = after(...asked, issued);
  const back = after(...asked, issued, the.suspended, the.resumed);
  assert.equal(back.status === 'active' && back.certificate, {
    ...{ serial: issue.serial, notAfter: issue.notAfter, certificate: issue.certificate },
    issuedAt: issue.at,
  });
  assert.equal(back.status === 'active' && back.key, before.status === 'active' && before.key);
  const rotated = after(...asked, issued, the.rotated);
  assert.equal(
    rotated.status === 'active' && [rotated.key, rotated.certificate, rotated.passwordOpens],
    [null, null, true],
  );
});
test('the key still tells its owner of a refusal', () => {
  for (const end of [the.revoked, the.suspended])
    assert.equal(
      credentialsOf(after(...asked, issued, end)).map(({ keyFingerprint }) => keyFingerprint),
      [csr.fingerprint],
    );
  given(...asked, the.revoked)
    .when(the.knock({ matched, csr, gate: 'locked' }))
    .thenRefused('access-revoked');
});

const serials = { current: issue.serial, next: '5'.repeat(32), other: '6'.repeat(32) };
const other = the.clientKey('b');
const renew = (over: object = {}) => {
  const { credentialId: _id, ...command } = the.issue({ serial: serials.next, csr: other });
  return { ...command, type: 'RenewCertificate' as const, shown: serials.current, ...over };
};
const { shown: _s, ...renewal } = renew();
const renewed = {
  type: 'CertificateIssued',
  data: { ...issue, serial: serials.next, csr: other },
} as const satisfies ClientEvent;
const caused = { username: issue.username, at: renewal.at, by: renewal.by };
const { credentialId } = issue;
const take = (serial: string) => ({ type: 'TakeCertificate' as const, ...caused, serial });
const contest = (serial: string) => ({ type: 'ContestCertificate' as const, ...caused, serial });
const takenNext: ClientEvent = {
  type: 'CertificateTaken',
  data: { ...caused, credentialId, serial: serials.next },
};
const twoHeld = [...asked, issued, renewed];
const activeAfter = (...history: readonly ClientEvent[]) => {
  const state = after(...history);
  if (state.status !== 'active') throw new Error(`it is ${state.status}`);
  return state;
};

test('the certificate in hand authorises a next one; the same key gets that one again, another ends it', () => {
  given(...asked, issued)
    .when(renew())
    .thenRecorded(renewed);
  given(...twoHeld)
    .when(renew({ serial: serials.other }))
    .thenNothing();
  const another = {
    ...renewed,
    data: { ...renewed.data, serial: serials.other, csr: the.clientKey('c') },
  };
  given(...twoHeld)
    .when(renew({ serial: serials.other, csr: the.clientKey('c') }))
    .thenRecorded(another);
  const state = activeAfter(...twoHeld, another);
  assert.is(state.certificate?.serial, serials.current);
  assert.is(state.next?.serial, serials.other);
});
test('nothing but the current certificate authorises one', () => {
  for (const shown of [serials.next, serials.other])
    given(...twoHeld)
      .when(renew({ shown }))
      .thenRefused('user-not-active');
  given(...twoHeld)
    .when(renew({ at: issue.notAfter, csr: the.clientKey('c') }))
    .thenRefused('user-not-active');
  given(...asked)
    .when(renew())
    .thenRefused('user-not-active');
  for (const end of [the.suspended, the.revoked, the.rotated, the.erased])
    given(...twoHeld, end)
      .when(renew())
      .thenRefused('user-not-active');
});
test('the first use of the next one takes the place of the current one, once', () => {
  given(...twoHeld)
    .when(take(serials.next))
    .thenRecorded(takenNext);
  given(...twoHeld, takenNext)
    .when(take(serials.next))
    .thenNothing();
  given(...twoHeld)
    .when(take(serials.current))
    .thenNothing();
  for (const serial of [serials.other, serials.current])
    given(...twoHeld, takenNext)
      .when(take(serial))
      .thenRefused('user-not-active');
  const { certificate, key, next } = activeAfter(...twoHeld, takenNext);
  assert.equal([certificate?.serial, key, next], [serials.next, other, null]);
});
test('the old one shown later is a conflict, told once', () => {
  const contested: ClientEvent = {
    type: 'CertificateContested',
    data: { ...caused, serial: serials.current },
  };
  given(...twoHeld, takenNext)
    .when(contest(serials.current))
    .thenRecorded(contested);
  given(...twoHeld, takenNext, contested)
    .when(contest(serials.current))
    .thenNothing();
  for (const serial of [serials.next, serials.other])
    given(...twoHeld, takenNext)
      .when(contest(serial))
      .thenNothing();
});
test('suspension keeps a next one; rotation, replacement and reinstatement bring none back', () => {
  assert.is(activeAfter(...twoHeld, the.suspended, the.resumed).next?.serial, serials.next);
  const { certificate, next, replaced } = activeAfter(...twoHeld, takenNext, the.rotated);
  assert.equal([certificate, next, replaced], [null, null, []]);
  given(...twoHeld, the.revoked, the.reinstated)
    .when(take(serials.next))
    .thenRefused('user-not-active');
});
test('one that has ended is issued anew for the same key alone', () => {
  const at = issue.notAfter;
  const late = { at, serial: serials.other, notAfter: '2030-01-01T00:00:00.000Z' };
  given(...asked, issued)
    .when(the.issue({ ...late, csr: other }))
    .thenRefused('user-not-active');
  const again = { type: 'CertificateIssued', data: { ...issue, ...late } } as const;
  given(...asked, issued)
    .when(the.issue(late))
    .thenRecorded(again);
  const { certificate, next } = activeAfter(...asked, issued, again);
  assert.equal([certificate?.serial, next], [serials.other, null]);
});

test.run();
