/** Every command that waited for approvers, and what became of it. */
import { evolveProposal, type MadeProposal, ProposalEvent } from '../domain/approvals/proposal.ts';
import type { Projection } from './projection.ts';

export interface ProposalRow extends MadeProposal {
  readonly proposalId: string;
  readonly outcome: {
    readonly status: number;
    readonly code: string;
    readonly detail: string;
  } | null;
  /** Where the vault keeps the answer for its proposer; null: there is none. */
  readonly answerId: string | null;
  /** Of its newest event. */
  readonly revision: number;
  readonly position: string;
  /** The number of its newest event in the log. */
  readonly index: number;
}

/** What waits that this node has to see to. */
export const toCarryOut = 'approved';

export const proposalRows: Projection<ProposalRow, ProposalEvent> = {
  name: 'proposals',
  version: 3,
  reads: ['proposal'],
  Event: ProposalEvent,
  key: ({ data }) => data.proposalId,
  evolve: (row, event, { revision, position, index }) => {
    const state = evolveProposal(row ?? { status: 'unknown' }, event);
    if (state.status === 'unknown') return undefined;
    const done = event.type === 'ProposalCarriedOut' ? event.data : null;
    return {
      ...state,
      ...{ proposalId: event.data.proposalId, revision, position, index },
      outcome: done?.problem ?? row?.outcome ?? null,
      answerId: done?.answerId ?? row?.answerId ?? null,
    };
  },
  columns: {
    status: (row) => row.status,
    /** When a waiting one expires; null: it waits no more. */
    dueAt: (row) => (row.status === 'waiting' ? row.until : null),
    /** Who proposed it, while it waits. */
    waitingOf: (row) => (row.status === 'waiting' ? (row.approvals[0]?.by ?? null) : null),
    /** Approved, and not carried out yet. */
    open: (row) => (row.status === 'approved' && !row.isCarriedOut ? toCarryOut : null),
    /** Whose password waits with it. */
    credentialId: (row) => row.proposed.credentialId,
    answerId: (row) => row.answerId,
    seedId: (row) => row.seedId,
    /** The request that it would grant. */
    requestId: ({ proposed }) =>
      proposed.action === 'grantRequest' && typeof proposed.params.id === 'string'
        ? proposed.params.id
        : null,
  },
  counted: { always: () => [], now: (row) => [row.status] },
};
