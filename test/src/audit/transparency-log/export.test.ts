/** The portions of an export: a reader is looked at again before each, so none may be large. */
import { DatabaseSync } from 'node:sqlite';
import { exportLines } from '../../../../src/audit/transparency-log/export.ts';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { exportPortionBytesMax } from '../../../../src/limits/audit.ts';
import { type NewEvent, noStream } from '../../../../src/store/event-store.ts';
import { memoryStore } from '../../../support/event-store/memory-store.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('export');

test('a portion holds few bytes, however large its events are, and nothing is left out', async () => {
  const store = memoryStore();
  const events = Array.from(
    { length: 40 },
    (_, at): NewEvent => ({
      eventId: crypto.randomUUID(),
      type: 'ClientCreated',
      data: { text: String(at).padEnd(60_000, '.') },
      metadata: { correlationId: crypto.randomUUID(), causationId: null },
    }),
  );
  await store.append('client-a', noStream, events);
  const tree = merkleTree.open(new DatabaseSync(':memory:'));
  for (const [at, stored] of (await store.readAll('0'.repeat(20), 100)).entries())
    tree.take(stored, at);
  tree.flush();
  const portions: Buffer[] = [];
  for await (const portion of exportLines(store, tree, 0)) portions.push(portion);
  assert.ok(portions.length > 5);
  for (const { length } of portions) assert.ok(length < exportPortionBytesMax + 62_000);
  const lines = Buffer.concat(portions).toString().trimEnd().split('\n');
  assert.equal(
    lines.map((line) => Number.parseInt(JSON.parse(line).data.text, 10)),
    events.map((_, at) => at),
  );
});

test.run();
