/** What is recorded of backups and restores. */

import { backup, originAfter } from '../../domain/backup.ts';
import { system } from '../../domain/values.ts';
import { at } from '../support/client.ts';
import { scenario } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('backup');
const given = scenario(backup);
const backupId = '018f0000-0000-7000-8000-000000000001';
const by = { kind: 'user', name: 'admin' } as const;

const from = (restoreId: string) => ({
  ...{ restoreId, backupId, takenAt: at, size: 7, rootHash: 'AA==', withKeys: true },
});
const [first, second] = [
  '11111111-0000-4000-8000-000000000001',
  '22222222-0000-4000-8000-000000000001',
];
const restored = (restoreId: string) =>
  ({ type: 'LogRestored', data: { ...from(restoreId), at, by: system } }) as const;
const restore = (restoreId: string) =>
  ({ type: 'RecordRestore', from: from(restoreId), at, by: system }) as const;
const take = { type: 'TakeBackup', backupId, withKeys: false, at, by } as const;
const taken = { type: 'BackupTaken', data: { backupId, withKeys: false, at, by } } as const;

test('who takes the history out of the house is told of', () =>
  given().when(take).thenRecorded(taken));
test('once for each backup', () => given(taken).when(take).thenNothing());
test('a restore is told of', () => given().when(restore(first)).thenRecorded(restored(first)));
test('once', () => given(restored(first)).when(restore(first)).thenNothing());
test('and so is the next one', () =>
  given(restored(first)).when(restore(second)).thenRecorded(restored(second)));

test('a restored log signs under another name, each time', () => {
  assert.is(originAfter('gatebook/1', null), 'gatebook/1');
  assert.is(originAfter('gatebook/1', first), 'gatebook/1/restored-11111111');
  assert.is.not(originAfter('gatebook/1', first), originAfter('gatebook/1', second));
});

test.run();
