/** What the decisions about a client need to know of its history. */

import type { Permission } from '../permission.ts';
import { noRights } from '../rights.ts';
import type { ClientEvent, ClientKey, Rights } from './events.ts';

/** Somebody who waits for a decision: the first for a free name, or the challenger of an active client. */
export interface Waiting {
  readonly requestId: string;
  readonly credentialId: string;
  /** The window that it was asked in; null: a rule let it ask without one. */
  readonly windowId: string | null;
  readonly expiresAt: string;
  /** The key that it asked with; null: a password alone. */
  readonly key: ClientKey | null;
  /** It has no password, though one may have come along. */
  readonly keyAlone: boolean;
  /** The windows in which another credential asked for the same place. */
  readonly contestedIn: readonly string[];
}

/** A refusal by an administrator, kept to tell its owner and to keep the place free for this window. */
export interface Denial {
  readonly requestId: string;
  readonly credentialId: string;
  readonly keyFingerprint: string | null;
  readonly windowId: string | null;
  readonly reason: string | null;
  readonly blockedUntil: string | null;
}

/** A certificate that was issued. */
interface IssuedCertificate {
  readonly serial: string;
  readonly issuedAt: string;
  readonly notAfter: string;
  /** DER in base64. */
  readonly certificate: string;
}

/** A certificate that another took the place of. */
interface ReplacedCertificate {
  readonly serial: string;
  readonly notAfter: string;
  /** Whether it was shown since. */
  readonly isContested: boolean;
}

/** Only the newest are remembered: what is older is refused as well, and told of no more. */
const replacedCertificatesMax = 32;

type RequestOutcome = 'granted' | 'denied' | 'expired';

/** Access as it was given: which credential, by which request, with which rights. */
interface GrantedAccess {
  readonly credentialId: string;
  /** What checked the password elsewhere, and does so here until its first use; null: it was made here. */
  readonly foreignVerifierId: string | null;
  /** The key that certificates are issued for; null: there is none. */
  readonly key: ClientKey | null;
  /** The certificate of that key; null: none was issued yet. */
  readonly certificate: IssuedCertificate | null;
  /** The one that was issued to follow it, and its key; null: none waits for its first use. */
  readonly next: (IssuedCertificate & { readonly key: ClientKey }) | null;
  readonly replaced: readonly ReplacedCertificate[];
  /** False: it asked with a key, and a password beside it only asks again (SPEC 4). */
  readonly passwordOpens: boolean;
  /** It has no password at all: a rule let in its key alone. */
  readonly keyAlone: boolean;
  /** The HTTP permissions that the password never goes beyond; null: its owner's are all its limit. */
  readonly httpLimit: readonly Permission[] | null;
  readonly requestId: string | null;
  readonly rights: Rights;
  /** Its roles never give it more of HTTP; absent: as much as they come to have (domain/client/http-of-roles.ts). */
  readonly httpOfRoles?: readonly Permission[];
  /** When the end that it has was set, or that it has none. */
  readonly endSetAt: string;
  /** The newest warning that was given of an end; null: none. */
  readonly warned: { readonly endsAt: string; readonly leadMs: number } | null;
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
  /** The person whose name it is, by single sign-on; null: it is nobody's, or a device's. */
  readonly personId: string | null;
}

