/** The comparison of a broker with the log, as a table: what the log says × what the broker has. */

import { initial } from '../../../../domain/client/state.ts';
import { noRights } from '../../../../domain/rights.ts';
import type { AccessRow } from '../../../../projections/access.ts';
import { differences } from '../../../../src/broker/activation/drift.ts';
import type { BrokerAccount } from '../../../../src/broker/ports/broker.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('drift');

const base = { ...initial, username: 'press-1' };
const held = {
  ...{ credentialId: 'c1', requestId: null, rights: noRights },
  ...{ grantedRights: noRights, grantBase: noRights },
};
const rows = {
  active: { ...base, ...held, status: 'active', challenger: null, denial: null },
  suspended: { ...base, ...held, status: 'suspended', denial: null },
  pending: {
    ...base,
    status: 'pending',
    waiting: { requestId: 'r', credentialId: 'c1', windowId: 'w', expiresAt: '', contestedIn: [] },
  },
  revoked: { ...base, status: 'revoked', credentialId: 'c1', requestId: null, reason: null },
} as unknown as Record<string, AccessRow>;

const ours: BrokerAccount = {
  ...{ username: 'press-1', enabled: true, mark: { credentialId: 'c1' }, rights: 'all' },
};
const accounts = {
  none: [],
  right: [ours],
  shut: [{ ...ours, enabled: false }],
  'other rights': [{ ...ours, rights: 'more' }],
  'other credential': [{ ...ours, mark: { credentialId: 'c2' } }],
  theirs: [{ ...ours, mark: null }],
} satisfies Record<string, BrokerAccount[]>;

type Expected = [drift: string, repaired: boolean];
const repaired = (kind: string): Expected => [kind, true];
const fine: Expected = ['', false];
const cleaned: Expected = ['', true];
const left: Expected = ['stranger', false];

/** As acknowledged: active where the log has it active, else once. */
const table: Record<string, Record<keyof typeof accounts, Expected>> = {
  active: {
    ...{ none: repaired('missing'), right: fine, shut: repaired('enabled') },
    ...{ 'other rights': repaired('rights'), 'other credential': repaired('missing') },
    // The log says it is active there, and it is not: that is put right, the account is not.
    theirs: ['stranger', true],
  },
  suspended: {
    ...{ none: fine, right: repaired('enabled'), shut: fine },
    ...{ 'other rights': repaired('enabled'), 'other credential': repaired('enabled') },
    theirs: left,
  },
  pending: {
    ...{ none: fine, right: repaired('enabled'), shut: fine },
    ...{ 'other rights': repaired('enabled'), 'other credential': repaired('enabled') },
    theirs: left,
  },
  revoked: {
    ...{ none: fine, right: repaired('enabled'), shut: cleaned },
    ...{ 'other rights': repaired('enabled'), 'other credential': repaired('enabled') },
    theirs: left,
  },
};

for (const [status, row] of Object.entries(rows))
  for (const [name, there] of Object.entries(accounts))
    test(`${status} in the log, ${name} at the broker`, () => {
      const { drift, repairs } = differences(there, [row], {
        rightsOf: () => 'all',
        acknowledged: () => (status === 'active' ? 'active' : 'once'),
      });
      const expected = table[status]?.[name as keyof typeof accounts];
      assert.equal([drift.map(({ kind }) => kind).join(), repairs.length > 0], expected);
    });

test('one whose credential was never there is waited for, not missed', () => {
  const { drift, repairs } = differences([], [rows.active as AccessRow], {
    rightsOf: () => 'all',
    acknowledged: () => 'never',
  });
  assert.equal(drift, []);
  assert.equal(repairs, ['press-1']);
});

test('an account that the log never heard of is a stranger, marked or not', () => {
  const { drift, repairs } = differences(
    [ours, { ...ours, username: 'back-door', mark: null }],
    [],
    {
      rightsOf: () => 'all',
      acknowledged: () => 'never',
    },
  );
  assert.equal(drift, [
    { username: 'press-1', kind: 'stranger' },
    { username: 'back-door', kind: 'stranger' },
  ]);
  assert.equal(repairs, []);
});

test.run();
