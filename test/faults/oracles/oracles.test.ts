/** The trials of faults find what they are for: a planted violation of every kind, and none where there is none. */
import { randomUUID } from 'node:crypto';
import { backupBytes, smallLog } from '../../support/backups.ts';
import { assert, suite } from '../../support/suite.ts';
import { compared, Ledger } from '../ledger.ts';
import type { Act, NameState } from '../model/name-model.ts';
import { driftFaults, isAsTheLogSays } from './broker.ts';
import { type CertificatesSeen, certificateFaults } from './certificates.ts';
import { type ApprovalSeen, approvalFaults, backupFaults, ruleFaults } from './deeds.ts';
import { logFaults, orphansAmong, rootOf } from './log.ts';
import { receiverFaults, type ToldReceiver } from './receiver.ts';

const test = suite('oracles of faults');
const finds = (violations: readonly string[], what: RegExp) => {
  assert.is(violations.length, 1, violations.join('; '));
  assert.match(violations[0] ?? '', what);
};

// ── kill, store, machine, model: what was acknowledged ────────────────────────────────────────────

const register: Act = { kind: 'register' };
const grant: Act = { kind: 'grant', request: 'r1' };

/** A registry's log as a copy, from which events can be missing: the last one of each name is what it says. */
const registryOf = (log: readonly (readonly [string, NameState['status']])[]) => ({
  async call(_method: string, path: string) {
    const last = log.findLast(([username]) => path === `/api/users/${username}`)?.[1];
    return { status: last === undefined ? 404 : 200, body: { status: last ?? 'unknown' } };
  },
});
const history = [
  ['one', 'pending'],
  ['one', 'active'],
  ['two', 'pending'],
] as const;

async function lookedAt(log: readonly (readonly [string, NameState['status']])[]) {
  const ledger = new Ledger();
  const [one, two] = [ledger.add('one', 'x'), ledger.add('two', 'x')];
  ledger.note(one, register, { status: 202, request: 'r1' });
  ledger.note(one, grant, { status: 200 });
  ledger.note(two, register, { status: 202, request: 'r2' });
  await compared(registryOf(log), '', ledger);
  return ledger.violations;
}

test('an acknowledged grant that is no more in the log', async () => {
  assert.equal(await lookedAt(history), []);
  finds(await lookedAt(history.filter(([, status]) => status !== 'active')), /^one is pending/);
});

test('an acknowledged request that is no more in the log', async () =>
  finds(await lookedAt(history.filter(([name]) => name !== 'two')), /^two is unknown/));

test('what nobody acknowledged is found as well: it was done for nobody', async () =>
  finds(await lookedAt([...history, ['two', 'revoked']]), /^two is revoked/));

test('an answer that no model gives', () => {
  const ledger = new Ledger();
  const one = ledger.add('one', 'x');
  ledger.note(one, register, { status: 202, request: 'r1' });
  ledger.note(one, register, { status: 201 });
  finds(ledger.violations, /^one: register answered/);
});

test('an answer that nobody heard may be either, and no third', async () => {
  for (const [status, violations] of [
    ['pending', 0],
    ['active', 0],
    ['denied', 1],
  ] as const) {
    const ledger = new Ledger();
    const one = ledger.add('one', 'x');
    ledger.note(one, register, { status: 202, request: 'r1' });
    ledger.note(one, grant, null);
    await compared(registryOf([['one', status]]), '', ledger);
    assert.is(ledger.violations.length, violations, status);
  }
});

// ── the log and its vault ─────────────────────────────────────────────────────────────────────────

const lines = Array.from({ length: 7 }, (_, index) =>
  JSON.stringify({ index, eventId: randomUUID(), type: 'RegistrationRequested' }),
);
const checkpoint = ['gatebook/1', lines.length, rootOf(lines), '', '— signed'].join('\n');

test('an event that is gone, changed, moved, or there twice', () => {
  assert.equal(logFaults(checkpoint, lines), []);
  assert.equal(logFaults(checkpoint, [...lines, '{"eventId":"later"}']), []);
  finds(logFaults(checkpoint, lines.slice(0, -1)), /^root/);
  finds(logFaults(checkpoint, lines.toSpliced(3, 1)), /^root/);
  finds(
    logFaults(checkpoint, lines.with(2, (lines[2] ?? '').replace('Requested', 'Denied'))),
    /^root/,
  );
  finds(logFaults(checkpoint, lines.with(1, lines[2] ?? '').with(2, lines[1] ?? '')), /^root/);
  finds(logFaults(checkpoint, [...lines, lines[4] ?? '']), /was written twice$/);
});

test('a secret that no event names', () => {
  const [named, alone] = [randomUUID(), randomUUID()];
  const kept = new Map([[`vault-${named}`, 'verifier']]);
  const events = [{ credential: { credentialId: named } }];
  assert.equal(orphansAmong(kept, events), []);
  finds(orphansAmong(kept.set(`vault-${alone}`, 'verifier'), events), /named by no event$/);
});

// ── kill-deeds ────────────────────────────────────────────────────────────────────────────────────

