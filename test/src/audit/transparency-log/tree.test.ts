import { DatabaseSync } from 'node:sqlite';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { positionOf } from '../../../../src/store/event-store.ts';
import { logOf } from '../../../support/read-models.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('the tree kept beside the rows');

test('moments and positions are told as they stand in the log, also such as no clock or store writes', () => {
  const moments = [
    '',
    '2026-02-27',
    '2026-02-28T10:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    'at noon',
  ];
  const positions = [
    positionOf(7),
    '0'.repeat(19),
    positionOf(10n ** 17n + 1n),
    'here',
    positionOf(9),
  ];
  const log = logOf(moments.map((at) => ({ stream: 'role-a', type: 'RoleRemoved', data: { at } })));
  const database = new DatabaseSync(':memory:');
  const tree = merkleTree.open(database);
  for (const [at, event] of log.entries())
    tree.take({ ...event, position: positions[at] as string }, at);
  tree.flush();
  const again = merkleTree.open(database);
  for (const one of [tree, again]) {
    assert.equal(
      log.map((_, at) => one.momentOf(at)),
      moments,
    );
    assert.equal(
      log.map((_, at) => one.positionOf(at)),
      positions,
    );
  }
  assert.is(again.sizeAt('2026-02-29T00:00:00.000Z'), 3);
  assert.equal(again.root(), tree.root());
  database.close();
});

test.run();
