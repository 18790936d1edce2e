/** What waits for several people: looked at, approved, rejected, and its answer collected. */

import { z } from 'zod';
import { deeds } from '../../../domain/approvals/proposal-words.ts';
import { ApproveProposal, Because, ByProposalId, ProposalsQuery } from '../../api/input.ts';
import { Proposal, ProposalList } from '../../api/output.ts';
import { type ProblemCode, problemTable } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import type { Caller } from '../../authority.ts';
import { Refused } from '../../commands/refused.ts';
import { collectAgainAfterMs, proposalRetrySeconds } from '../../limits/administration.ts';
import {
  carryOut,
  type FindRoute,
  permittedTo,
  seedFor,
  whileCarriedOut,
} from '../approvals/carrying-out.ts';
import { hashNow } from '../approvals/proposing.ts';
import { commandContext, found } from '../request/command-context.ts';
import { Problem } from '../response/problem.ts';
import { done, ok, type Route, type RouteResponse, route } from '../route.ts';

const group = 'Approvals';
const base = '/api/approvals';
const one = `${base}/{id}`;
const proposalNow = { 200: { description: 'The proposal as it is now.', body: Proposal } };

const readingRoutes = ({ views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listProposals',
    summary: 'Commands that wait, or waited, for several people',
    access: 'permitted',
    query: ProposalsQuery,
    answers: { 200: { description: 'Newest first.', body: ProposalList } },
    handle: ({ query }) => ok(views.proposals(query)),
  }),
  route({
    method: 'GET',
    path: one,
    group,
    operationId: 'showProposal',
    summary: 'One proposal',
    access: 'permitted',
    params: ByProposalId,
    answers: proposalNow,
    problems: ['approval-not-found'],
    handle: ({ params }) => ok(found(views.proposal(params.id), 'approval-not-found')),
  }),
];

/** A long-lived token is in a file somewhere: only who signed in approves. @throws Problem */
function requireSession({ views, config }: App, { tokenId, username }: Caller): void {
  if (views.token(tokenId)?.kind !== 'login') throw new Problem('approval-needs-session');
  // The local administrator is for the day when the identity provider is away (SPEC 3).
  if (config.sso === null || views.user(username)?.origin === 'sso') return;
  throw new Problem('approval-needs-session', {
    detail: 'Where people sign in at the identity provider, only they approve: sign in there.',
  });
}

const approving = (app: App, findRoute: FindRoute): Route =>
  route({
    method: 'POST',
    path: `${one}/approve`,
    group,
    operationId: 'approveProposal',
    summary: 'Approve what was shown',
    description:
      'Takes what proposing takes: the permissions of its route, and no HTTP rights beyond your own. With the last approval it is carried out.',
    access: 'permitted',
    params: ByProposalId,
    body: ApproveProposal,
    answers: proposalNow,
    problems: [
      ...(['approval-not-found', 'approval-ended', 'approval-changed'] as const),
      ...(['self-approval', 'approval-needs-session', 'rights-exceed-own'] as const),
    ],
    async handle(request) {
      const { id } = request.params;
      // Another node may have taken away what this one still has of the approver, or changed what is approved.
      await app.upToDate();
      const caller = request.authorize();
      const { tokenId, username } = caller;
      requireSession(app, caller);
      const row = found(app.views.proposalRow(id), 'approval-not-found');
      const { proposed, approvals } = row;
      if (approvals[0]?.by === username) throw new Problem('self-approval');
      permittedTo(app, findRoute(proposed.action), row, { by: username, tokenId });
      const now = await hashNow(app, proposed, approvals[0]?.by ?? '');
      const needed = app.views.approvalsNeeded();
      const shown = { hash: request.body.hash, hashNow: () => now, needed };
      const context = commandContext(request);
      const approved = await app.administration.approve(context, id, shown, seedFor(app, row));
      const after = found(app.views.proposalRow(id), 'approval-not-found');
      // Whoever recorded the last approval sees to it: also on another node nobody else begins.
      if (approved.isNew && after.status === 'approved') await tried(app, findRoute, after);
      else await whileCarriedOut(app, id);
      return done(approved, found(app.views.proposal(id), 'approval-not-found'));
    },
  });

type Approved = Parameters<typeof carryOut>[2];

