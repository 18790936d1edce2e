/** When the list of revoked certificates was renewed last without a change. */
import { RevocationsEvent, revocationsId } from '../domain/revocations.ts';
import type { Projection } from './projection.ts';

/** An event that a list of revoked certificates is of: where it stands, and its moment. */
export interface ListedUpTo {
  readonly position: string;
  readonly at: string;
}

export const revocationRenewals: Projection<ListedUpTo, RevocationsEvent> = {
  name: 'revocations',
  version: 1,
  reads: ['revocations'],
  Event: RevocationsEvent,
  key: () => revocationsId,
  evolve: (_row, { data }, { position }) => ({ position, at: data.at }),
  columns: {},
};
