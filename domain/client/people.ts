/** People who sign in at an identity provider: a name is bound to one of them, and each sign-in is a grant with an end. */

import { accept, refuse } from '../decider.ts';
import { sameRights } from '../rights.ts';
import type { ClientCommandOf, ClientDecision } from './commands.ts';
import type { ClientEvent } from './events.ts';
import type { Client } from './state.ts';

/** A person's name has no password, and its rights are what the groups at the last sign-in gave. */
export const isPerson = ({ personId }: Client): boolean => personId !== null;

/** Whoever is not the person that the name is bound to is told so; suspension and revocation beat any group. */
export function signIn(command: ClientCommandOf<'SignInPerson'>, state: Client): ClientDecision {
  const { username, personId, issuer, rights, at, by } = command;
  const isTheirs = state.personId === personId;
  if (isPerson(state) && !isTheirs) return refuse('sso-username-taken');
  const signedIn = (credentialId: string): ClientEvent => ({
    type: 'PersonSignedIn',
    data: { username, personId, issuer, credentialId, rights, at, by },
  });
  switch (state.status) {
    case 'unknown':
      return state.since === 'barred'
        ? refuse('sso-not-permitted')
        : accept(signedIn(command.credentialId));
    case 'active': {
      if (!isTheirs) return refuse('sso-username-taken');
      // The same sign-in again: two have ends of their own.
      if (sameRights(rights, state.rights)) return accept();
      const { expiresAt } = state.rights;
      // An end that nobody has recorded yet: what it ended with stays over.
      return expiresAt !== null && expiresAt <= at
        ? accept(
            { type: 'AccessExpired', data: { username, at, by } },
            signedIn(command.credentialId),
          )
        : accept(signedIn(state.credentialId));
    }
    case 'expired':
      return isTheirs ? accept(signedIn(command.credentialId)) : refuse('sso-username-taken');
    case 'suspended':
    case 'revoked':
      return refuse(isTheirs ? 'sso-not-permitted' : 'sso-username-taken');
    case 'pending':
    case 'denied':
      return refuse('sso-username-taken');
  }
}

export function endAccess(
  { username, personId, reason, at, by }: ClientCommandOf<'EndPersonAccess'>,
  state: Client,
): ClientDecision {
  if (state.status !== 'active' || state.personId !== personId) return accept();
  return accept({ type: 'AccessExpired', data: { username, reason, at, by } });
}