/** It is approved, whatever comes now: what passes by itself is tried again later. */
async function tried(app: App, findRoute: FindRoute, row: Approved): Promise<void> {
  try {
    await carryOut(app, findRoute, row);
  } catch (error) {
    app.logger.warn('What was approved could not be carried out yet', {
      proposalId: row.proposalId,
      error,
    });
  }
}

const rejecting = (app: App): Route =>
  route({
    method: 'POST',
    path: `${one}/reject`,
    group,
    operationId: 'rejectProposal',
    summary: 'Reject a proposal, also one of your own',
    access: 'permitted',
    params: ByProposalId,
    body: Because,
    answers: proposalNow,
    problems: ['approval-not-found', 'approval-ended'],
    async handle(request) {
      const { id } = request.params;
      const reason = request.body.reason ?? null;
      const rejected = await app.administration.reject(commandContext(request), id, reason);
      return done(rejected, found(app.views.proposal(id), 'approval-not-found'));
    },
  });

interface KeptAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whoever lost it on its way is told that it can be had. @throws what was thrown, in words */
function throwCollected(error: unknown): never {
  if (!(error instanceof Refused) || error.code !== 'approval-ended') throw error;
  throw new Problem('approval-ended', {
    detail:
      'Its answer was given to its proposer just now, or in another session. Where it never came, ask again in some seconds, in the same session.',
    retryAfterSeconds: collectAgainAfterMs / 1_000,
  });
}

/** `outcomes`: what a command may have been refused with when it was carried out. */
const collecting = (app: App, outcomes: readonly ProblemCode[]): Route =>
  route({
    method: 'POST',
    path: `${one}/collect`,
    group,
    operationId: 'collectProposal',
    summary: 'The answer that the command would have had, once',
    description:
      'For its proposer. While it waits: 202 and the proposal. Where the answer is lost on its way, the same session may ask again, some seconds later.',
    access: 'permitted',
    params: ByProposalId,
    answers: {
      200: { description: 'What the command would have answered.', body: z.unknown() },
      201: { description: 'The same, of one that makes something.', body: z.unknown() },
      202: { description: 'It waits still.', body: Proposal },
      204: { description: 'The same, of one that removes something.' },
    },
    problems: ['approval-not-found', 'approval-ended', ...outcomes],
    async handle(request): Promise<RouteResponse> {
      const { params, caller } = request;
      await app.upToDate();
      request.authorize();
      const row = found(app.views.proposalRow(params.id), 'approval-not-found');
      const { status, isCarriedOut, outcome, answerId } = row;
      if (row.approvals[0]?.by !== caller.username)
        throw new Problem('permission-missing', { detail: 'Only who proposed it collects.' });
      if (app.authority.limited(caller.username, row.approvals[0].tokenId) === undefined)
        throw new Problem('permission-missing', {
          detail:
            'This name was granted anew since it was proposed: what was made is given to nobody.',
        });
      if (status === 'waiting' || (status === 'approved' && !isCarriedOut))
        return {
          status: 202,
          body: app.views.proposal(params.id),
          headers: { 'Retry-After': String(proposalRetrySeconds) },
        };
      if (outcome !== null)
        throw new Problem(outcome.code as ProblemCode, { detail: outcome.detail });
      if (answerId === null) throw new Problem('approval-ended');
      const answer = await app.answers.open(caller.username, answerId);
      if (answer === undefined) throw new Problem('approval-ended');
      // Of all who ask, at any node, one is the first; and nothing is given that the log does not tell of.
      await app.administration
        .collect(commandContext(request), params.id)
        .catch((error) => throwCollected(error));
      const { body, ...rest } = answer as KeptAnswer;
      // Not before it is on its way: a crash would lose what it gives.
      const sent = () => void app.answers.destroy(answerId).catch(() => undefined);
      return body === null ? { ...rest, sent } : { ...rest, body, sent };
    },
  });

/** What passes by itself is no outcome: it is tried again. */
const outcomesOf = (findRoute: FindRoute): ProblemCode[] => [
  'permission-missing',
  'approval-changed',
  ...Object.keys(deeds)
    .flatMap((operationId) => findRoute(operationId).problems ?? [])
    .filter((code) => problemTable[code].status < 429 && code !== 'approval-needs-session'),
];

export const approvalRoutes = (app: App, findRoute: FindRoute): Route[] => [
  ...readingRoutes(app),
  approving(app, findRoute),
  rejecting(app),
  collecting(app, outcomesOf(findRoute)),
];