type Granted = NonNullable<CertificatesSeen['granted']>;
const granted: Granted = {
  ...{ status: 'active', held: ['b'], isRevoked: (serial) => serial === 'a' },
  again: { status: 201, serial: 'b' },
};
const certificates = (over: Partial<CertificatesSeen>, more: Partial<Granted> = {}) =>
  certificateFaults({
    ...{ username: 'press', given: ['a', 'b'], issued: ['a', 'b'], ...over },
    granted: { ...granted, ...more },
  });

test('a certificate that nobody knows of', () => {
  assert.equal(certificates({}), []);
  finds(certificates({ given: ['a', 'b', 'c'] }), /was given c, which the log does not name/);
  finds(
    certificateFaults({ username: 'press', given: ['c'], issued: [], granted: null }),
    /was given c/,
  );
  finds(certificates({ issued: ['a'], given: ['a'] }), /holds b, which the log does not name/);
});

test('a certificate that is over and on no list, one too many, none at all', () => {
  finds(certificates({}, { isRevoked: () => false }), /: a is neither held nor on the list/);
  finds(
    certificates({ issued: ['a', 'b', 'c', 'd'] }, { held: ['b', 'c', 'd'] }),
    /holds 3 certificates/,
  );
  finds(certificates({}, { status: 'pending' }), /was granted, and is pending/);
  finds(certificates({}, { again: { status: 202, serial: null } }), /is told 202/);
  finds(certificates({}, { again: { status: 201, serial: 'x' } }), /is told 201/);
});

test('two who approved, and a device that still waits; one who did, and a device that is in', () => {
  const seen: ApprovalSeen = {
    ...{ username: 'press', proposalId: 'p', isApproved: true, proposal: 'approved', door: 201 },
  };
  assert.equal(approvalFaults(seen), []);
  finds(approvalFaults({ ...seen, door: 202 }), /was granted by two, and is told 202/);
  finds(approvalFaults({ ...seen, proposal: 'waiting' }), /the proposal waiting/);
  finds(approvalFaults({ ...seen, proposal: null }), /is not there/);
  const waits = { ...seen, isApproved: false, proposal: 'waiting', door: 202 };
  assert.equal(approvalFaults(waits), []);
  assert.equal(approvalFaults({ ...seen, isApproved: false }), [], 'nobody heard of it');
  finds(approvalFaults({ ...waits, door: 201 }), /waits for two, and is told 201/);
});

test('a rule that is gone, or lost its code', () => {
  assert.equal(ruleFaults('r', 200, { hasEnrolmentCode: true }), []);
  finds(ruleFaults('r', 404, {}), /is told 404/);
  finds(ruleFaults('r', 200, { hasEnrolmentCode: false }), /is told 200/);
});

test('a backup that is not whole, and one that broke off and could be taken for it', async () => {
  const bytes = await backupBytes(await smallLog(5));
  assert.equal(await backupFaults(bytes, true), []);
  assert.equal(await backupFaults(bytes.subarray(0, -20), false), []);
  finds(await backupFaults(bytes.subarray(0, -20), true), /is not read/);
  finds(await backupFaults(bytes, false), /broke off is taken for whole/);
});

// ── brokers ───────────────────────────────────────────────────────────────────────────────────────

test('an account that was left in the broker, and one that is missing', () => {
  assert.equal(
    [isAsTheLogSays('active', 0), isAsTheLogSays('revoked', 5), isAsTheLogSays('unknown', 4)],
    [true, true, true],
  );
  assert.equal(
    [isAsTheLogSays('revoked', 0), isAsTheLogSays('unknown', 0), isAsTheLogSays('active', 5)],
    [false, false, false],
  );
  for (const code of [-1, 3]) assert.is(isAsTheLogSays('revoked', code), null);
  assert.equal(driftFaults({ drift: [] }), []);
  finds(driftFaults({ drift: [{ username: 'left', difference: 'unknown-account' }] }), /left/);
  finds(driftFaults({}), /differs/);
});

// ── receivers ─────────────────────────────────────────────────────────────────────────────────────

const told = (over: Partial<ToldReceiver>) =>
  receiverFaults({
    ...{ happened: ['a', 'b', 'c'], told: ['a', 'b', 'c'] },
    ...{ timesById: new Map([['1', 1]]), elsewhere: 0, putAside: 0 },
    ...over,
  });

test('a notification that is lost, out of order, told twice, invented, or told somebody else', () => {
  assert.equal(told({}), []);
  finds(told({ told: ['a', 'c'] }), /^never told: b$/);
  finds(told({ told: ['b', 'a', 'c'] }), /^told out of order: b before a$/);
  finds(told({ timesById: new Map([['1', 2]]) }), /^taken, and told again: 1$/);
  finds(told({ told: ['a', 'b', 'b', 'c'] }), /^told twice: b$/);
  finds(told({ told: ['a', 'b', 'c', 'x'] }), /never happened: x$/);
  finds(told({ elsewhere: 1 }), /went where it was led/);
  finds(told({ putAside: 2 }), /put aside/);
});

test.run();
