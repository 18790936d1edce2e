/** The list of revoked certificates, where nothing changes: its renewal is an event, so that its number rises. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event } from './decider.ts';
import { caused } from './values.ts';

export const RevocationsEvent = z.discriminatedUnion('type', [
  /** `renews`: the number of the list that it takes the place of: the position of an event in the log. */
  event('RevocationListRenewed', { renews: z.string().regex(/^\d{20}$/), ...caused }),
]);
export type RevocationsEvent = z.infer<typeof RevocationsEvent>;

type RevocationsCommand = CommandBase<'RenewRevocationList', { readonly renews: string }>;

/** The number of the list that was renewed last; null: none was. */
interface RevocationsState {
  readonly renewed: string | null;
}

/** The one list. */
export const revocationsId = 'main';

const initial: RevocationsState = { renewed: null };

const evolve = (_state: RevocationsState, { data }: RevocationsEvent): RevocationsState => ({
  renewed: data.renews,
});

/** Of many nodes that find the same list too old one renews it. */
function decide(
  { renews, at, by }: RevocationsCommand,
  { renewed }: RevocationsState,
): Decision<RevocationsEvent, never> {
  if (renewed === renews) return accept();
  return accept({ type: 'RevocationListRenewed', data: { renews, at, by } });
}

export const revocations: Decider<RevocationsState, RevocationsCommand, RevocationsEvent, never> = {
  category: 'revocations',
  Event: RevocationsEvent,
  initial,
  decide,
  evolve,
};
