/** What the decisions about a client need to know of its history. */

import type { Permission } from '../permission.ts';
import { noRights } from '../rights.ts';
import type { ClientEvent, Rights } from './events.ts';

/** Somebody who waits for a decision: the first for a free name, or the challenger of an active client. */
export interface Waiting {
  readonly requestId: string;
  readonly credentialId: string;
  /** The window that it was asked in. */
  readonly windowId: string;
  readonly expiresAt: string;
  /** The windows in which another credential asked for the same place. */
  readonly contestedIn: readonly string[];
}

/** A refusal by an administrator, kept to tell its owner and to keep the place free for this window. */
export interface Denial {
  readonly requestId: string;
  readonly credentialId: string;
  readonly windowId: string | null;
  readonly reason: string | null;
  readonly blockedUntil: string | null;
}

type RequestOutcome = 'granted' | 'denied' | 'expired';

/** Access as it was given: which credential, by which request, with which rights. */
interface GrantedAccess {
  readonly credentialId: string;
  /** The HTTP permissions that the password never goes beyond; null: its owner's are all its limit. */
  readonly httpLimit: readonly Permission[] | null;
  readonly requestId: string | null;
  readonly rights: Rights;
  /** The rights of the grant itself, so that repeating it is known for what it is. */
  readonly grantedRights: Rights;
  /** What that grant gave where it was silent: no rights, or in a replacement those of before. */
  readonly grantBase: Rights;
}

interface PastDecisions {
  /** The key that personal fields are sealed with; null: none was needed yet. */
  readonly personalKeyId: string | null;
  /** How each request that no longer waits was decided. */
  readonly decided: Readonly<Record<string, RequestOutcome>>;
  /** Counts the grants: tokens of an earlier one are over. */
  readonly generation: number;
  /** Counts rotations too: login tokens end with the password they were given for. */
  readonly loginGeneration: number;
}

export type Client = PastDecisions &
  (
    | {
        readonly status: 'unknown';
        readonly since: 'never' | 'expiry' | 'reinstatement' | 'erasure';
      }
    | { readonly status: 'pending'; readonly waiting: Waiting }
    | ({ readonly status: 'denied' } & Denial)
    | ({
        readonly status: 'active';
        readonly challenger: Waiting | null;
        /** The last refused challenger. */
        readonly denial: Denial | null;
      } & GrantedAccess)
    | ({ readonly status: 'suspended'; readonly denial: Denial | null } & GrantedAccess)
    | {
        readonly status: 'revoked' | 'expired';
        readonly credentialId: string;
        readonly requestId: string | null;
        readonly reason: string | null;
      }
  );

/** Every state that a client can be in. */
export const clientStatuses = [
  'unknown',
  'pending',
  'active',
  'suspended',
  'denied',
  'revoked',
  'expired',
] as const satisfies readonly Client['status'][];

export const initial: Client = {
  status: 'unknown',
  since: 'never',
  personalKeyId: null,
  decided: {},
  generation: 0,
  loginGeneration: 0,
};

const history = (state: Client): PastDecisions => ({
  personalKeyId: state.personalKeyId,
  decided: state.decided,
  generation: state.generation,
  loginGeneration: state.loginGeneration,
});

const decided = (state: Client, requestId: string, outcome: RequestOutcome): PastDecisions => ({
  ...history(state),
  decided: { ...state.decided, [requestId]: outcome },
});

const newGrant = (before: PastDecisions): PastDecisions => ({
  ...before,
  generation: before.generation + 1,
  loginGeneration: before.loginGeneration + 1,
});

const contested = (waiting: Waiting, requestId: string, windowId: string): Waiting =>
  waiting.requestId === requestId
    ? { ...waiting, contestedIn: [...waiting.contestedIn, windowId] }
    : waiting;

/** The credentials whose verifiers still tell something: the one that opens, and those that explain. */
export function credentialIdsOf(state: Client): string[] {
  switch (state.status) {
    case 'unknown':
      return [];
    case 'pending':
      return [state.waiting.credentialId];
    case 'active':
      return [
        state.credentialId,
        state.challenger?.credentialId,
        state.denial?.credentialId,
      ].filter((id) => id !== undefined);
    case 'suspended':
      return [state.credentialId, state.denial?.credentialId].filter((id) => id !== undefined);
    case 'denied':
    case 'revoked':
    case 'expired':
      return [state.credentialId];
  }
}

