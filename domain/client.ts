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
import type { Ask, ClientCommand, ClientRefusal, GivenRights } from './client-commands.ts';
import { knock } from './client-door.ts';
import { ClientEvent, type Rights } from './client-events.ts';
import { type Client, evolve, initial, noRights } from './client-state.ts';
import { accept, type Decider, type Decision, refuse } from './decider.ts';

export type { ClientCommand, ClientRefusal, DoorRefusal, GivenRights } from './client-commands.ts';
export { ClientEvent, Rights } from './client-events.ts';
export { type Client, credentialIdsOf, noRights } from './client-state.ts';

type Answer = Decision<ClientEvent, ClientRefusal>;

const over = (base: Rights, given: GivenRights): Rights => ({
  roles: given.roles ?? base.roles,
  permissions: given.permissions ?? base.permissions,
  mqttPublishPrefix:
    given.mqttPublishPrefix === undefined ? base.mqttPublishPrefix : given.mqttPublishPrefix,
  mqttClientId: given.mqttClientId === undefined ? base.mqttClientId : given.mqttClientId,
  expiresAt: given.expiresAt === undefined ? base.expiresAt : given.expiresAt,
});

/** Rights are the same whatever the order of roles and permissions. */
export function sameRights(a: Rights, b: Rights): boolean {
  const written = ({ roles, permissions, ...rest }: Rights) =>
    JSON.stringify([
      [...new Set(roles)].sort(),
      [...new Set(permissions.map((p) => `${p.context} ${p.operation} ${p.resource}`))].sort(),
      rest.mqttPublishPrefix,
      rest.mqttClientId,
      rest.expiresAt,
    ]);
  return written(a) === written(b);
}

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

/** The refusal that tells how a request that no longer waits was decided. */
function decidedBefore(state: Client, requestId: string): ClientRefusal {
  const outcome = state.decided[requestId];
  switch (outcome) {
    case 'granted':
      return 'request-already-granted';
    case 'denied':
      return 'request-already-denied';
    case 'expired':
      return 'request-expired';
    default:
      return 'request-not-found';
  }
}

function grantAgain(command: Ask<'GrantRegistration'>, state: Client): Answer {
  const refusal = decidedBefore(state, command.requestId);
  if (refusal !== 'request-already-granted') return refuse(refusal);
  if (state.status !== 'active' || state.requestId !== command.requestId)
    return refuse('user-not-active');
  const named = Object.values(command.rights).some((value) => value !== undefined);
  const wanted = over(state.grantBase, command.rights);
  return !named || sameRights(wanted, state.grantedRights) || sameRights(wanted, state.rights)
    ? accept()
    : refuse('request-already-granted');
}

function grant(command: Ask<'GrantRegistration'>, state: Client): Answer {
  const { username, requestId, reason, at, by } = command;
  const challenger = state.status === 'active' ? state.challenger : null;
  const replaces = challenger?.requestId === requestId;
  const waiting = state.status === 'pending' ? state.waiting : challenger;
  if (waiting?.requestId !== requestId) return grantAgain(command, state);
  if (waiting.expiresAt <= at) return refuse('request-expired');
  if (replaces && command.inBulk) return refuse('replacement-not-in-bulk');
  if (replaces && command.holdsHttpRights) return refuse('request-already-denied');
  if (waiting.contestedIn.length > 0 && (command.inBulk || !command.confirmContested))
    return refuse('request-contested');

  const base = replaces && state.status === 'active' ? state.rights : noRights;
  return accept({
    type: replaces ? 'ReplacementGranted' : 'RegistrationGranted',
    data: {
      username,
      requestId,
      credentialId: waiting.credentialId,
      rights: over(base, command.rights),
      reason,
      preauthorizationId: null,
      at,
      by,
    },
  });
}

/** Why a request was denied, as its denial recorded it; undefined: no longer known, or not denied. */
function denialOf(state: Client, requestId: string) {
  if (state.status === 'denied' && state.requestId === requestId) return state;
  if ((state.status === 'active' || state.status === 'suspended') && state.denial)
    return state.denial.requestId === requestId ? state.denial : undefined;
  return undefined;
}

function deny(command: Ask<'DenyRegistration'>, state: Client): Answer {
  const { username, requestId, windowId, reason, blockedUntil, at, by } = command;
  const data = { username, requestId, windowId, reason, blockedUntil, at, by };
  if (state.status === 'pending' && state.waiting.requestId === requestId)
    return accept({ type: 'RegistrationDenied', data });
  if (state.status === 'active' && state.challenger?.requestId === requestId)
    return accept({ type: 'ReplacementDenied', data });

  const before = denialOf(state, requestId);
  if (before && before.reason === reason && before.blockedUntil === blockedUntil) return accept();
  return refuse(decidedBefore(state, requestId));
}

