/** Every client with a history, as administrators see it. */
import { ClientEvent, type Rights } from '../domain/client/events.ts';
import { type Client, certificateEndsAt, evolve, initial } from '../domain/client/state.ts';
import { noRights } from '../domain/rights.ts';
import { type AccessRow, shortAccess, wholeAccess } from './access.ts';
import type { Projection } from './projection.ts';
import { shortened } from './short.ts';

export interface ClientRow extends Rights {
  readonly username: string;
  readonly status: Client['status'];
  readonly origin: 'registration' | 'created' | 'sso';
  readonly credential: {
    readonly credentialId: string;
    readonly kind: 'password';
    readonly createdAt: string;
  } | null;
  readonly requestId: string | null;
  /** The reason of the newest change that had one, since it last asked. */
  readonly reason: string | null;
  readonly blockedUntil: string | null;
  readonly createdAt: string;
  readonly changedAt: string;
  /** Whether it ever had access. */
  readonly everGranted: boolean;
  /** When its tokens last ended with its access or its password. */
  readonly tokensEndedAt: string | null;
  /** What decisions see. */
  readonly state: AccessRow;
}

/** What of a client stays for those who look back: only what many have in common, so that it is short. */
export interface PastClient {
  readonly status: Client['status'];
  /** What it held; null: nothing. */
  readonly rights: Rights | null;
  /** Whether another credential waited to replace its own. */
  readonly hasChallenger: boolean;
}

const holds = (
  state: Client,
): state is Extract<Client, { readonly status: 'active' | 'suspended' }> =>
  state.status === 'active' || state.status === 'suspended';

const rightsOf = (state: Client): Rights =>
  state.status === 'active' || state.status === 'suspended' ? state.rights : noRights;

/** The credential that opens now, with the moment it was first presented or made. */
function credentialOf(row: ClientRow | undefined, state: Client, at: string) {
  if (state.status !== 'active' && state.status !== 'suspended') return null;
  return row?.credential?.credentialId === state.credentialId
    ? row.credential
    : { credentialId: state.credentialId, kind: 'password' as const, createdAt: at };
}

/** A challenger that is refused says nothing of the client that it asked to replace; who asks anew starts anew. */
function reasonOf(row: ClientRow | undefined, { type, data }: ClientEvent): string | null {
  if (type === 'RegistrationRequested' || type === 'PersonSignedIn') return null;
  return 'reason' in data && type !== 'ReplacementDenied'
    ? (data.reason ?? null)
    : (row?.reason ?? null);
}

/** Made without a request. */
const isMade = (type: ClientEvent['type']) =>
  type === 'ClientCreated' || type === 'AdministratorReset';
const startsAnew = (row: ClientRow | undefined, { type }: ClientEvent) =>
  type === 'RegistrationRequested' ||
  isMade(type) ||
  (type === 'PersonSignedIn' && row?.origin !== 'sso');

function originOf(row: ClientRow | undefined, { type }: ClientEvent): ClientRow['origin'] {
  if (isMade(type)) return 'created';
  if (type === 'RegistrationRequested') return 'registration';
  return type === 'PersonSignedIn' ? 'sso' : (row?.origin ?? 'registration');
}

/** One place in the code for each status: V8 copies objects of few kinds fast, and of many at one place slowly. */
function placed(
  state: Client,
  place: Pick<AccessRow, 'username' | 'revision' | 'position'>,
): AccessRow {
  switch (state.status) {
    case 'active':
      return { ...state, ...place };
    case 'suspended':
      return { ...state, ...place };
    case 'pending':
      return { ...state, ...place };
    case 'revoked':
    case 'expired':
      return { ...state, ...place };
    case 'denied':
    case 'unknown':
      return { ...state, ...place };
  }
}

/** The label of clients that another credential waits to replace, and of those that hold a role. */
export const challenged = 'challenged';
export const roleLabel = (role: string): string => `role ${role}`;

