/** How many different people a command needs. */
import { PolicyEvent, policyId } from '../domain/approvals/policy.ts';
import type { Projection } from './projection.ts';

export interface PolicyRow {
  readonly needed: number;
}

export const policyRows: Projection<PolicyRow, PolicyEvent> = {
  name: 'policy',
  version: 1,
  reads: ['policy'],
  Event: PolicyEvent,
  key: () => policyId,
  evolve: (_row, { data }) => ({ needed: data.needed }),
  columns: {},
};
