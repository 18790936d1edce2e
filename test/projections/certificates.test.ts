/** Which certificates the list of revoked ones names: every unexpired one that is not current or next. */

import type { ClientEvent } from '../../domain/client/events.ts';
import { type CertificatesRow, certificates } from '../../projections/certificates.ts';
import * as the from '../support/client.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('projection of certificates');
const { type: _, ...issue } = the.issue();
const issued = (digit: string, over: object = {}): ClientEvent => ({
  type: 'CertificateIssued',
  data: { ...issue, serial: digit.repeat(32), ...over },
});
const taken = (digit: string): ClientEvent => {
  const { username, credentialId, at, by } = issue;
  return {
    type: 'CertificateTaken',
    data: { username, credentialId, serial: digit.repeat(32), at, by },
  };
};
const after = (...events: readonly ClientEvent[]) =>
  events.reduce<CertificatesRow | undefined>(
    (row, event) => certificates.evolve(row, event, {} as never),
    undefined,
  );
/** First digits of the serials that are revoked. */
const revokedAfter = (...events: readonly ClientEvent[]) =>
  (after(...events)?.certificates ?? [])
    .filter(({ revokedAt }) => revokedAt !== null)
    .map(({ serial }) => serial[0])
    .join('');

test('current and next are good; another next revokes the one before', () => {
  assert.is(revokedAfter(issued('1'), issued('2')), '');
  assert.is(revokedAfter(issued('1'), issued('2'), issued('3')), '2');
});
test('the next one taken revokes the one before', () => {
  assert.is(revokedAfter(issued('1'), issued('2'), taken('2')), '1');
  assert.is(revokedAfter(issued('1'), issued('2'), taken('2'), issued('3'), taken('3')), '12');
});
test('revocation, erasure, rotation and replacement revoke both; reinstatement brings none back', () => {
  const both = [issued('1'), issued('2')];
  for (const end of [the.revoked, the.erased, the.rotated, the.ended])
    assert.is(revokedAfter(...both, end), '12', end.type);
  assert.is(revokedAfter(...both, the.revoked, the.reinstated, the.erased), '12');
  assert.is(revokedAfter(...both, the.rotated, issued('3'), issued('4')), '12');
});
test('suspension holds, and revokes none', () => {
  assert.is(revokedAfter(issued('1'), the.suspended), '');
  assert.is(after(issued('1'), the.suspended)?.heldAt, issue.at);
  assert.is(after(issued('1'), the.suspended, the.resumed)?.heldAt, null);
});
test('after an ended one the new one is current, and the next stays next', () => {
  const late = { at: issue.notAfter, notAfter: '2030-01-01T00:00:00.000Z' };
  const lasting = { notAfter: '2029-01-01T00:00:00.000Z' };
  const row = after(issued('1'), issued('2', lasting), issued('3', late));
  assert.equal([row?.current, row?.next], ['3'.repeat(32), '2'.repeat(32)]);
  assert.is(revokedAfter(issued('1'), issued('2', lasting), issued('3', late), taken('2')), '3');
});

test.run();
