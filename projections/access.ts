/** The state of each client exactly as decisions see it: for registration and authentication. A part of its row. */
import type { Client } from '../domain/client/state.ts';
import { noRights } from '../domain/rights.ts';
import { shortened } from './short.ts';

/** A client's state, and whose it is. */
export type NamedClient = Client & { readonly username: string };

/** Of its newest event: where that stands in its stream, and in the log. */
interface Newest {
  readonly revision: number;
  readonly position: string;
}

export type AccessRow = NamedClient & Newest;

type In<Status extends Client['status']> = Extract<Client, { status: Status }> & Newest;

const always = undefined;
const ofAll = {
  ...{ revision: always, position: always, status: always },
  ...{ personalKeyId: null, decided: {}, generation: 1, loginGeneration: 1, personId: null },
};
const ofAccess = {
  ...{ ...ofAll, credentialId: always, foreignVerifierId: null, key: null, certificate: null },
  ...{ next: null, replaced: [], passwordOpens: true, keyAlone: false, httpLimit: null },
  ...{ requestId: null, rights: always, httpOfRoles: always, endSetAt: always, warned: null },
  grantedRights: ({ rights }: Pick<In<'active'>, 'rights'>) => rights,
  grantBase: noRights,
};
const ofOver = {
  ...{ ...ofAll, credentialId: always, keyFingerprint: null, requestId: null, reason: null },
};

const ways = {
  unknown: shortened<In<'unknown'>>({ ...ofAll, since: always }),
  pending: shortened<In<'pending'>>({
    ...ofAll,
    generation: 0,
    loginGeneration: 0,
    waiting: always,
  }),
  denied: shortened<In<'denied'>>({
    ...{ ...ofAll, requestId: always, credentialId: always, keyFingerprint: null },
    ...{ windowId: always, reason: null, blockedUntil: null },
  }),
  active: shortened<In<'active'>>({ ...ofAccess, challenger: null, denial: null }),
  suspended: shortened<In<'suspended'>>({ ...ofAccess, denial: null }),
  revoked: shortened<In<'revoked' | 'expired'>>(ofOver),
  expired: shortened<In<'revoked' | 'expired'>>(ofOver),
};

export const shortAccess = (state: AccessRow): unknown => ways[state.status].short(state as never);

export function wholeAccess(short: unknown, username: string): AccessRow {
  const { status } = short as Pick<Client, 'status'>;
  return { ...ways[status].whole(short), username };
}
