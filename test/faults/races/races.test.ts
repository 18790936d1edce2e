/** What judges the races finds what is planted. */
import { assert, suite } from '../../support/suite.ts';
import { administratorFaults } from './administrators.ts';
import { approvalFaults } from './approvals.ts';
import { useFaults } from './uses.ts';

const test = suite('judges of races over two nodes');

const used = {
  maxUses: 2,
  counts: [{ useCount: 2, status: 'used' }],
  told: ['a'],
  letIn: ['a', 'b'],
};
for (const [what, planted] of [
  ['one let in too many', { letIn: ['a', 'b', 'c'] }],
  ['one too few', { letIn: ['a'] }],
  ['one who was told so and is not let in', { told: ['c'] }],
  ['a use that is not counted', { counts: [...used.counts, { useCount: 1, status: 'active' }] }],
] as const)
  test(`uses: ${what}`, () => {
    assert.equal(useFaults(used), []);
    assert.is(useFaults({ ...used, ...planted }).length, 1);
  });

const stays = { names: ['a', 'b'], lasting: [['a'], ['a']], takenAway: ['b'] };
for (const [what, planted] of [
  ['nobody is left', { lasting: [[], []] }],
  ['two nodes, two administrators', { lasting: [['a'], ['b']] }],
  ['one who was taken away stays', { takenAway: ['a'] }],
] as const)
  test(`administrators: ${what}`, () => {
    assert.equal(administratorFaults(stays), []);
    assert.is(administratorFaults({ ...stays, ...planted }).length, 1);
  });

const approved = {
  ...{ role: 'r', told: ['approved'] as const, statuses: ['approved', 'approved'] },
  ...{ carriedOut: 1, done: 1 },
};
for (const [what, planted] of [
  ['done twice', { done: 2 }],
  ['carried out twice', { carriedOut: 2 }],
  ['never done', { done: 0 }],
  ['two nodes, two outcomes', { statuses: ['approved', 'rejected'] }],
  ['one was told that it is rejected', { told: ['approved', 'rejected'] as const }],
] as const)
  test(`approvals: ${what}`, () => {
    assert.equal(approvalFaults(approved), []);
    assert.is(approvalFaults({ ...approved, ...planted }).length, 1);
  });

test('approvals: done, though it was rejected', () => {
  const rejected = { ...approved, told: ['rejected'] as const, statuses: ['rejected', 'rejected'] };
  assert.equal(approvalFaults({ ...rejected, carriedOut: 0, done: 0 }), []);
  assert.is(approvalFaults(rejected).length, 2);
});

test.run();
