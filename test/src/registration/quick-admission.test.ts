import { initial } from '../../../domain/client/state.ts';
import type { OfferedPassword } from '../../../src/credentials/passwords/proofs.ts';
import type { DoorAttempt } from '../../../src/registration/door-attempt.ts';
import { createQuickAdmission } from '../../../src/registration/quick-admission.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('quick admission');

const expiresAt = '2026-11-29T12:00:00.000Z';
const waiting = { requestId: 'r', credentialId: 'c', expiresAt, key: null, contestedIn: [] };
const password = 'a'.repeat(32);
const attempt: DoorAttempt = {
  ...{ username: 'press-17', password, source: null, flow: 'explicit' as const, clientId: null },
  ...{ pairingId: null, context: null, requestedRoles: [], requestedPermissions: [] },
};

const offered = (shown = password) =>
  ({ atHand: (id: string) => shown === password && id === 'c' }) as OfferedPassword;

/** A client that waits, its verifier in memory. */
const at = (now: string, more: Readonly<Record<string, unknown>> = {}) =>
  createQuickAdmission({
    ...{ logins: { active: () => undefined }, throttles: { sources: null, names: null } },
    atHand: () => ({ state: { ...initial, status: 'pending', waiting } }),
    ...{ now: () => now, position: () => '1', pairingIdOf: () => 'pair' },
    ...more,
  } as never);

test('who waits is told so by what is in memory, until its request ends', () => {
  const told = at('2026-11-29T11:59:59.999Z').atHand(attempt, offered());
  assert.equal(told, {
    ...{ kind: 'pending', requestId: 'r', username: 'press-17', pairingId: 'pair', expiresAt },
    position: '1',
  });
  assert.is(at(expiresAt).atHand(attempt, offered()), undefined);
});

test('another password, a key beside it, and rows that stopped take the longer way', () => {
  const now = '2026-11-29T11:00:00.000Z';
  const other = 'b'.repeat(32);
  assert.is(at(now).atHand({ ...attempt, password: other }, offered(other)), undefined);
  assert.is(
    at(now).atHand({ ...attempt, key: { fingerprint: 'f' } as never }, offered()),
    undefined,
  );
  assert.is(at(now, { atHand: () => undefined }).atHand(attempt, offered()), undefined);
});

test.run();
