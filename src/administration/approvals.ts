/** Proposals recorded: made, approved, rejected, carried out. What they would do is not looked at here. */
import { randomUUID } from 'node:crypto';
import {
  type ProposalCommand,
  type ProposalEvent,
  type ProposedCommand,
  proposals,
} from '../../domain/approvals/proposal.ts';
import { system } from '../../domain/values.ts';
import type { ProposalRow } from '../../projections/proposals.ts';
import type { Cause } from '../commands/handle.ts';
import { type Done, type RecordingOptions, record, type SecretsOf } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import {
  collectAgainAfterMs,
  proposalsWaitingMax,
  proposalsWaitingPerPersonMax,
} from '../limits/administration.ts';
import { addMs } from '../platform/instant.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { NewSecret } from '../store/event-store.ts';
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

interface Seed {
  readonly id: string;
  readonly secret: NewSecret;
}

/** What an approver was shown, what it would be now, worked out at each decision, and how many people it needs. */
interface Shown {
  readonly hash: string;
  readonly hashNow: () => string;
  readonly needed: number;
}

const secretsOf =
  (seed: Seed | null): SecretsOf<ProposalEvent> =>
  ({ events }) =>
    seed !== null && events.some(({ data }) => 'seedId' in data) ? [seed.secret] : [];

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

  const tell = (
    proposalId: string,
    command: () => ProposalCommand,
    cause: Cause,
    secrets?: SecretsOf<ProposalEvent>,
  ) => record(options, proposals, proposalId, command, cause, () => atHand(proposalId), secrets);

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

    /** @param seed kept with the approval, where it is the last; null: its deed makes no secrets */
    approve: async (
      context: CommandContext,
      proposalId: string,
      shown: Shown,
      seed: Seed | null,
    ): Promise<Done & { readonly isNew: boolean }> => {
      const approve = (): ProposalCommand => {
        const { tokenId } = context.authorize();
        const { hash, hashNow, needed } = shown;
        return {
          ...{ type: 'Approve', proposalId, shown: hash, now: hashNow(), tokenId, needed },
          ...{ seedId: seed?.id ?? null, at: now(), by: actorOf(context) },
        };
      };
      return await tell(proposalId, approve, causeOf(proposalId), secretsOf(seed));
    },

    ...afterwards(tell, now),
  };
}

/** How a proposal ends, and what comes after. */
function afterwards(
  tell: (proposalId: string, command: () => ProposalCommand, cause: Cause) => Promise<Done>,
  now: () => string,
) {
  return {
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

    /** @throws Refused `approval-ended` where it was given already, to another session or this moment */
    collect: (context: CommandContext, proposalId: string): Promise<Done> => {
      const collect = () => {
        const { tokenId } = context.authorize();
        const askedAgainAfter = addMs(now(), -collectAgainAfterMs);
        const by = actorOf(context);
        return { type: 'Collect' as const, proposalId, tokenId, askedAgainAfter, at: now(), by };
      };
      return tell(proposalId, collect, causeOf(proposalId));
    },
  };
}
