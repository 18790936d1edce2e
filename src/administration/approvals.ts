/** Proposals recorded: made, approved, rejected, carried out. What they would do is not looked at here. */
import { randomUUID } from 'node:crypto';
import {
  type ProposalCommand,
  type ProposedCommand,
  proposals,
} from '../../domain/approvals/proposal.ts';
import { system } from '../../domain/values.ts';
import type { ProposalRow } from '../../projections/proposals.ts';
import type { Cause } from '../commands/handle.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { proposalsWaitingMax, proposalsWaitingPerPersonMax } from '../limits.ts';
import { addMs } from '../platform/instant.ts';
import type { Rows } from '../read-models/row-table.ts';
import { actorOf, type CommandContext } from './context.ts';

export interface ApprovalAdministrationOptions extends RecordingOptions {
  readonly rows: { readonly proposals: Rows<ProposalRow> };
  readonly approvalTtlMs: number;
  readonly now: () => string;
}

type Over = Omit<
  Extract<ProposalCommand, { type: 'CarryOut' }>,
  'type' | 'at' | 'by' | 'proposalId'
>;

const causeOf = (proposalId: string): Cause => ({ correlationId: proposalId, causationId: null });

/** @throws Refused `approvals-full` */
function requireRoom(proposals: Rows<ProposalRow>, proposer: string): void {
  const waitingOf = { column: 'waitingOf', is: proposer } as const;
  const waiting = { column: 'status', is: 'waiting' } as const;
  const isFull =
    proposals.count([waitingOf], proposalsWaitingPerPersonMax) >= proposalsWaitingPerPersonMax ||
    proposals.count([waiting], proposalsWaitingMax) >= proposalsWaitingMax;
  if (isFull) throw new Refused('approvals-full');
}

export function createApprovalAdministration(options: ApprovalAdministrationOptions) {
  const { rows, approvalTtlMs, now } = options;

  /** What the row has; the store is asked where it records nothing on that. */
  function atHand(proposalId: string) {
    const row = rows.proposals.get(proposalId);
    return row && { state: row, revision: row.revision, position: row.position };
  }

  const tell = (proposalId: string, command: () => ProposalCommand, cause: Cause) =>
    record(options, proposals, proposalId, command, cause, () => atHand(proposalId));

  return {
    propose: async (
      context: CommandContext,
      proposed: ProposedCommand,
      needed: number,
    ): Promise<Done & { readonly proposalId: string }> => {
      const proposalId = randomUUID();
      const propose = () => {
        const { tokenId } = context.authorize();
        requireRoom(rows.proposals, context.caller.username);
        const until = addMs(now(), approvalTtlMs);
        const type = 'Propose' as const;
        const by = actorOf(context);
        return { type, proposalId, proposed, tokenId, needed, until, at: now(), by };
      };
      return { ...(await tell(proposalId, propose, causeOf(proposalId))), proposalId };
    },

    /** @param hashNow of what it would be now, worked out at each decision */
    approve: (
      context: CommandContext,
      proposalId: string,
      shown: string,
      hashNow: () => string,
      needed: number,
    ): Promise<Done & { readonly isNew: boolean }> => {
      const approve = () => {
        const { tokenId } = context.authorize();
        const type = 'Approve' as const;
        const by = actorOf(context);
        return { type, proposalId, shown, now: hashNow(), tokenId, needed, at: now(), by };
      };
      return tell(proposalId, approve, causeOf(proposalId));
    },

    reject: (context: CommandContext, proposalId: string, reason: string | null): Promise<Done> => {
      const reject = () => {
        context.authorize();
        return { type: 'Reject' as const, proposalId, reason, at: now(), by: actorOf(context) };
      };
      return tell(proposalId, reject, causeOf(proposalId));
    },

    carriedOut: (proposalId: string, over: Over): Promise<Done> => {
      const done = () => ({
        type: 'CarryOut' as const,
        proposalId,
        ...over,
        at: now(),
        by: system,
      });
      return tell(proposalId, done, causeOf(proposalId));
    },
  };
}
