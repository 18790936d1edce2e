/**
 * A client: it asks for access, an administrator answers, and access changes and ends.
 *
 *   unknown ──ask──▶ pending ──grant──▶ active ◀──suspend/resume──▶ suspended
 *      ▲               ├──deny──▶ denied (asks again in a later window)
 *      │               └──expire──▶ unknown
 *      └──reinstate── revoked | denied | expired ◀──revoke, expire── active | suspended
 *
 * Erasing leads from every state to unknown.
 *
 * A challenger may wait beside an active client: another credential that asks to replace it.
 */

import { accept, type Decider, refuse } from '../decider.ts';
import type { Permission } from '../permission.ts';
import { noRights, sameRights } from '../rights.ts';
import { administrator } from '../role.ts';
import { decideOnCertificate } from './certificates.ts';
import type { ClientCommand, ClientCommandOf, ClientDecision, ClientRefusal } from './commands.ts';
import { requestRegistration } from './door.ts';
import { ClientEvent } from './events.ts';
import { endAccess, isPerson, signIn } from './people.ts';
import { deny, expireRequest, grant } from './requests.ts';
import { type Client, evolve, initial } from './state.ts';

export { noRights, sameRights } from '../rights.ts';
export type { ClientCommand, ClientRefusal, DoorRefusal, GivenRights } from './commands.ts';
export { ClientEvent, Rights } from './events.ts';
export { type Client, credentialIdsOf, heldRights } from './state.ts';

/** Ends a challenger's waiting, where there is one: it asked to replace what is no longer so. */
function challengerEnds(
  command: { username: string; at: string; by: ClientCommand['by']; windowId: string | null },
  state: Client,
): ClientEvent[] {
  if (state.status !== 'active' || state.challenger === null) return [];
  const { username, windowId, at, by } = command;
  return [
    {
      type: 'ReplacementDenied',
      data: {
        username,
        requestId: state.challenger.requestId,
        windowId,
        reason: null,
        blockedUntil: null,
        at,
        by,
      },
    },
  ];
}

/** As it is recorded: nothing where there is no limit. */
const ofRoles = ({
  httpOfRoles = null,
}: ClientCommandOf<'CreateClient' | 'ChangeAuthorization'>): { httpOfRoles?: Permission[] } =>
  httpOfRoles === null ? {} : { httpOfRoles: [...httpOfRoles] };

const limitIn = ({ httpLimit }: ClientCommandOf<'CreateClient' | 'RotateCredential'>) =>
  httpLimit === null ? {} : { httpLimit: [...httpLimit] };

function create(command: ClientCommandOf<'CreateClient'>, state: Client): ClientDecision {
  const { username, credentialId, rights, reason, at, by } = command;
  const limit = limitIn(command);
  const { foreignVerifierId = null } = command;
  const foreign = foreignVerifierId === null ? {} : { foreignVerifierId };
  if (isPerson(state)) return refuse('username-taken');
  switch (state.status) {
    case 'unknown':
    case 'denied':
    case 'expired':
      return accept({
        type: 'ClientCreated',
        data: {
          ...{ username, credentialId, ...limit, rights, ...ofRoles(command) },
          ...{ ...foreign, reason, at, by },
        },
      });
    case 'active':
      return state.credentialId === credentialId ? accept() : refuse('username-taken');
    case 'pending':
    case 'suspended':
    case 'revoked':
      return refuse('username-taken');
  }
}

const neverSeen = (state: Client) => state.status === 'unknown' && state.since === 'never';

function changeAuthorization(
  command: ClientCommandOf<'ChangeAuthorization'>,
  state: Client,
): ClientDecision {
  const { username, rights, reason, at, by } = command;
  if (state.status !== 'active' && state.status !== 'suspended')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  if (isPerson(state)) return refuse('user-from-sso');
  const ending = command.holdsHttpRights ? challengerEnds(command, state) : [];
  const isSame =
    sameRights(rights, state.rights) &&
    JSON.stringify(command.httpOfRoles ?? null) === JSON.stringify(state.httpOfRoles ?? null);
  if (isSame) return accept(...ending);
  return accept(...ending, {
    type: 'AuthorizationChanged',
    data: { username, rights, ...ofRoles(command), reason, at, by },
  });
}

function rotate(command: ClientCommandOf<'RotateCredential'>, state: Client): ClientDecision {
  const { username, credentialId, reason, at, by } = command;
  if (state.status !== 'active')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  if (isPerson(state)) return refuse('user-from-sso');
  if (state.credentialId === credentialId) return accept();
  const tokens = command.namedTokens === 'ended' ? { namedTokens: command.namedTokens } : {};
  return accept(...challengerEnds(command, state), {
    type: 'CredentialRotated',
    data: { username, credentialId, ...limitIn(command), ...tokens, reason, at, by },
  });
}

const changed = ({
  username,
  reason,
  at,
  by,
}: ClientCommandOf<
  'SuspendAccess' | 'ResumeAccess' | 'RevokeAccess' | 'ReinstateAccess' | 'EraseClient'
>) => ({
  username,
  reason,
  at,
  by,
});

function suspend(command: ClientCommandOf<'SuspendAccess'>, state: Client): ClientDecision {
  if (state.status === 'suspended') return accept();
  if (state.status !== 'active')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  return accept(...challengerEnds(command, state), {
    type: 'AccessSuspended',
    data: changed(command),
  });
}

