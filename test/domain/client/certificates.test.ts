/** A client's key and its certificate: which key gets one, once, and what ends it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { client } from '../../../domain/client/client.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import { type Client, credentialsOf } from '../../../domain/client/state.ts';
import * as the from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';

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

test.run();
