/** Every client's certificates until they end: which are good, which are held, which are revoked. Erasure keeps it. */
import { ClientEvent } from '../domain/client/events.ts';
import type { Projection } from './projection.ts';

interface CertificateRow {
  readonly serial: string;
  readonly notAfter: string;
  /** Since when it is revoked, for ever; null: it is not. */
  readonly revokedAt: string | null;
}

export interface CertificatesRow {
  readonly username: string;
  readonly certificates: readonly CertificateRow[];
  /** Since when access is suspended; null: it is not. */
  readonly heldAt: string | null;
}

const revoked = (row: CertificatesRow, at: string): CertificatesRow => ({
  ...row,
  certificates: row.certificates.map((one) => ({ ...one, revokedAt: one.revokedAt ?? at })),
  heldAt: null,
});

const begun = (username: string): CertificatesRow => ({ username, certificates: [], heldAt: null });

function evolve(
  row: CertificatesRow | undefined,
  { type, data }: ClientEvent,
): CertificatesRow | undefined {
  switch (type) {
    case 'CertificateIssued': {
      const { username, certificates, heldAt } = row ?? begun(data.username);
      const { serial, notAfter, at } = data;
      // What has ended needs no list to say so.
      const unended = certificates.filter((one) => one.notAfter > at);
      return {
        username,
        certificates: [...unended, { serial, notAfter, revokedAt: null }],
        heldAt,
      };
    }
    case 'AccessSuspended':
      return row && { ...row, heldAt: data.at };
    case 'AccessResumed':
      return row && { ...row, heldAt: null };
    case 'ReplacementGranted':
    case 'CredentialRotated':
    case 'AccessRevoked':
    case 'AccessExpired':
    case 'ClientErased':
    case 'AdministratorReset':
      return row && revoked(row, data.at);
    case 'RegistrationRequested':
    case 'RegistrationContested':
    case 'RegistrationGranted':
    case 'RegistrationDenied':
    case 'RegistrationExpired':
    case 'ReplacementRequested':
    case 'ReplacementDenied':
    case 'ReplacementExpired':
    case 'ClientCreated':
    case 'AuthorizationChanged':
    case 'AccessReinstated':
      return row;
  }
}

export const certificates: Projection<CertificatesRow, ClientEvent> = {
  name: 'certificates',
  version: 1,
  reads: ['client'],
  Event: ClientEvent,
  key: ({ data }) => data.username,
  evolve,
  columns: {
    /** Whether any of them stands on the list of revoked ones. */
    isListed: ({ certificates: all, heldAt }) =>
      heldAt !== null || all.some(({ revokedAt }) => revokedAt !== null) ? 1 : null,
  },
};
