/** Proposals as the API shows them, and how many people a decision needs. */
import { createHash } from 'node:crypto';
import { policyId } from '../../domain/approvals/policy.ts';
import type { HistoryRow } from '../../projections/history.ts';
import type { PolicyRow } from '../../projections/policy.ts';
import { type ProposalRow, toCarryOut } from '../../projections/proposals.ts';
import type { ProblemCode } from '../api/problems.ts';
import { problemTable } from '../api/problems.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import { mapPage, type Paging } from './paging.ts';

export interface ApprovalViewOptions {
  readonly rows: {
    readonly proposals: Rows<ProposalRow>;
    readonly policy: Rows<PolicyRow>;
    readonly history: Rows<HistoryRow>;
  };
}

/** Of a list of ids, or a file, its digest and count: they are too much to read. */
function bodyShown(body: unknown): unknown {
  const { ids, file: _, ...rest } = (body ?? {}) as { ids?: unknown } & Record<string, unknown>;
  if (!Array.isArray(ids)) return rest;
  const digest = createHash('sha256').update(JSON.stringify(ids)).digest('hex');
  return { ...rest, count: ids.length, digest };
}

/** A problem as it would have been answered. */
function problemShown({ status, code, detail }: NonNullable<ProposalRow['outcome']>) {
  const { title } = problemTable[code as ProblemCode] ?? { title: code };
  return { type: `urn:gatebook:problem:${code}`, title, status, detail, code };
}

function shown(row: ProposalRow) {
  const { proposalId, proposed, approvals, until, needed, status, outcome } = row;
  const { action, subject, body, gains, hash } = proposed;
  const [proposer] = approvals;
  return {
    ...{ proposalId, action, subject, body: bodyShown(body), gains: [...gains], hash },
    ...{ proposedBy: proposer?.by ?? '', proposedAt: proposer?.at ?? until, until, needed },
    approvals: approvals.map(({ by, at }) => ({ by, at })),
    ...{ status, outcome: outcome && problemShown(outcome) },
  };
}

/** Events that are looked through for those of a proposal that a crash may have interrupted. */
const lookedThroughMax = 10_000;

export function createApprovalViews({ rows }: ApprovalViewOptions) {
  return {
    approvalsNeeded: (): number => rows.policy.get(policyId)?.needed ?? 1,

    /** The row itself, for who carries it out. */
    proposalRow: (proposalId: string) => rows.proposals.get(proposalId),

    proposal(proposalId: string) {
      const row = rows.proposals.get(proposalId);
      return row && shown(row);
    },

    proposals: ({
      status,
      ...page
    }: Paging & { readonly status?: ProposalRow['status'] | undefined }) =>
      mapPage(
        rows.proposals.find({
          ...page,
          where: status === undefined ? [] : [{ column: 'status', is: status }],
        }),
        shown,
      ),

    /** Who approved the granting of a request; the newest proposal counts. */
    approvalsOf(requestId: string) {
      const where = [{ column: 'requestId', is: requestId }];
      const row = rows.proposals.find({ where, limit: 1 }).items[0];
      return row === undefined ? [] : row.approvals.map(({ by, at }) => ({ by, at }));
    },

    proposalsWaiting: (): number => rows.proposals.counts.get('waiting') ?? 0,

    /** Approved and not carried out, the oldest first. */
    proposalsToCarryOut: () => [
      ...everyRow(rows.proposals, {
        where: [{ column: 'open', is: toCarryOut }],
        order: 'oldest',
      }),
    ],

    /** Whether events of a proposal stand in the log behind the event of a number. */
    wasCausedBy(proposalId: string, index: number): boolean {
      const { items } = rows.history.find({
        order: 'oldest',
        after: index,
        limit: lookedThroughMax,
      });
      return items.some(
        ({ correlationId, type }) => correlationId === proposalId && !type.startsWith('Proposal'),
      );
    },
  };
}
