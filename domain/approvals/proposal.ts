/** A command that waits for several approvers: proposed, approved by different people, carried out. */
import { z } from 'zod';
import {
  accept,
  type CommandBase,
  type CommandOf,
  type Decider,
  type Decision,
  event,
  refuse,
} from '../decider.ts';
import { Permission } from '../permission.ts';
import { caused, Id, Instant, Reason, Text, Username } from '../values.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What is proposed: the route and everything that was sent to it, secrets left out. */
export const ProposedCommand = z.object({
  /** The `operationId` of its route. */
  action: Text(1, 64),
  subject: Text(0, 200),
  params: z.record(z.string(), z.unknown()),
  query: z.record(z.string(), z.unknown()),
  body: z.unknown(),
  /** The verifier of a password that was sent along waits under this id; null: none was. */
  credentialId: Id.nullable(),
  /** The HTTP part of what it gives, worked out: what its people must have themselves. */
  gives: z.array(Permission),
  /** Names that come to hold HTTP rights by it. */
  gains: z.array(Username),
  /** SHA-256 over all that is approved, in hex. */
  hash: Sha256,
});
export type ProposedCommand = z.infer<typeof ProposedCommand>;

const proposal = { proposalId: Id, ...caused };

export const ProposalEvent = z.discriminatedUnion('type', [
  event('ProposalMade', {
    ...proposal,
    proposed: ProposedCommand,
    /** The token that it was proposed with: what that may not, the proposal may not. */
    tokenId: Id,
    needed: z.int().min(2),
    until: Instant,
  }),
  /**
   * `needed`: as it was in force then; absent in older events. `seedId`: where the vault keeps what the secrets of the
   * deed are made from, with the last approval of a command that makes some.
   */
  event('ProposalApproved', {
    ...{ ...proposal, tokenId: Id, needed: z.int().min(1).optional() },
    seedId: Id.optional(),
  }),
  event('ProposalRejected', { ...proposal, reason: Reason.nullable() }),
  event('ProposalExpired', proposal),
  event('ProposalCarriedOut', {
    ...proposal,
    /** The problem that it came to; null: it was done. */
    problem: z.object({ status: z.int(), code: z.string(), detail: z.string() }).nullable(),
    /** Where the vault keeps the answer until its proposer collects it; null: there is none. */
    answerId: Id.nullable(),
  }),
  /** Its answer was given to its proposer, in the session of this token; again to that, where it was lost on its way. */
  event('ProposalCollected', { ...proposal, tokenId: Id }),
]);
export type ProposalEvent = z.infer<typeof ProposalEvent>;

type ProposalCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly proposalId: string } & Data
>;

type CarriedOut = Extract<ProposalEvent, { type: 'ProposalCarriedOut' }>['data'];

export type ProposalCommand =
  | ProposalCommandBase<
      'Propose',
      {
        readonly proposed: ProposedCommand;
        readonly tokenId: string;
        readonly needed: number;
        readonly until: string;
      }
    >
  /** `shown`: the hash of what the approver saw; `now`: of what it would be now. */
  | ProposalCommandBase<
      'Approve',
      {
        readonly shown: string;
        readonly now: string;
        readonly tokenId: string;
        /** How many people a decision needs now. */
        readonly needed: number;
        /** Recorded with the last approval; null: its deed makes no secrets. */
        readonly seedId: string | null;
      }
    >
  | ProposalCommandBase<'Reject', { readonly reason: string | null }>
  /** Time has passed. */
  | ProposalCommandBase<'Expire'>
  | ProposalCommandBase<'CarryOut', Pick<CarriedOut, 'problem' | 'answerId'>>
  /** `askedAgainAfter`: what was handed out before this instant never came, if its session asks again. */
  | ProposalCommandBase<'Collect', { readonly tokenId: string; readonly askedAgainAfter: string }>;

export type ProposalRefusal =
  | 'approval-not-found'
  | 'approval-ended'
  | 'approval-changed'
  | 'self-approval';

/** Somebody who approved, and when. */
interface Approval {
  readonly by: string;
  readonly at: string;
  readonly tokenId: string;
}

export interface MadeProposal {
  readonly status: 'waiting' | 'approved' | 'rejected' | 'expired';
  readonly proposed: ProposedCommand;
  /** The proposer is the first of them. */
  readonly approvals: readonly Approval[];
  readonly needed: number;
  readonly until: string;
  readonly isCarriedOut: boolean;
  /** Where the vault keeps what the deed's secrets are made from; null: it makes none, or is not approved. */
  readonly seedId: string | null;
  /** When its answer was given, and in whose session; null: it was not. */
  readonly collected: { readonly at: string; readonly tokenId: string } | null;
}

