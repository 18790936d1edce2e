/** A command that waits for several people: who approves, with what seed, and who is given its answer. */
import {
  type ProposalCommand,
  type ProposalEvent,
  proposals,
} from '../../../domain/approvals/proposal.ts';
import { system } from '../../../domain/values.ts';
import { ada, at, id, later } from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { suite } from '../../support/suite.ts';

const test = suite('proposal');
const given = scenario(proposals);

const proposalId = id(1);
const [hash, other] = ['a'.repeat(64), 'b'.repeat(64)];
const [adasToken, bobsToken, evesToken] = [id(2), id(3), id(4)];
const [seedId, answerId] = [id(5), id(6)];
const bob = { kind: 'user', name: 'bob' } as const;
const eve = { kind: 'user', name: 'eve' } as const;

const made = (needed = 2): ProposalEvent => ({
  type: 'ProposalMade',
  data: {
    ...{ proposalId, tokenId: adasToken, needed, until: later, at, by: ada },
    proposed: {
      ...{ action: 'createUser', subject: 'press', params: {}, query: {}, body: {} },
      ...{ credentialId: null, gives: [], gains: [], hash },
    },
  },
});
const approved = (seed: object = { seedId }, by: typeof bob | typeof eve = bob): ProposalEvent => ({
  type: 'ProposalApproved',
  data: { proposalId, tokenId: by === bob ? bobsToken : evesToken, needed: 2, ...seed, at, by },
});
const approve = (over: object = {}): ProposalCommand => ({
  ...{ type: 'Approve', proposalId, shown: hash, now: hash, tokenId: bobsToken },
  ...{ needed: 2, seedId, at, by: bob, ...over },
});
const carriedOut: ProposalEvent = {
  type: 'ProposalCarriedOut',
  data: { proposalId, problem: null, answerId, at, by: system },
};
const collected = (over: object = {}): ProposalEvent => ({
  type: 'ProposalCollected',
  data: { proposalId, tokenId: adasToken, at, by: ada, ...over },
});
const collect = (over: object = {}): ProposalCommand => ({
  ...{ type: 'Collect', proposalId, tokenId: adasToken, askedAgainAfter: at, at, by: ada },
  ...over,
});

test('the last approval names the seed, and no earlier one', () => {
  given(made()).when(approve()).thenRecorded(approved());
  given(made())
    .when(approve({ seedId: null }))
    .thenRecorded(approved({}));
  given(made(3))
    .when(approve({ needed: 2 }))
    .thenRecorded(approved({}));
  given(made())
    .when(approve({ needed: 3 }))
    .thenRecorded(approved({ needed: 3 }));
});

test('who proposed it, what changed and what is over are not approved', () => {
  given(made())
    .when(approve({ by: ada, tokenId: adasToken }))
    .thenRefused('self-approval');
  for (const changed of [{ shown: other }, { now: other }])
    given(made()).when(approve(changed)).thenRefused('approval-changed');
  given(made())
    .when(approve({ at: later }))
    .thenRefused('approval-ended');
  given(made(), approved())
    .when(approve({ by: eve, tokenId: evesToken }))
    .thenRefused('approval-ended');
  given(made(), approved()).when(approve()).thenNothing();
});

test('the answer is given when there is one, to one session', () => {
  given(made(), approved()).when(collect()).thenRefused('approval-ended');
  given(made(), approved(), carriedOut).when(collect()).thenRecorded(collected());
  given(made(), approved(), carriedOut, collected())
    .when(collect({ tokenId: evesToken, askedAgainAfter: later }))
    .thenRefused('approval-ended');
});

test('what was lost on its way is given again to the same session, and the time runs anew', () => {
  const lost = given(made(), approved(), carriedOut, collected());
  lost.when(collect()).thenRefused('approval-ended');
  lost.when(collect({ at: later, askedAgainAfter: later })).thenRecorded(collected({ at: later }));
  given(made(), approved(), carriedOut, collected(), collected({ at: later }))
    .when(collect({ at: later, askedAgainAfter: later }))
    .thenRefused('approval-ended');
});

test.run();
