/** Decides a registration attempt: the answer for its credential, and what is recorded (SPEC 4, rows 3 to 8). */

import { accept, type Decision, refuse } from '../decider.ts';
import { system } from '../values.ts';
import type { DoorRefusal, RequestRegistration } from './commands.ts';
import type { ClientEvent, Rights } from './events.ts';
import { isPerson } from './people.ts';
import { type Client, credentialIdsOf, type Denial, type Waiting } from './state.ts';

type DoorDecision = Decision<ClientEvent, DoorRefusal>;

const stillDenied = (denial: Denial, { at, windowId }: RequestRegistration) =>
  denial.windowId === windowId || (denial.blockedUntil !== null && at < denial.blockedUntil);

/** A grant that has ended is over before the clock has recorded it. */
const isOver = ({ expiresAt }: Rights, { at }: RequestRegistration) =>
  expiresAt !== null && expiresAt <= at;

/** Row 3: a credential that is known gets its own answer, whatever the gate; undefined: go on. */
function matchedAnswer(command: RequestRegistration, state: Client): DoorDecision | undefined {
  switch (state.status) {
    case 'unknown':
      return undefined;
    case 'pending':
      return accept();
    case 'active':
      if (command.matched === state.credentialId)
        return isOver(state.rights, command) ? refuse('access-expired') : accept();
      if (command.matched === state.challenger?.credentialId) return refuse('replacement-pending');
      return state.denial && stillDenied(state.denial, command)
        ? refuse('registration-denied')
        : undefined;
    case 'suspended':
      if (command.matched === state.credentialId) return refuse('access-suspended');
      return state.denial && stillDenied(state.denial, command)
        ? refuse('registration-denied')
        : undefined;
    case 'revoked':
      return refuse('access-revoked');
    case 'expired':
      return command.gate === 'locked' ? refuse('access-expired') : undefined;
    case 'denied':
      return stillDenied(state, command) ? refuse('registration-denied') : undefined;
  }
}

const doorOf = ({ door }: RequestRegistration) => (door === undefined ? {} : { door });

/** Row 6: another credential for a place that somebody holds. A contest is recorded once per window. */
function contest(command: RequestRegistration, windowId: string, holder: Waiting): DoorDecision {
  if (holder.contestedIn.includes(windowId)) return refuse('username-taken');
  const { username, at, by, flow, personalKeyId, source, clientId } = command;
  return accept({
    type: 'RegistrationContested',
    data: {
      username,
      requestId: holder.requestId,
      windowId,
      flow,
      ...doorOf(command),
      personalKeyId,
      source,
      clientId,
      at,
      by,
    },
  });
}

const requestedData = (command: RequestRegistration, windowId: string | null) => ({
  username: command.username,
  requestId: command.requestId,
  credentialId: command.credentialId,
  windowId,
  flow: command.flow,
  ...doorOf(command),
  pairingId: command.pairingId,
  expiresAt: command.expiresAt,
  personalKeyId: command.personalKeyId,
  source: command.source,
  clientId: command.clientId,
  context: command.context,
  requestedRoles: command.requestedRoles,
  requestedPermissions: command.requestedPermissions,
  ...(command.csr === null ? {} : { csr: command.csr }),
  ...(command.preauthorized?.keyAlone ? { admits: 'key' as const } : {}),
  at: command.at,
  by: command.by,
});

/** Rows 7 and 8. */
function enter(command: RequestRegistration, windowId: string | null): DoorDecision {
  if (command.capacity !== 'free') return refuse(command.capacity);
  return accept({ type: 'RegistrationRequested', data: requestedData(command, windowId) });
}

/** Row 4: a rule reaches free names alone, and lets in at once or lets ask; undefined: none does. */
function preauthorizedAnswer(
  command: RequestRegistration,
  state: Client,
): DoorDecision | undefined {
  const { preauthorized: rule, username, requestId, credentialId, at } = command;
  if (rule == null || state.status !== 'unknown') return undefined;
  if (rule.effect === 'ask') return enter(command, null);
  const granted = {
    ...{ username, requestId, windowId: null, credentialId, rights: rule.rights, reason: null },
    // A rule never gives HTTP rights, also where a role of it grew this instant, or grows later.
    ...{ httpOfRoles: [], preauthorizationId: rule.preauthorizationId, at, by: system },
  };
  return accept(
    { type: 'RegistrationRequested', data: requestedData(command, null) },
    { type: 'RegistrationGranted', data: granted },
  );
}

/**
 * Accepting without an event means: this credential waits, or has access. An accepted
 * `RegistrationContested` or `ReplacementRequested` is told as `username-taken`, so that nobody learns
 * at once whether a name belongs to a device.
 */
export function requestRegistration(command: RequestRegistration, state: Client): DoorDecision {
  if (command.matched !== null && credentialIdsOf(state).includes(command.matched)) {
    const answer = matchedAnswer(command, state);
    if (answer) return answer;
  }
  // A person's name is nobody's to ask for, whatever became of it.
  const preauthorized = isPerson(state) ? undefined : preauthorizedAnswer(command, state);
  if (preauthorized) return preauthorized;
  const { windowId, gate } = command;
  if (gate !== 'open' || windowId === null) return refuse('registry-locked');
  if (isPerson(state)) return refuse('username-taken');

  switch (state.status) {
    case 'pending':
      return contest(command, windowId, state.waiting);
    case 'active':
      if (state.challenger) return contest(command, windowId, state.challenger);
      if (command.holdsHttpRights || command.capacity !== 'free') return refuse('username-taken');
      if (state.denial && stillDenied(state.denial, command)) return refuse('username-taken');
      return accept({ type: 'ReplacementRequested', data: requestedData(command, windowId) });
    case 'suspended':
      return refuse('username-taken');
    case 'revoked':
      return refuse('access-revoked');
    case 'denied':
      return stillDenied(state, command) ? refuse('registration-denied') : enter(command, windowId);
    case 'unknown':
    case 'expired':
      return enter(command, windowId);
  }
}