export type Client = PastDecisions &
  (
    | {
        readonly status: 'unknown';
        /** `barred`: erased while suspended or revoked, so that a person needs a reinstatement to come back. */
        readonly since: 'never' | 'expiry' | 'reinstatement' | 'erasure' | 'barred';
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
        readonly keyFingerprint: string | null;
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
  personId: null,
};

const history = (state: Client): PastDecisions => ({
  personalKeyId: state.personalKeyId,
  decided: state.decided,
  generation: state.generation,
  loginGeneration: state.loginGeneration,
  personId: state.personId,
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

/** A credential of a client, and the SHA-256 of its key; null: it is a password alone. */
interface Credential {
  readonly credentialId: string;
  readonly keyFingerprint: string | null;
}

const waitingCredential = ({ credentialId, key }: Waiting): Credential => ({
  credentialId,
  keyFingerprint: key?.fingerprint ?? null,
});

/** The credentials that still tell something: the one that opens, and those that explain. */
export function credentialsOf(state: Client): Credential[] {
  switch (state.status) {
    case 'unknown':
      return [];
    case 'pending':
      return [waitingCredential(state.waiting)];
    case 'active':
    case 'suspended': {
      const { credentialId, key, denial } = state;
      const challenger = state.status === 'active' ? state.challenger : null;
      return [
        { credentialId, keyFingerprint: key?.fingerprint ?? null },
        ...(challenger === null ? [] : [waitingCredential(challenger)]),
        ...(denial === null ? [] : [denial]),
      ];
    }
    case 'denied':
    case 'revoked':
    case 'expired':
      return [state];
  }
}

/** What somebody was given, with the limit of what its roles give. */
export const heldRights = ({
  rights,
  httpOfRoles,
}: GrantedAccess): Rights & { readonly httpOfRoles?: readonly Permission[] } =>
  httpOfRoles === undefined ? rights : { ...rights, httpOfRoles };

export const credentialIdsOf = (state: Client): string[] =>
  credentialsOf(state).map(({ credentialId }) => credentialId);

/** The secrets that check the passwords of a client: its credentials, and what one of them was moved in with. */
export const verifierIdsOf = (state: Client): string[] =>
  (state.status === 'active' || state.status === 'suspended') && state.foreignVerifierId !== null
    ? [...credentialIdsOf(state), state.foreignVerifierId]
    : credentialIdsOf(state);

/** Whether a credential that waits or opens has no password, though one may come along. */
export const isKeyAlone = (state: Client, credentialId: string): boolean => {
  if (state.status === 'pending')
    return state.waiting.credentialId === credentialId && state.waiting.keyAlone;
  return (
    (state.status === 'active' || state.status === 'suspended') &&
    state.credentialId === credentialId &&
    state.keyAlone
  );
};

/** When the last of the certificates that open, or wait for their first use, ends; null: there is none. */
export function certificateEndsAt(state: Client): string | null {
  if (state.status !== 'active' && state.status !== 'suspended') return null;
  const ends = [state.certificate, state.next].flatMap((one) => (one === null ? [] : one.notAfter));
  return ends.sort().at(-1) ?? null;
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
        ...given(data, data.requestId, noRights),
        ...keyAsked(state.status === 'pending' ? state.waiting : null),
      };
    case 'ReplacementGranted':
      return {
        ...newGrant(decided(state, data.requestId, 'granted')),
        ...given(data, data.requestId, state.status === 'active' ? state.rights : noRights),
        ...keyAsked(state.status === 'active' ? state.challenger : null),
      };
    case 'RegistrationDenied':
      return {
        ...decided(state, data.requestId, 'denied'),
        status: 'denied',
        ...denialFrom(data, state.status === 'pending' ? state.waiting : null),
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
            denial: denialFrom(data, state.challenger),
          }
        : state;
    case 'ReplacementExpired':
      return state.status === 'active'
        ? { ...state, ...decided(state, data.requestId, 'expired'), challenger: null }
        : state;
    case 'ClientCreated':
      return {
        ...newGrant(history(state)),
        ...given(data, null, noRights, data.httpLimit),
        foreignVerifierId: data.foreignVerifierId ?? null,
      };
    case 'AdministratorReset':
      return {
        ...newGrant(history(state)),
        ...given(data, null, noRights),
      };
    case 'PersonSignedIn':
      return {
        ...(state.status === 'active' ? history(state) : newGrant(history(state))),
        ...given(data, null, noRights),
        passwordOpens: false,
        personId: data.personId,
      };
    case 'AuthorizationChanged': {
      if (state.status !== 'active' && state.status !== 'suspended') return state;
      let before = state;
      // Most have none, and a copy without it takes five times as long as one of all.
      if (state.httpOfRoles !== undefined) {
        const { httpOfRoles: _, ...others } = state;
        before = others;
      }
      return {
        ...before,
        ...ofRoles(data),
        rights: data.rights,
        endSetAt: data.rights.expiresAt === state.rights.expiresAt ? state.endSetAt : data.at,
      };
    }
    case 'AccessEnding':
      return state.status === 'active' || state.status === 'suspended'
        ? { ...state, warned: { endsAt: data.endsAt, leadMs: data.leadMs } }
        : state;
    case 'CredentialRotated':
      return state.status === 'active'
        ? {
            ...state,
            credentialId: data.credentialId,
            foreignVerifierId: null,
            ...passwordAlone,
            httpLimit: data.httpLimit ?? null,
            generation: state.generation + (data.namedTokens === 'ended' ? 1 : 0),
            loginGeneration: state.loginGeneration + 1,
          }
        : state;
    case 'CertificateIssued': {
      if (state.status !== 'active') return state;
      const { csr: key, serial, notAfter, certificate, at: issuedAt } = data;
      const issued = { serial, issuedAt, notAfter, certificate };
      return state.certificate === null || state.certificate.notAfter <= issuedAt
        ? { ...state, key, certificate: issued }
        : { ...state, next: { ...issued, key } };
    }
    case 'CertificateTaken':
      return state.status === 'active' ? taken(state, data) : state;
    case 'CertificateContested':
      return state.status === 'active' ? { ...state, replaced: contestedIn(state, data) } : state;
    case 'AccessSuspended':
      if (state.status !== 'active') return state;
      return {
        ...history(state),
        status: 'suspended',
        credentialId: state.credentialId,
        foreignVerifierId: state.foreignVerifierId,
        key: state.key,
        certificate: state.certificate,
        next: state.next,
        replaced: state.replaced,
        passwordOpens: state.passwordOpens,
        keyAlone: state.keyAlone,
        httpLimit: state.httpLimit,
        requestId: state.requestId,
        rights: state.rights,
        ...ofRoles(state),
        endSetAt: state.endSetAt,
        warned: state.warned,
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
      return {
        ...history(state),
        ...{ personalKeyId: null, personId: null, status: 'unknown' },
        since: isBarred(state) ? 'barred' : 'erasure',
      };
  }
}

/** A person who is kept out, whatever the identity provider says of them. */
const isBarred = (state: Client): boolean =>
  (state.personId !== null && (state.status === 'suspended' || state.status === 'revoked')) ||
  (state.status === 'unknown' && state.since === 'barred');

type EventData<Type extends ClientEvent['type']> = Extract<ClientEvent, { type: Type }>['data'];

const waitingFrom = (
  data: EventData<'RegistrationRequested' | 'ReplacementRequested'>,
): Waiting => ({
  requestId: data.requestId,
  credentialId: data.credentialId,
  windowId: data.windowId,
  expiresAt: data.expiresAt,
  key: data.csr ?? null,
  keyAlone: data.admits === 'key',
  contestedIn: [],
});

type Active = Extract<Client, { status: 'active' }>;

function taken(state: Active, { serial, at }: EventData<'CertificateTaken'>): Client {
  const { certificate, next, replaced } = state;
  if (next?.serial !== serial) return state;
  const { key, ...issued } = next;
  const before =
    certificate === null
      ? []
      : [{ serial: certificate.serial, notAfter: certificate.notAfter, isContested: false }];
  const unended = [...replaced, ...before].filter(({ notAfter }) => notAfter > at);
  return {
    ...{ ...state, key, certificate: issued, next: null },
    replaced: unended.slice(-replacedCertificatesMax),
  };
}

const contestedIn = ({ replaced }: Active, { serial }: EventData<'CertificateContested'>) =>
  replaced.map((one) => (one.serial === serial ? { ...one, isContested: true } : one));

const denialFrom = (
  data: EventData<'RegistrationDenied' | 'ReplacementDenied'>,
  asked: Waiting | null,
): Denial => ({
  requestId: data.requestId,
  ...(asked === null ? { credentialId: '', keyFingerprint: null } : waitingCredential(asked)),
  windowId: data.windowId,
  reason: data.reason,
  blockedUntil: data.blockedUntil,
});

/** What a credential is that has no key. */
const passwordAlone = {
  ...{ key: null, certificate: null, next: null, replaced: [], passwordOpens: true },
  keyAlone: false,
} as const;

const keyAsked = (asked: Waiting | null) =>
  asked === null || asked.key === null
    ? {}
    : { key: asked.key, passwordOpens: false, keyAlone: asked.keyAlone };

const ofRoles = ({ httpOfRoles }: { readonly httpOfRoles?: readonly Permission[] | undefined }) =>
  httpOfRoles === undefined ? {} : { httpOfRoles };

const given = (
  data: {
    readonly credentialId: string;
    readonly rights: Rights;
    readonly httpOfRoles?: readonly Permission[] | undefined;
    readonly at: string;
  },
  requestId: string | null,
  grantBase: Rights,
  httpLimit: readonly Permission[] | null = null,
) => ({
  status: 'active' as const,
  credentialId: data.credentialId,
  foreignVerifierId: null as string | null,
  key: null as ClientKey | null,
  certificate: null,
  next: null,
  replaced: [],
  passwordOpens: true,
  keyAlone: false,
  httpLimit,
  requestId,
  rights: data.rights,
  ...ofRoles(data),
  endSetAt: data.at,
  warned: null,
  grantedRights: data.rights,
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
        keyFingerprint: state.key?.fingerprint ?? null,
        requestId: state.requestId,
        reason,
      }
    : state;