/** What a row usually is beside its state. */
const beside = shortened<ClientRow>({
  state: ({ state }) => state,
  roles: ({ state }) => rightsOf(state).roles,
  permissions: ({ state }) => rightsOf(state).permissions,
  mqttPublishPrefix: ({ state }) => rightsOf(state).mqttPublishPrefix,
  mqttClientId: ({ state }) => rightsOf(state).mqttClientId,
  expiresAt: ({ state }) => rightsOf(state).expiresAt,
  username: ({ state }) => state.username,
  status: ({ state }) => state.status,
  origin: 'registration',
  credential: ({ state }) => (holds(state) ? credentialOf(undefined, state, state.endSetAt) : null),
  requestId: ({ state }) => ('requestId' in state ? state.requestId : null),
  reason: null,
  blockedUntil: ({ state }) => (state.status === 'denied' ? state.blockedUntil : null),
  changedAt: undefined,
  createdAt: ({ changedAt }) => changedAt,
  everGranted: true,
  tokensEndedAt: null,
});

export const clients: Projection<ClientRow, ClientEvent, PastClient> = {
  name: 'clients',
  version: 13,
  reads: ['client'],
  Event: ClientEvent,
  key: ({ data }) => data.username,
  isOftenLookedAt: true,
  evolve: (row, event, { revision, position }) => {
    const { type, data } = event;
    const { username } = data;
    const state = placed(evolve(row?.state ?? initial, event), { username, revision, position });
    const tokensEnd = row !== undefined && state.loginGeneration !== row.state.loginGeneration;
    return {
      ...rightsOf(state),
      username,
      status: state.status,
      origin: originOf(row, event),
      credential: credentialOf(row, state, data.at),
      requestId: startsAnew(row, event)
        ? 'requestId' in data
          ? data.requestId
          : null
        : type === 'ReplacementGranted'
          ? data.requestId
          : (row?.requestId ?? null),
      reason: reasonOf(row, event),
      blockedUntil: state.status === 'denied' ? state.blockedUntil : null,
      createdAt: startsAnew(row, event) || row === undefined ? data.at : row.createdAt,
      changedAt: data.at,
      everGranted: (row?.everGranted ?? false) || holds(state),
      tokensEndedAt:
        tokensEnd || type === 'AccessRevoked' || type === 'AccessExpired' || type === 'ClientErased'
          ? data.at
          : (row?.tokensEndedAt ?? null),
      state,
    };
  },
  past: ({ status, state }) => ({
    status,
    rights: state.status === 'active' || state.status === 'suspended' ? state.rights : null,
    hasChallenger: state.status === 'active' && state.challenger !== null,
  }),
  counted: {
    always: ({ status, state }) =>
      state.status === 'active' && state.challenger !== null ? [status, challenged] : [status],
    now: ({ roles }) => roles.map(roleLabel),
  },
  written: {
    short(row) {
      const short = beside.short(row);
      short.state = shortAccess(row.state);
      return short;
    },
    whole(short, key) {
      const { state, ...others } = short as { readonly state: unknown };
      return beside.whole({ ...others, state: wholeAccess(state, key) });
    },
  },
  columns: {
    status: (row) => row.status,
    everGranted: (row) => (row.everGranted ? 1 : null),
    /** When what it held was refused or ended: after some time the verifier goes too. */
    refusedAt: (row) =>
      row.status === 'denied' || row.status === 'revoked' || row.status === 'expired'
        ? row.changedAt
        : null,
    /** An administrator without an end: the last of them stays. */
    lastingAdministrator: (row) =>
      row.status === 'active' && row.roles.includes('administrator') && row.expiresAt === null
        ? 1
        : null,
    endsAt: (row) => row.expiresAt,
    /** When its access ends by itself; null: it does not, or has ended. */
    dueAt: ({ state }) =>
      state.status === 'active' || (state.status === 'suspended' && state.personId === null)
        ? state.rights.expiresAt
        : null,
    /** The verifier that it was moved in with; null: none. It may have been replaced since. */
    foreignVerifier: ({ state }) => (holds(state) ? state.foreignVerifierId : null),
    /** When its last certificate ends; null: it holds none. */
    certificateEndsAt: ({ state }) => certificateEndsAt(state),
    /** Role names between spaces, to be found one by one. */
    roles: (row) => (row.roles.length > 0 ? ` ${row.roles.join(' ')} ` : null),
  },
  unindexed: ['roles'],
};
