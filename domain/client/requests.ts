/** How requests that wait are answered: granted, denied, or left until they expire. */

import { accept, refuse } from '../decider.ts';
import { mergeRights, noRights, sameRights } from '../rights.ts';
import type { ClientCommandOf, ClientDecision, ClientRefusal } from './commands.ts';
import type { Client } from './state.ts';

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

function grantAgain(command: ClientCommandOf<'GrantRegistration'>, state: Client): ClientDecision {
  const refusal = decidedBefore(state, command.requestId);
  if (refusal !== 'request-already-granted') return refuse(refusal);
  if (state.status !== 'active' || state.requestId !== command.requestId)
    return refuse('user-not-active');
  const named = Object.values(command.rights).some((value) => value !== undefined);
  const wanted = mergeRights(state.grantBase, command.rights);
  return !named || sameRights(wanted, state.grantedRights) || sameRights(wanted, state.rights)
    ? accept()
    : refuse('request-already-granted');
}

export function grant(
  command: ClientCommandOf<'GrantRegistration'>,
  state: Client,
): ClientDecision {
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
      windowId: waiting.windowId,
      credentialId: waiting.credentialId,
      rights: mergeRights(base, command.rights),
      ...(command.httpOfRoles == null ? {} : { httpOfRoles: [...command.httpOfRoles] }),
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

export function deny(command: ClientCommandOf<'DenyRegistration'>, state: Client): ClientDecision {
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

export function expireRequest(
  command: ClientCommandOf<'ExpireRegistration'>,
  state: Client,
): ClientDecision {
  const { username, requestId, at, by } = command;
  const challenger = state.status === 'active' ? state.challenger : null;
  const waiting = state.status === 'pending' ? state.waiting : challenger;
  if (waiting?.requestId !== requestId)
    return state.decided[requestId] ? accept() : refuse('request-not-found');
  if (waiting.expiresAt > at) return accept();
  return accept({
    type: challenger ? 'ReplacementExpired' : 'RegistrationExpired',
    data: { username, requestId, windowId: waiting.windowId, at, by },
  });
}