function resume(command: ClientCommandOf<'ResumeAccess'>, state: Client): ClientDecision {
  if (state.status === 'active') return accept();
  if (state.status !== 'suspended')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-suspended');
  return accept({ type: 'AccessResumed', data: changed(command) });
}

function revoke(command: ClientCommandOf<'RevokeAccess'>, state: Client): ClientDecision {
  if (state.status === 'revoked') return accept();
  if (state.status !== 'active' && state.status !== 'suspended')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  return accept(...challengerEnds(command, state), {
    type: 'AccessRevoked',
    data: changed(command),
  });
}

function reinstate(command: ClientCommandOf<'ReinstateAccess'>, state: Client): ClientDecision {
  switch (state.status) {
    case 'revoked':
    case 'denied':
    case 'expired':
      return accept({ type: 'AccessReinstated', data: changed(command) });
    case 'unknown':
      if (state.since === 'reinstatement') return accept();
      if (state.since === 'barred')
        return accept({ type: 'AccessReinstated', data: changed(command) });
      return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-revoked');
    case 'pending':
    case 'active':
    case 'suspended':
      return refuse('user-not-revoked');
  }
}

/** Ends whatever waits for a decision: a request, or a challenger. */
function waitingEnds(
  command: ClientCommandOf<'EraseClient' | 'ResetAdministrator'>,
  state: Client,
): ClientEvent[] {
  if (state.status !== 'pending') return challengerEnds(command, state);
  const { username, at, by } = command;
  const { requestId, windowId } = state.waiting;
  return [{ type: 'RegistrationExpired', data: { username, requestId, windowId, at, by } }];
}

/** Whatever the client was: a waiting request ends with it, and its personal key is named no more. */
function erase(command: ClientCommandOf<'EraseClient'>, state: Client): ClientDecision {
  if (neverSeen(state)) return refuse('user-not-found');
  if (state.status === 'unknown' && (state.since === 'erasure' || state.since === 'barred'))
    return accept();
  return accept(...waitingEnds(command, state), { type: 'ClientErased', data: changed(command) });
}

/** Whatever the client was: it keeps the rights that it holds, and is an administrator without an end. */
function resetAdministrator(
  command: ClientCommandOf<'ResetAdministrator'>,
  state: Client,
): ClientDecision {
  const { username, credentialId, reason, at, by } = command;
  if (isPerson(state)) return refuse('user-from-sso');
  const isHolder = state.status === 'active' || state.status === 'suspended';
  if (state.status === 'active' && state.credentialId === credentialId) return accept();
  const held = isHolder ? state.rights : noRights;
  const roles = [...held.roles.filter((role) => role !== administrator), administrator];
  return accept(...waitingEnds(command, state), {
    type: 'AdministratorReset',
    data: {
      ...{ username, credentialId, rights: { ...held, roles, expiresAt: null } },
      ...{ reason, at, by },
    },
  });
}

function expireAccess(command: ClientCommandOf<'ExpireAccess'>, state: Client): ClientDecision {
  const { username, at, by } = command;
  if (state.status !== 'active' && state.status !== 'suspended') return accept();
  // Suspension beats any group: an end would let a person sign in again.
  if (state.status === 'suspended' && isPerson(state)) return accept();
  if (state.rights.expiresAt === null || state.rights.expiresAt > at) return accept();
  return accept(...challengerEnds(command, state), {
    type: 'AccessExpired',
    data: { username, at, by },
  });
}

/** Once for each end and lead; one with a shorter lead was more urgent already. */
function warnOfEnd(command: ClientCommandOf<'WarnOfEnd'>, state: Client): ClientDecision {
  const { username, endsAt, leadMs, at, by } = command;
  if (state.status !== 'active' && state.status !== 'suspended') return accept();
  const { rights, warned } = state;
  if (rights.expiresAt !== endsAt || endsAt <= at) return accept();
  if (warned?.endsAt === endsAt && warned.leadMs <= leadMs) return accept();
  return accept({ type: 'AccessEnding', data: { username, endsAt, leadMs, at, by } });
}

function decide(command: ClientCommand, state: Client): ClientDecision {
  switch (command.type) {
    case 'RequestRegistration':
      return requestRegistration(command, state);
    case 'GrantRegistration':
      return grant(command, state);
    case 'DenyRegistration':
      return deny(command, state);
    case 'ExpireRegistration':
      return expireRequest(command, state);
    case 'EndChallenge':
      return accept(...challengerEnds(command, state));
    case 'CreateClient':
      return create(command, state);
    case 'ResetAdministrator':
      return resetAdministrator(command, state);
    case 'SignInPerson':
      return signIn(command, state);
    case 'EndPersonAccess':
      return endAccess(command, state);
    case 'ChangeAuthorization':
      return changeAuthorization(command, state);
    case 'RotateCredential':
      return rotate(command, state);
    case 'IssueCertificate':
    case 'RenewCertificate':
    case 'TakeCertificate':
    case 'ContestCertificate':
      return decideOnCertificate(command, state);
    case 'SuspendAccess':
      return suspend(command, state);
    case 'ResumeAccess':
      return resume(command, state);
    case 'RevokeAccess':
      return revoke(command, state);
    case 'ReinstateAccess':
      return reinstate(command, state);
    case 'EraseClient':
      return erase(command, state);
    case 'ExpireAccess':
      return expireAccess(command, state);
    case 'WarnOfEnd':
      return warnOfEnd(command, state);
  }
}

export const client: Decider<Client, ClientCommand, ClientEvent, ClientRefusal> = {
  category: 'client',
  Event: ClientEvent,
  initial,
  decide,
  evolve,
};
