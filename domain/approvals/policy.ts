/** How many different people a command needs: a fact in the log, so that all nodes agree. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event } from '../decider.ts';
import { caused } from '../values.ts';

/** The one stream of the category: `policy-main`. */
export const policyId = 'main';

export const approvalsNeededMax = 9;

const Needed = z.int().min(1).max(approvalsNeededMax);

export const PolicyEvent = z.discriminatedUnion('type', [
  event('ApprovalsRequired', { needed: Needed, ...caused }),
]);
export type PolicyEvent = z.infer<typeof PolicyEvent>;

type PolicyCommand = CommandBase<'RequireApprovals', { readonly needed: number }>;

/** Nobody ever said another number: one. */
interface PolicyState {
  readonly needed: number;
}

const decide = (command: PolicyCommand, state: PolicyState): Decision<PolicyEvent, never> => {
  const { needed, at, by } = command;
  return needed === state.needed
    ? accept()
    : accept({ type: 'ApprovalsRequired', data: { needed, at, by } });
};

export const policy: Decider<PolicyState, PolicyCommand, PolicyEvent, never> = {
  category: 'policy',
  Event: PolicyEvent,
  initial: { needed: 1 },
  decide,
  evolve: (_state, { data }) => ({ needed: data.needed }),
};
