/** How far the log was delivered: what is kept between two runs, and between two nodes. */
import { z } from 'zod';
import type { Tree } from '../../audit/transparency-log/tree.ts';
import { beginning } from '../../store/event-store.ts';

const SiemMark = z.strictObject({
  logId: z.string(),
  /** So many events were delivered: the next one has this index. */
  index: z.int().min(0),
  /** Of the last of them. */
  position: z.string(),
  /** Of its leaf, in hex; null: none was delivered. */
  hash: z.string().nullable(),
});
export type SiemMark = z.infer<typeof SiemMark>;

export const markText = (mark: SiemMark): string => `${JSON.stringify(mark)}\n`;

/** Null: it says nothing that can be read. */
export function readMark(text: string): SiemMark | null {
  try {
    return SiemMark.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

type MarkedTree = Pick<Tree, 'size' | 'leaf' | 'positionOf'>;

export const markAtBeginning = (logId: string): SiemMark => ({
  ...{ logId, index: 0, position: beginning, hash: null },
});

export function markAtEnd(logId: string, tree: MarkedTree): SiemMark {
  const index = tree.size();
  const position = index === 0 ? beginning : tree.positionOf(index - 1);
  if (position === undefined) throw new Error(`the tree has no event ${index - 1}`);
  return { logId, index, position, hash: index === 0 ? null : hexOf(tree, index - 1) };
}

/** Whether what was delivered is what this log begins with: another log, or one that was cut off or rewritten, begins otherwise. */
export function isMarkOf(
  { logId, index, position, hash }: SiemMark,
  own: string,
  tree: MarkedTree,
) {
  if (logId !== own || index > tree.size()) return false;
  if (index === 0) return true;
  return tree.positionOf(index - 1) === position && hexOf(tree, index - 1) === hash;
}

const hexOf = (tree: MarkedTree, index: number): string => tree.leaf(index).toString('hex');
