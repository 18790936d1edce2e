import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checkpointsIn } from '../../../../src/audit/transparency-log/checkpoint.ts';
import { exportLines } from '../../../../src/audit/transparency-log/export.ts';
import { createCheckpoints } from '../../../../src/audit/transparency-log/publisher.ts';
import { isSignedBy, signerOf } from '../../../../src/audit/transparency-log/signed-note.ts';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { openCheckpointKey } from '../../../../src/credentials/keys/checkpoint.ts';
import { checkpointEveryEvents, checkpointEveryMs } from '../../../../src/limits/audit.ts';
import { positionOf, type StoredEvent } from '../../../../src/store/event-store.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ folder: string; file: string }>('checkpoints');
test.before.each((world) => {
  world.folder = mkdtempSync(join(tmpdir(), 'gatebook-checkpoints-'));
  world.file = join(world.folder, 'checkpoints.txt');
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const signer = signerOf('gatebook/log', Buffer.alloc(32, 5));

/** A tree of so many events; `spoilt` is another event than in other trees. */
function treeOf(count: number, spoilt = -1) {
  const tree = merkleTree.open(new DatabaseSync(':memory:'));
  const grow = (to: number) => {
    for (let index = tree.size(); index < to; index++)
      tree.take(
        {
          stream: 'client-press',
          revision: index,
          position: positionOf(index + 1),
          eventId: String(index),
          type: 'Happened',
          data: { value: index === spoilt ? 'changed' : 'as it was' },
          metadata: { correlationId: 'c', causationId: null },
        },
        index,
      );
    tree.flush();
  };
  grow(count);
  return Object.assign(tree, { grow });
}

test('it publishes after so many events, or so long after the first of them', async ({ file }) => {
  const tree = treeOf(0);
  let nowMs = 0;
  const checkpoints = createCheckpoints({ tree, signer, file, clockMs: () => nowMs });
  assert.is(await checkpoints.publish(true), null, 'nothing has happened yet');
  tree.grow(1);
  assert.is(await checkpoints.publish(), null);
  nowMs += checkpointEveryMs - 1;
  assert.is(await checkpoints.publish(), null);
  nowMs += 1;
  assert.is((await checkpoints.publish())?.size, 1);
  tree.grow(checkpointEveryEvents);
  assert.is(await checkpoints.publish(), null);
  tree.grow(1 + checkpointEveryEvents);
  assert.is((await checkpoints.publish())?.size, 1 + checkpointEveryEvents);
  assert.is(await checkpoints.publish(true), null, 'nothing is new');
  tree.grow(2 + checkpointEveryEvents);
  assert.is((await checkpoints.publish(true))?.size, 2 + checkpointEveryEvents);

  const written = checkpointsIn(readFileSync(file, 'utf8'));
  assert.equal(
    written.map(({ size }) => size),
    [1, 1 + checkpointEveryEvents, 2 + checkpointEveryEvents],
  );
  for (const { note, size, root } of written) {
    assert.ok(isSignedBy(note, signer));
    assert.equal(root, tree.rootAt(size));
  }
});

test('a log that goes on is taken up; one that was rewritten or cut off is signed no more', async ({
  file,
}) => {
  const first = createCheckpoints({ tree: treeOf(20), signer, file });
  await first.publish();
  await first.publish(true);
  // What was being written when the power went.
  appendFileSync(file, 'gatebook/log\n21\n');

  const goesOn = createCheckpoints({ tree: treeOf(25), signer, file });
  assert.is(await goesOn.begin(), null);
  assert.is(goesOn.latest()?.size, 20);
  await goesOn.publish();
  assert.is((await goesOn.publish(true))?.size, 25);
  assert.is(checkpointsIn(readFileSync(file, 'utf8')).length, 2);

  for (const [tree, why] of [
    [treeOf(30, 7), /the first 25 events are not those/],
    [treeOf(24), /ends after 24 events, and 25 were published/],
  ] as const) {
    const refused = createCheckpoints({ tree, signer, file });
    assert.match((await refused.begin())?.message ?? '', why);
    assert.throws(() => refused.current(), why);
    assert.is(await refused.publish(true), null);
  }
  const another = createCheckpoints({
    tree: treeOf(25),
    signer: signerOf('gatebook/log', Buffer.alloc(32, 6)),
    file,
  });
  assert.match((await another.begin())?.message ?? '', /did not sign/);
});

test('a file that holds something else is said to, and nothing is signed beside it', async ({
  file,
}) => {
  await createCheckpoints({ tree: treeOf(20), signer, file }).publish(true);
  writeFileSync(file, 'somebody was here');
  const checkpoints = createCheckpoints({ tree: treeOf(20), signer, file });
  assert.match((await checkpoints.begin())?.message ?? '', /^checkpoints.txt holds something/);
  assert.throws(() => checkpoints.current(), /holds something that is no checkpoint/);
  assert.is(readFileSync(file, 'utf8'), 'somebody was here');
});

test('an event that is not what the tree was grown by ends the signing', async ({ file }) => {
  const tree = treeOf(20);
  const checkpoints = createCheckpoints({ tree, signer, file });
  const at = (index: number): StoredEvent => ({
    stream: 'client-press',
    revision: index,
    position: positionOf(index + 1),
    eventId: String(index),
    type: 'Happened',
    data: { value: index === 7 ? 'changed' : 'as it was' },
    metadata: { correlationId: 'c', causationId: null },
  });
  const exported = async (length: number) => {
    const log = Array.from({ length }, (_, index) => at(index));
    const store = {
      readAll: async (after: string, limit = 1_000) =>
        log.filter(({ position }) => position > after).slice(0, Math.min(limit, 5)),
    };
    const different: number[] = [];
    let lines = 0;
    for await (const portion of exportLines(store, tree, 0, (index) => different.push(index)))
      lines += portion.toString().trimEnd().split('\n').length;
    return { lines, different };
  };
  assert.equal(await exported(20), { lines: 20, different: [7] });
  assert.equal(await exported(18), { lines: 18, different: [7, 18] }, 'to its end, though cut off');
  checkpoints.differs(7);
  checkpoints.differs(9);
  assert.match(checkpoints.fault()?.message ?? '', /event 7 is not the one that was recorded/);
  assert.throws(() => checkpoints.current(), /event 7/);
});

test('the key is made once, stays the same, and is private', async ({ folder }) => {
  const made = await openCheckpointKey(folder, 'gatebook/one');
  const again = await openCheckpointKey(folder, 'gatebook/two');
  assert.is(again.text, made.text);
  assert.match(made.text, /^gatebook\/one\+[0-9a-f]{8}\+/);
  const path = join(folder, 'checkpoint.json');
  if (process.platform !== 'win32') assert.is(statSync(path).mode & 0o777, 0o600);
  appendFileSync(path, 'x');
  let said = '';
  await openCheckpointKey(folder, 'gatebook/one').catch(({ message }: Error) => (said = message));
  assert.match(said, /is no checkpoint key/);
  assert.not.match(said, JSON.parse(readFileSync(path, 'utf8').slice(0, -1)).seed);
});

test.run();
