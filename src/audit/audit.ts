/** What auditors are given: checkpoints, proofs and the export of one log, and looks back into it. */
import { join } from 'node:path';
import type { TurnedAway } from '../../domain/window.ts';
import type { HistoryRow } from '../../projections/history.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { Personal } from '../credentials/personal-data.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Views } from '../views/views.ts';
import { createActivity } from './activity.ts';
import { accessAt } from './time-travel/access-at.ts';
import { createExplain, createReport } from './time-travel/explain.ts';
import { momentOf, pastOf } from './time-travel/past.ts';
import { clientAt, registryAt } from './time-travel/state-at.ts';
import { createWhatIf } from './time-travel/what-if.ts';
import { exportLines } from './transparency-log/export.ts';
import { type Checkpoints, createCheckpoints } from './transparency-log/publisher.ts';
import type { Signer } from './transparency-log/signed-note.ts';
import { merkleTree, type Tree } from './transparency-log/tree.ts';

/** Everything in base64. */
interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly leafHash: string;
  readonly rootHash: string;
  readonly hashes: string[];
}

interface ConsistencyProof {
  readonly from: number;
  readonly to: number;
  readonly hashes: string[];
}

export type Audit = ReturnType<typeof createAudit>;

interface Proving {
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
  exportFrom(from: number): AsyncGenerator<Buffer, void, void>;
}

export const checkpointFile = (dataDir: string): string => join(dataDir, 'checkpoints.txt');

const base64 = (hash: Buffer) => hash.toString('base64');

interface AuditOptions {
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly history: Rows<HistoryRow>;
  readonly requests: Rows<RequestRow>;
  readonly personal: Personal;
  readonly views: Views;
  readonly signer: Signer;
  readonly dataDir: string;
  /** How many the newest window's limits turned away so far; null: not counted here. */
  readonly turnedAway: () => TurnedAway | null;
  /** ISO. */
  readonly now: () => string;
}

function proving({ store, signer, dataDir }: AuditOptions, tree: Tree): Proving {
  const checkpoints = createCheckpoints({ tree, signer, file: checkpointFile(dataDir) });
  return {
    verifierKey: signer.text,
    signer,
    tree,
    checkpoints,
    inclusion: (index, size) => ({
      index,
      size,
      leafHash: base64(tree.leaf(index)),
      rootHash: base64(tree.rootAt(size)),
      hashes: tree.inclusion(index, size).map(base64),
    }),
    consistency: (from, to) => ({ from, to, hashes: tree.consistency(from, to).map(base64) }),
    exportFrom: (from) => exportLines(store, tree, from, checkpoints.differs),
  };
}

export function createAudit(options: AuditOptions) {
  const { store, readModels, views, history, requests, personal, signer, turnedAway, now } =
    options;
  const tree = readModels.custom(merkleTree);
  const past = pastOf(readModels, tree);
  return {
    ...proving(options, tree),
    ...createExplain({ views, history, window: past.window, turnedAway, now }),
    ...createReport({ views, history, window: past.window, signer, turnedAway, now }),
    ...createActivity({ history, window: past.window, tree, now }),
    /** A client as it was; undefined where nobody knew the name yet. */
    clientAt: (username: string, at: string) =>
      clientAt({ store, tree, past }, username, momentOf(tree, at)),
    /** The window and the number of clients of each status, as they were. */
    registryAt: (at: string) => registryAt(past, momentOf(tree, at)),
    /** Who could use a topic, or what one could use. @throws MalformedCursor */
    accessAt: (at: string, question: Parameters<typeof accessAt>[2]) =>
      accessAt(past, momentOf(tree, at), question),
    whatIf: createWhatIf({
      ...{ requests, window: past.window, tree, personal },
      show: (requestId, seeing) => views.request(requestId, seeing),
    }),
  };
}