type ProposalState = { readonly status: 'unknown' } | MadeProposal;

const initial: ProposalState = { status: 'unknown' };

/** Takes every event as fact. */
export function evolveProposal(state: ProposalState, { type, data }: ProposalEvent): ProposalState {
  if (type === 'ProposalMade') {
    const { proposed, needed, until, tokenId, at, by } = data;
    const approvals = [{ by: by.name, at, tokenId }];
    return {
      ...{ status: 'waiting', proposed, approvals, needed, until },
      ...{ isCarriedOut: false, seedId: null, collected: null },
    };
  }
  if (state.status === 'unknown') return state;
  switch (type) {
    case 'ProposalApproved': {
      const one = { by: data.by.name, at: data.at, tokenId: data.tokenId };
      const approvals = [...state.approvals, one];
      // The number may have been raised since it was proposed; it is never less than it was then.
      const needed = Math.max(state.needed, data.needed ?? state.needed);
      const status = approvals.length >= needed ? 'approved' : state.status;
      return { ...state, approvals, status, needed, seedId: data.seedId ?? state.seedId };
    }
    case 'ProposalRejected':
      return { ...state, status: 'rejected' };
    case 'ProposalExpired':
      return { ...state, status: 'expired' };
    case 'ProposalCarriedOut':
      return { ...state, isCarriedOut: true };
    case 'ProposalCollected':
      return { ...state, collected: { at: data.at, tokenId: data.tokenId } };
  }
}

type ProposalDecision = Decision<ProposalEvent, ProposalRefusal>;

function approve(
  command: CommandOf<ProposalCommand, 'Approve'>,
  state: MadeProposal,
): ProposalDecision {
  const { proposalId, shown, now, tokenId, needed, seedId, at, by } = command;
  const [proposer] = state.approvals;
  if (proposer?.by === by.name) return refuse('self-approval');
  if (state.approvals.some((one) => one.by === by.name)) return accept();
  if (state.status !== 'waiting' || state.until <= at) return refuse('approval-ended');
  const { hash } = state.proposed;
  if (shown !== hash || now !== hash) return refuse('approval-changed');
  const isLast = state.approvals.length + 1 >= Math.max(state.needed, needed);
  const seed = isLast && seedId !== null ? { seedId } : {};
  return accept({
    type: 'ProposalApproved',
    data: { proposalId, tokenId, needed, ...seed, at, by },
  });
}

/** Given once; again only to the session that it was given to, where it was lost with the service on its way. */
function collect(
  { proposalId, tokenId, askedAgainAfter, at, by }: CommandOf<ProposalCommand, 'Collect'>,
  { isCarriedOut, collected }: MadeProposal,
): ProposalDecision {
  if (!isCarriedOut) return refuse('approval-ended');
  const isFree =
    collected === null || (collected.tokenId === tokenId && collected.at < askedAgainAfter);
  if (!isFree) return refuse('approval-ended');
  return accept({ type: 'ProposalCollected', data: { proposalId, tokenId, at, by } });
}

function decideOnMade(
  command: Exclude<ProposalCommand, { type: 'Propose' }>,
  state: MadeProposal,
): ProposalDecision {
  const { proposalId, at, by } = command;
  switch (command.type) {
    case 'Approve':
      return approve(command, state);
    case 'Reject':
      if (state.status === 'rejected') return accept();
      if (state.status !== 'waiting' || state.until <= at) return refuse('approval-ended');
      return accept({
        type: 'ProposalRejected',
        data: { proposalId, reason: command.reason, at, by },
      });
    case 'Expire':
      return state.status === 'waiting' && state.until <= at
        ? accept({ type: 'ProposalExpired', data: { proposalId, at, by } })
        : accept();
    case 'CarryOut': {
      if (state.isCarriedOut) return accept();
      if (state.status !== 'approved') return refuse('approval-ended');
      const { problem, answerId } = command;
      return accept({
        type: 'ProposalCarriedOut',
        data: { proposalId, problem, answerId, at, by },
      });
    }
    case 'Collect':
      return collect(command, state);
  }
}

function decide(command: ProposalCommand, state: ProposalState): ProposalDecision {
  if (command.type !== 'Propose')
    return state.status === 'unknown' ? refuse('approval-not-found') : decideOnMade(command, state);
  if (state.status !== 'unknown') return accept();
  const { proposalId, proposed, tokenId, needed, until, at, by } = command;
  return accept({
    type: 'ProposalMade',
    data: { proposalId, proposed, tokenId, needed, until, at, by },
  });
}

export const proposals: Decider<ProposalState, ProposalCommand, ProposalEvent, ProposalRefusal> = {
  category: 'proposal',
  Event: ProposalEvent,
  initial,
  decide,
  evolve: evolveProposal,
};