/** Takes every event as fact. */
export function evolve(state: Client, { type, data }: ClientEvent): Client {
  switch (type) {
    case 'RegistrationRequested':
      return {
        ...history(state),
        personalKeyId: data.personalKeyId,
        status: 'pending',
        waiting: waitingFrom(data),
      };
    case 'RegistrationContested':
      if (state.status === 'pending')
        return {
          ...state,
          personalKeyId: data.personalKeyId,
          waiting: contested(state.waiting, data.requestId, data.windowId),
        };
      if (state.status === 'active' && state.challenger)
        return {
          ...state,
          personalKeyId: data.personalKeyId,
          challenger: contested(state.challenger, data.requestId, data.windowId),
        };
      return state;
    case 'RegistrationGranted':
      return {
        ...newGrant(decided(state, data.requestId, 'granted')),
        ...given(data.credentialId, data.requestId, data.rights, noRights),
      };
    case 'ReplacementGranted':
      return {
        ...newGrant(decided(state, data.requestId, 'granted')),
        ...given(
          data.credentialId,
          data.requestId,
          data.rights,
          state.status === 'active' ? state.rights : noRights,
        ),
      };
    case 'RegistrationDenied':
      return {
        ...decided(state, data.requestId, 'denied'),
        status: 'denied',
        ...denialFrom(data, state.status === 'pending' ? state.waiting.credentialId : ''),
      };
    case 'RegistrationExpired':
      return { ...decided(state, data.requestId, 'expired'), status: 'unknown', since: 'expiry' };
    case 'ReplacementRequested':
      return state.status === 'active'
        ? { ...state, personalKeyId: data.personalKeyId, challenger: waitingFrom(data) }
        : state;
    case 'ReplacementDenied':
      return state.status === 'active' && state.challenger
        ? {
            ...state,
            ...decided(state, data.requestId, 'denied'),
            challenger: null,
            denial: denialFrom(data, state.challenger.credentialId),
          }
        : state;
    case 'ReplacementExpired':
      return state.status === 'active'
        ? { ...state, ...decided(state, data.requestId, 'expired'), challenger: null }
        : state;
    case 'ClientCreated':
      return {
        ...newGrant(history(state)),
        ...given(data.credentialId, null, data.rights, noRights, data.httpLimit),
      };
    case 'AdministratorReset':
      return {
        ...newGrant(history(state)),
        ...given(data.credentialId, null, data.rights, noRights),
      };
    case 'AuthorizationChanged':
      return state.status === 'active' || state.status === 'suspended'
        ? { ...state, rights: data.rights }
        : state;
    case 'CredentialRotated':
      return state.status === 'active'
        ? {
            ...state,
            credentialId: data.credentialId,
            httpLimit: data.httpLimit ?? null,
            generation: state.generation + (data.namedTokens === 'ended' ? 1 : 0),
            loginGeneration: state.loginGeneration + 1,
          }
        : state;
    case 'AccessSuspended':
      if (state.status !== 'active') return state;
      return {
        ...history(state),
        status: 'suspended',
        credentialId: state.credentialId,
        httpLimit: state.httpLimit,
        requestId: state.requestId,
        rights: state.rights,
        grantedRights: state.grantedRights,
        grantBase: state.grantBase,
        denial: state.denial,
      };
    case 'AccessResumed':
      return state.status === 'suspended'
        ? { ...state, status: 'active', challenger: null }
        : state;
    case 'AccessRevoked':
      return ended(state, 'revoked', data.reason);
    case 'AccessExpired':
      return ended(state, 'expired', null);
    case 'AccessReinstated':
      return { ...history(state), status: 'unknown', since: 'reinstatement' };
    case 'ClientErased':
      return { ...history(state), personalKeyId: null, status: 'unknown', since: 'erasure' };
  }
}

type EventData<Type extends ClientEvent['type']> = Extract<ClientEvent, { type: Type }>['data'];

const waitingFrom = (
  data: EventData<'RegistrationRequested' | 'ReplacementRequested'>,
): Waiting => ({
  requestId: data.requestId,
  credentialId: data.credentialId,
  windowId: data.windowId,
  expiresAt: data.expiresAt,
  contestedIn: [],
});

const denialFrom = (
  data: EventData<'RegistrationDenied' | 'ReplacementDenied'>,
  credentialId: string,
): Denial => ({
  requestId: data.requestId,
  credentialId,
  windowId: data.windowId,
  reason: data.reason,
  blockedUntil: data.blockedUntil,
});

const given = (
  credentialId: string,
  requestId: string | null,
  rights: Rights,
  grantBase: Rights,
  httpLimit: readonly Permission[] | null = null,
) => ({
  status: 'active' as const,
  credentialId,
  httpLimit,
  requestId,
  rights,
  grantedRights: rights,
  grantBase,
  challenger: null,
  denial: null,
});

const ended = (state: Client, status: 'revoked' | 'expired', reason: string | null): Client =>
  state.status === 'active' || state.status === 'suspended'
    ? {
        ...history(state),
        status,
        credentialId: state.credentialId,
        requestId: state.requestId,
        reason,
      }
    : state;
