/** A person at the identity provider: which name is theirs, so that one person never has two. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event } from './decider.ts';
import { caused, PersonId, Text, Username } from './values.ts';

export const PersonEvent = z.discriminatedUnion('type', [
  event('PersonBound', {
    personId: PersonId,
    issuer: Text(1, 512),
    username: Username,
    ...caused,
  }),
]);
export type PersonEvent = z.infer<typeof PersonEvent>;

/** Whether a name may be theirs is looked up by who commands. */
type BindPerson = CommandBase<
  'BindPerson',
  { readonly personId: string; readonly issuer: string; readonly username: string }
>;

/** `username` null: never signed in. */
interface PersonState {
  readonly username: string | null;
}

/** The newest name counts; another takes its place only where somebody else holds that. */
function decide(command: BindPerson, state: PersonState): Decision<PersonEvent, never> {
  const { personId, issuer, username, at, by } = command;
  if (state.username === username) return accept();
  return accept({ type: 'PersonBound', data: { personId, issuer, username, at, by } });
}

export const person: Decider<PersonState, BindPerson, PersonEvent, never> = {
  category: 'person',
  Event: PersonEvent,
  initial: { username: null },
  decide,
  evolve: (_state, { data }) => ({ username: data.username }),
};
