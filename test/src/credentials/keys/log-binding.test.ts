import { KeysDiffer, recordKeys } from '../../../../src/credentials/keys/log-binding.ts';
import { createVault } from '../../../../src/credentials/vault.ts';
import { beginning } from '../../../../src/store/event-store.ts';
import { memoryStore } from '../../../support/event-store/memory-store.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('keys of a log');

const ours = { pepperId: '00112233aabbccdd' };
const theirs = { pepperId: 'ffeeddccbbaa9988' };
const refused = (error: unknown) => {
  assert.instance(error, KeysDiffer);
  assert.match((error as Error).message, /GATEBOOK_KEYS_DIR/);
  assert.match((error as Error).message, /backup/);
};

test('a new log takes the keys down, and knows them again', async () => {
  const store = memoryStore();
  await recordKeys(store, ours);
  await recordKeys(store, ours);
  assert.is((await store.read('vault-keys')).length, 1);
  assert.equal(await store.readAll(beginning, 10), [], 'apart from the audited order');
});

test('a node with other keys is refused, and told what to do', async () => {
  const store = memoryStore();
  await recordKeys(store, ours);
  await recordKeys(store, theirs).then(() => assert.unreachable(), refused);
  await recordKeys(store, ours);
});

test('of two first nodes, one writes and the other compares', async () => {
  const same = memoryStore();
  await Promise.all([recordKeys(same, ours), recordKeys(same, ours)]);
  assert.is((await same.read('vault-keys')).length, 1);

  const different = memoryStore();
  const outcomes = await Promise.allSettled([
    recordKeys(different, ours),
    recordKeys(different, theirs),
  ]);
  assert.equal(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  for (const outcome of outcomes) if (outcome.status === 'rejected') refused(outcome.reason);
});

test('no sweep of the vault touches them', async () => {
  const store = memoryStore();
  await recordKeys(store, ours, () => '2020-01-01T00:00:00.000Z');
  assert.is(await createVault(store).sweep(() => false, '2030-01-01T00:00:00.000Z'), 0);
  await recordKeys(store, theirs).then(() => assert.unreachable(), refused);
});

test.run();