function expireRequest(command: Ask<'ExpireRegistration'>, state: Client): Answer {
  const { username, requestId, at, by } = command;
  const data = { username, requestId, at, by };
  if (state.status === 'pending' && state.waiting.requestId === requestId)
    return state.waiting.expiresAt <= at ? accept({ type: 'RegistrationExpired', data }) : accept();
  if (state.status === 'active' && state.challenger?.requestId === requestId)
    return state.challenger.expiresAt <= at
      ? accept({ type: 'ReplacementExpired', data })
      : accept();
  return state.decided[requestId] ? accept() : refuse('request-not-found');
}

function create(command: Ask<'CreateClient'>, state: Client): Answer {
  const { username, credentialId, rights, reason, at, by } = command;
  switch (state.status) {
    case 'unknown':
    case 'denied':
    case 'expired':
      return accept({
        type: 'ClientCreated',
        data: { username, credentialId, rights, reason, at, by },
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

function changeAuthorization(command: Ask<'ChangeAuthorization'>, state: Client): Answer {
  const { username, rights, reason, at, by } = command;
  if (state.status !== 'active' && state.status !== 'suspended')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  const ending = command.holdsHttpRights ? challengerEnds(command, state) : [];
  if (sameRights(rights, state.rights)) return accept(...ending);
  return accept(...ending, {
    type: 'AuthorizationChanged',
    data: { username, rights, reason, at, by },
  });
}

function rotate(command: Ask<'RotateCredential'>, state: Client): Answer {
  const { username, credentialId, reason, at, by } = command;
  if (state.status !== 'active')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  if (state.credentialId === credentialId) return accept();
  return accept(...challengerEnds(command, state), {
    type: 'CredentialRotated',
    data: { username, credentialId, reason, at, by },
  });
}

const changed = ({
  username,
  reason,
  at,
  by,
}: Ask<'SuspendAccess' | 'ResumeAccess' | 'RevokeAccess' | 'ReinstateAccess' | 'EraseClient'>) => ({
  username,
  reason,
  at,
  by,
});

function suspend(command: Ask<'SuspendAccess'>, state: Client): Answer {
  if (state.status === 'suspended') return accept();
  if (state.status !== 'active')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  return accept(...challengerEnds(command, state), {
    type: 'AccessSuspended',
    data: changed(command),
  });
}

function resume(command: Ask<'ResumeAccess'>, state: Client): Answer {
  if (state.status === 'active') return accept();
  if (state.status !== 'suspended')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-suspended');
  return accept({ type: 'AccessResumed', data: changed(command) });
}

function revoke(command: Ask<'RevokeAccess'>, state: Client): Answer {
  if (state.status === 'revoked') return accept();
  if (state.status !== 'active' && state.status !== 'suspended')
    return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-active');
  return accept(...challengerEnds(command, state), {
    type: 'AccessRevoked',
    data: changed(command),
  });
}

function reinstate(command: Ask<'ReinstateAccess'>, state: Client): Answer {
  switch (state.status) {
    case 'revoked':
    case 'denied':
    case 'expired':
      return accept({ type: 'AccessReinstated', data: changed(command) });
    case 'unknown':
      if (state.since === 'reinstatement') return accept();
      return refuse(neverSeen(state) ? 'user-not-found' : 'user-not-revoked');
    case 'pending':
    case 'active':
    case 'suspended':
      return refuse('user-not-revoked');
  }
}

/** Whatever the client was: a waiting request ends with it, and its personal key is named no more. */
function erase(command: Ask<'EraseClient'>, state: Client): Answer {
  if (neverSeen(state)) return refuse('user-not-found');
  if (state.status === 'unknown' && state.since === 'erasure') return accept();
  const { username, at, by } = command;
  const waiting: ClientEvent[] =
    state.status === 'pending'
      ? [
          {
            type: 'RegistrationExpired',
            data: { username, requestId: state.waiting.requestId, at, by },
          },
        ]
      : challengerEnds(command, state);
  return accept(...waiting, { type: 'ClientErased', data: changed(command) });
}

function expireAccess(command: Ask<'ExpireAccess'>, state: Client): Answer {
  const { username, at, by } = command;
  if (state.status !== 'active' && state.status !== 'suspended') return accept();
  if (state.rights.expiresAt === null || state.rights.expiresAt > at) return accept();
  return accept(...challengerEnds(command, state), {
    type: 'AccessExpired',
    data: { username, at, by },
  });
}

function decide(command: ClientCommand, state: Client): Answer {
  switch (command.type) {
    case 'RequestRegistration':
      return knock(command, state);
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
    case 'ChangeAuthorization':
      return changeAuthorization(command, state);
    case 'RotateCredential':
      return rotate(command, state);
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
  }
}

export const client: Decider<Client, ClientCommand, ClientEvent, ClientRefusal> = {
  category: 'client',
  Event: ClientEvent,
  initial,
  decide,
  evolve,
};
