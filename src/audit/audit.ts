/** What auditors are given: checkpoints, proofs and the export of one log. */
import { join } from 'node:path';
import type { EventStore } from '../store/event-store.ts';
import { type Checkpoints, createCheckpoints } from './checkpoints.ts';
import { exportLines } from './export.ts';
import type { Signer } from './signed-note.ts';
import type { Tree } from './tree.ts';

/** Everything in base64. */
export interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly leafHash: string;
  readonly rootHash: string;
  readonly hashes: string[];
}

export interface ConsistencyProof {
  readonly from: number;
  readonly to: number;
  readonly hashes: string[];
}

export interface Audit {
  /** The C2SP verifier key of checkpoints and reports. */
  readonly verifierKey: string;
  readonly signer: Signer;
  readonly tree: Tree;
  readonly checkpoints: Checkpoints;
  /** `index` < `size` <= the tree's size. */
  inclusion(index: number, size: number): InclusionProof;
  /** 0 < `from` <= `to` <= the tree's size. */
  consistency(from: number, to: number): ConsistencyProof;
  /** `from` <= the tree's size. */
  exportFrom(from: number): AsyncIterable<Buffer>;
}

export const checkpointFile = (dataDir: string): string => join(dataDir, 'checkpoints.txt');

const base64 = (hash: Buffer) => hash.toString('base64');

export function createAudit(options: {
  readonly store: EventStore;
  readonly tree: Tree;
  readonly signer: Signer;
  readonly dataDir: string;
}): Audit {
  const { store, tree, signer } = options;
  return {
    verifierKey: signer.text,
    signer,
    tree,
    checkpoints: createCheckpoints({ tree, signer, file: checkpointFile(options.dataDir) }),
    inclusion: (index, size) => ({
      index,
      size,
      leafHash: base64(tree.leaf(index)),
      rootHash: base64(tree.rootAt(size)),
      hashes: tree.inclusion(index, size).map(base64),
    }),
    consistency: (from, to) => ({ from, to, hashes: tree.consistency(from, to).map(base64) }),
    exportFrom: (from) => exportLines(store, tree, from),
  };
}
