/** The log as NDJSON: line k is exactly the leaf of event k, so that no parser stands before a proof. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { exportBatchMax, exportPortionBytesMax } from '../../limits/audit.ts';
import { beginning, type EventStore } from '../../store/event-store.ts';
import { leafBytes } from './leaf.ts';
import { leafHash } from './merkle.ts';
import type { Tree } from './tree.ts';

const newline = Buffer.from('\n');

/**
 * The lines from event `from` up to what the tree holds when it begins, in portions. Nothing is read
 * ahead of the reader. `from` must not be greater than the tree's size. What stands in the log is exported
 * as it stands, also where it is not what the tree was grown by: `onDifference` is told the first such event
 * of each portion.
 */
export async function* exportLines(
  store: Pick<EventStore, 'readAll'>,
  tree: Pick<Tree, 'size' | 'positionOf' | 'leaves'>,
  from: number,
  onDifference: (index: number) => void = () => undefined,
): AsyncGenerator<Buffer, void, void> {
  const size = tree.size();
  let index = from;
  let after = from === 0 ? beginning : tree.positionOf(from - 1);
  while (index < size && after !== undefined) {
    const events = await store.readAll(after, Math.min(exportBatchMax, size - index));
    const last = events.at(-1);
    if (last === undefined) return onDifference(index);
    const lines = events.map(leafBytes);
    const leaves = tree.leaves(index, index + lines.length);
    const different = lines.findIndex((line, at) => leaves[at]?.equals(leafHash(line)) !== true);
    if (different >= 0) onDifference(index + different);
    index += lines.length;
    after = last.position;
    yield* portionsOf(lines);
    await nextTurn();
  }
}

/** Lines in portions of few bytes: whoever reads is looked at again before each. */
function* portionsOf(lines: readonly Buffer[]): Generator<Buffer, void, void> {
  let portion: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    portion.push(line, newline);
    bytes += line.length + 1;
    if (bytes < exportPortionBytesMax) continue;
    yield Buffer.concat(portion);
    portion = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(portion);
}
