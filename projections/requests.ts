/** Every request for access and what became of it. Personal fields stay sealed. */

import { type DoorName, doorName } from '../domain/client/door-name.ts';
import { ClientEvent, type ClientKey, type Rights } from '../domain/client/events.ts';
import type { Permission } from '../domain/permission.ts';
import { noRights } from '../domain/rights.ts';
import type { Projection } from './projection.ts';
import { shortened } from './short.ts';

export interface RequestRow {
  readonly requestId: string;
  readonly username: string;
  readonly status: 'pending' | 'granted' | 'denied' | 'expired';
  readonly kind: 'new' | 'replacement';
  readonly flow: 'explicit' | 'implicit';
  readonly door: DoorName;
  readonly pairingId: string | null;
  /** Null: a rule let it ask, or in, without a window. */
  readonly windowId: string | null;
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly source: string | null;
  readonly clientId: string | null;
  readonly context: string | null;
  readonly requestedRoles: readonly string[];
  readonly requestedPermissions: readonly Permission[];
  /** The key that it asked with; null: a password alone. */
  readonly csr: ClientKey | null;
  readonly credentialId: string;
  /** Windows in which another credential asked for the same name. */
  readonly conflictCount: number;
  readonly decision: RequestDecision | null;
}

interface RequestDecision extends Rights {
  readonly by: string;
  readonly at: string;
  readonly reason: string | null;
  readonly blockedUntil: string | null;
  readonly preauthorizationId: string | null;
}

const decisions = shortened<RequestDecision>({
  ...{ roles: [], permissions: [], mqttPublishPrefix: null, mqttClientId: null, expiresAt: null },
  ...{ by: undefined, at: undefined, reason: null, blockedUntil: null, preauthorizationId: null },
});

/** Its id is the row's key. */
const rows = shortened<Omit<RequestRow, 'requestId' | 'decision'>>({
  ...{ username: undefined, status: undefined, kind: 'new' },
  ...{ flow: 'explicit', door: undefined, pairingId: null, windowId: null, requestedAt: undefined },
  ...{ expiresAt: undefined, source: null, clientId: null, context: null, requestedRoles: [] },
  ...{ requestedPermissions: [], csr: null, credentialId: undefined, conflictCount: 0 },
});

export const requests: Projection<RequestRow, ClientEvent> = {
  name: 'requests',
  version: 4,
  reads: ['client'],
  Event: ClientEvent,
  key: ({ data }) => ('requestId' in data ? data.requestId : undefined),
  keysRise: true,
  evolve: (row, { type, data }) => {
    switch (type) {
      case 'RegistrationRequested':
      case 'ReplacementRequested':
        return {
          requestId: data.requestId,
          username: data.username,
          status: 'pending',
          kind: type === 'RegistrationRequested' ? 'new' : 'replacement',
          flow: data.flow,
          door: doorName(data),
          pairingId: data.pairingId,
          windowId: data.windowId,
          requestedAt: data.at,
          expiresAt: data.expiresAt,
          source: data.source,
          clientId: data.clientId,
          context: data.context,
          requestedRoles: data.requestedRoles,
          requestedPermissions: data.requestedPermissions,
          csr: data.csr ?? null,
          credentialId: data.credentialId,
          conflictCount: 0,
          decision: null,
        };
      case 'RegistrationContested':
        return row && { ...row, conflictCount: row.conflictCount + 1 };
      case 'RegistrationGranted':
      case 'ReplacementGranted':
        return (
          row && {
            ...row,
            status: 'granted',
            decision: {
              ...data.rights,
              by: data.by.name,
              at: data.at,
              reason: data.reason,
              blockedUntil: null,
              preauthorizationId: data.preauthorizationId,
            },
          }
        );
      case 'RegistrationDenied':
      case 'ReplacementDenied':
        return (
          row && {
            ...row,
            status: 'denied',
            decision: {
              ...noRights,
              by: data.by.name,
              at: data.at,
              reason: data.reason,
              blockedUntil: data.blockedUntil,
              preauthorizationId: null,
            },
          }
        );
      case 'RegistrationExpired':
      case 'ReplacementExpired':
        return row && { ...row, status: 'expired' };
      case 'ClientCreated':
      case 'PersonSignedIn':
      case 'AdministratorReset':
      case 'AuthorizationChanged':
      case 'CredentialRotated':
      case 'CertificateIssued':
      case 'CertificateTaken':
      case 'CertificateContested':
      case 'AccessSuspended':
      case 'AccessResumed':
      case 'AccessRevoked':
      case 'AccessReinstated':
      case 'AccessExpired':
      case 'AccessEnding':
      case 'ClientErased':
        return row;
    }
  },
  written: {
    short(row) {
      const short = rows.short(row);
      if (row.decision !== null) short.decision = decisions.short(row.decision);
      return short;
    },
    whole(short, requestId) {
      const { decision } = short as { readonly decision?: unknown };
      return {
        ...{ ...rows.whole(short), requestId },
        decision: decision === undefined ? null : decisions.whole(decision),
      };
    },
  },
  columns: {
    username: (row) => row.username,
    status: (row) => row.status,
    pairingId: (row) => row.pairingId,
    /** When a waiting one expires; null: it waits no more. */
    dueAt: (row) => (row.status === 'pending' ? row.expiresAt : null),
  },
  unindexed: ['pairingId'],
};
