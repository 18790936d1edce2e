/** What a client is told at a door, and how much of why: the rest of the registry stays behind it. */
import { certificateShown } from '../../domain/client/certificates.ts';
import type { DoorRefusal } from '../../domain/client/commands.ts';
import type { Client } from '../../domain/client/state.ts';
import type { NamedClient } from '../../projections/access.ts';
import type { HistoryRow } from '../../projections/history.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { Rows } from '../read-models/row-table.ts';

/** What a client is told. `members` only where its credential matched. */
export type DoorAnswer = { readonly position: string } & (
  | {
      readonly kind: 'pending';
      readonly requestId: string;
      readonly username: string;
      readonly pairingId: string | null;
      readonly expiresAt: string;
    }
  | {
      readonly kind: 'granted';
      readonly username: string;
      readonly requestId: string | null;
      readonly credentialId: string;
    }
  | {
      readonly kind: 'refused';
      readonly refusal: DoorRefusal;
      /** The request that waits, where it is a challenger's. */
      readonly requestId: string | null;
      readonly members: Readonly<Record<string, unknown>> | null;
      /** It is told as taken to who must not know that it waits now for the place of an active client. */
      readonly becameChallenger?: boolean;
    }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
);

export const granted = (row: NamedClient, position: string): DoorAnswer =>
  row.status === 'active'
    ? {
        kind: 'granted',
        username: row.username,
        requestId: row.requestId,
        credentialId: row.credentialId,
        position,
      }
    : { kind: 'refused', refusal: 'access-expired', requestId: null, members: null, position };

export const pending = (request: RequestRow, position: string): DoorAnswer =>
  request.kind === 'replacement'
    ? {
        kind: 'refused',
        refusal: 'replacement-pending',
        requestId: request.requestId,
        members: null,
        position,
      }
    : {
        kind: 'pending',
        requestId: request.requestId,
        username: request.username,
        pairingId: request.pairingId,
        expiresAt: request.expiresAt,
        position,
      };

/** What the owner of a matching credential may know of its refusal. */
function membersOf(history: Rows<HistoryRow>, row: NamedClient, matched: string) {
  const { username } = row;
  switch (row.status) {
    case 'denied':
      return {
        username,
        requestId: row.requestId,
        reason: row.reason,
        blockedUntil: row.blockedUntil,
      };
    case 'active':
    case 'suspended': {
      const denial = row.denial?.credentialId === matched ? row.denial : null;
      if (denial) {
        const { requestId, reason, blockedUntil } = denial;
        return { username, requestId, reason, blockedUntil };
      }
      const reason = suspensionReason(history, username);
      return { username, requestId: row.requestId, reason, blockedUntil: null };
    }
    case 'revoked':
    case 'expired':
      return { username, requestId: row.requestId, reason: row.reason };
    case 'unknown':
    case 'pending':
      return null;
  }
}

const suspensionReason = (history: Rows<HistoryRow>, username: string): unknown => {
  const where = [
    { column: 'username', is: username },
    { column: 'type', is: 'AccessSuspended' },
  ];
  return history.find({ where, limit: 1 }).items[0]?.data.reason ?? null;
};

export function refused(
  history: Rows<HistoryRow>,
  row: NamedClient,
  refusal: DoorRefusal,
  matched: string | null,
  position: string,
): DoorAnswer {
  const waits = refusal === 'replacement-pending' && row.status === 'active';
  const explained = refusal.startsWith('access-') || refusal === 'registration-denied';
  return {
    kind: 'refused',
    refusal,
    requestId: waits ? (row.challenger?.requestId ?? null) : null,
    members: matched !== null && explained ? membersOf(history, row, matched) : null,
    position,
  };
}

/** The answer to a credential of a request that is decided, whatever the gate: nothing is recorded. */
export function answerOnly(
  history: Rows<HistoryRow>,
  row: NamedClient,
  request: RequestRow,
  at: string,
  position: string,
): DoorAnswer {
  const matched = request.credentialId;
  const over = accessIsOver(row, at);
  if (row.status === 'active' && row.credentialId === matched && !over)
    return granted(row, position);
  if (row.status === 'suspended' && row.credentialId === matched && !over)
    return refused(history, row, 'access-suspended', matched, position);
  if (row.status === 'revoked' && row.credentialId === matched)
    return refused(history, row, 'access-revoked', matched, position);
  const { username, requestId, status, decision } = request;
  if (status === 'denied')
    return {
      kind: 'refused',
      refusal: 'registration-denied',
      requestId: null,
      members: {
        username,
        requestId,
        reason: decision?.reason ?? null,
        blockedUntil: blockedStill(request, at),
      },
      position,
    };
  // Expired unanswered, ended, or replaced by another credential: it opens nothing any more.
  return {
    kind: 'refused',
    refusal: 'access-expired',
    requestId: null,
    // A reason to grant it would be none for its end.
    members: { username, requestId, reason: null },
    position,
  };
}

/** The answer to who has the key of a certificate in hand; undefined: it is none that stands for this client. */
export function certified(
  history: Rows<HistoryRow>,
  row: NamedClient,
  shown: ShownCertificate,
  at: string,
  position: string,
): DoorAnswer | undefined {
  const because = (refusal: DoorRefusal) =>
    'credentialId' in row ? refused(history, row, refusal, row.credentialId, position) : undefined;
  switch (row.status) {
    case 'active':
    case 'suspended':
      if (certificateShown(row, shown) === null) return undefined;
      if (accessIsOver(row, at)) return because('access-expired');
      return row.status === 'active' ? granted(row, position) : because('access-suspended');
    case 'revoked':
    case 'expired':
      if (row.keyFingerprint !== shown.keyFingerprint) return undefined;
      return because(row.status === 'revoked' ? 'access-revoked' : 'access-expired');
    case 'unknown':
    case 'pending':
    case 'denied':
      return undefined;
  }
}

/** Access ends at its moment, whether or not that is recorded yet. */
export const accessIsOver = (row: Client, at: string): boolean =>
  (row.status === 'active' || row.status === 'suspended') &&
  row.rights.expiresAt !== null &&
  row.rights.expiresAt <= at;

const blockedStill = (request: RequestRow, at: string) => {
  const until = request.decision?.blockedUntil ?? null;
  return until !== null && until > at ? until : null;
};
