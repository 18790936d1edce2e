/** The log as NDJSON: line k is exactly the leaf of event k, so that no parser stands before a proof. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { exportBatchMax } from '../limits.ts';
import { beginning, type EventStore } from '../store/event-store.ts';
import { leafBytes } from './leaf.ts';
import type { Tree } from './tree.ts';

const newline = Buffer.from('\n');

/**
 * The lines from event `from` up to what the tree holds when it begins, in portions. Nothing is read
 * ahead of the reader. `from` must not be greater than the tree's size.
 */
export async function* exportLines(
  store: Pick<EventStore, 'readAll'>,
  tree: Pick<Tree, 'size' | 'positionOf'>,
  from: number,
): AsyncGenerator<Buffer, void, void> {
  const size = tree.size();
  let index = from;
  let after = from === 0 ? beginning : tree.positionOf(from - 1);
  while (index < size && after !== undefined) {
    const events = await store.readAll(after, Math.min(exportBatchMax, size - index));
    const last = events.at(-1);
    if (last === undefined)
      throw new Error(`the log ends at event ${index}, and the tree at ${size}`);
    index += events.length;
    after = last.position;
    yield Buffer.concat(events.flatMap((event) => [leafBytes(event), newline]));
    await nextTurn();
  }
}
