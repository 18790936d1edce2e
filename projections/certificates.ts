/** Every client's certificates until they end: which are good, which are held, which are revoked. Erasure keeps it. */
import { ClientEvent } from '../domain/client/events.ts';
import type { Projection } from './projection.ts';
import type { ListedUpTo } from './revocations.ts';

interface CertificateRow {
  readonly serial: string;
  /** The identifier of its issuer's key, as the certificate names it: 40 hex digits; null: it names none. */
  readonly issuer: string | null;
  readonly notAfter: string;
  /** Since when it is revoked, for ever; null: it is not. */
  readonly revokedAt: string | null;
}

export interface CertificatesRow {
  readonly username: string;
  readonly certificates: readonly CertificateRow[];
  /** Serial of the one that is current; null: none is. */
  readonly current: string | null;
  /** Serial of the one that waits for its first use; null: none does. */
  readonly next: string | null;
  /** Since when access is suspended; null: it is not. */
  readonly heldAt: string | null;
  /** The newest event that may have changed what is listed of them. */
  readonly changed: ListedUpTo;
}

type Unplaced = Omit<CertificatesRow, 'changed'>;

/** All but those that are still to open. */
const revokedBut = (
  certificates: readonly CertificateRow[],
  kept: readonly (string | null)[],
  at: string,
): CertificateRow[] =>
  certificates.map((one) =>
    kept.includes(one.serial) ? one : { ...one, revokedAt: one.revokedAt ?? at },
  );

const revoked = (row: Unplaced, at: string): Unplaced => ({
  ...{ ...row, current: null, next: null, heldAt: null },
  certificates: revokedBut(row.certificates, [], at),
});

const begun = (username: string): Unplaced => ({
  ...{ username, certificates: [], current: null, next: null, heldAt: null },
});

/** An authority key identifier (RFC 5280, section 4.2.1.1) of 20 octets and nothing else, up to those. */
const authorityKeyIdentifier = Buffer.from('0603551d23041830168014', 'hex');

function issuerOf(certificate: string): string | null {
  const der = Buffer.from(certificate, 'base64');
  const at = der.indexOf(authorityKeyIdentifier);
  const from = at + authorityKeyIdentifier.length;
  return at < 0 || from + 20 > der.length ? null : der.toString('hex', from, from + 20);
}

type Issued = Extract<ClientEvent, { type: 'CertificateIssued' }>['data'];

/** The first one, or the one after an ended one, is current; any other is the next, and ends a next of before. */
function issued(row: Unplaced, { serial, notAfter, certificate, at }: Issued): Unplaced {
  // What has ended needs no list to say so.
  const unended = row.certificates.filter((one) => one.notAfter > at);
  const hasCurrent = unended.some((one) => one.serial === row.current);
  const [current, next] = hasCurrent ? [row.current, serial] : [serial, row.next];
  const all = [...unended, { serial, issuer: issuerOf(certificate), notAfter, revokedAt: null }];
  return { ...row, current, next, certificates: revokedBut(all, [current, next], at) };
}

function taken(row: Unplaced, serial: string, at: string): Unplaced {
  if (row.next !== serial) return row;
  const certificates = revokedBut(row.certificates, [serial], at);
  return { ...row, current: serial, next: null, certificates };
}

function evolve(row: Unplaced | undefined, { type, data }: ClientEvent): Unplaced | undefined {
  switch (type) {
    case 'CertificateIssued':
      return issued(row ?? begun(data.username), data);
    case 'CertificateTaken':
      return row && taken(row, data.serial, data.at);
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
    case 'PersonSignedIn':
    case 'AuthorizationChanged':
    case 'AccessReinstated':
    case 'CertificateContested':
    case 'AccessEnding':
      return row;
  }
}

const issuerIn = ({ certificates: all }: Unplaced, serial: string | null): string | null =>
  all.find((one) => one.serial === serial)?.issuer ?? null;

/** Of those that open, or wait for their first use. */
const issuersIn = (row: Unplaced): Set<string> =>
  new Set([issuerIn(row, row.current), issuerIn(row, row.next)].filter((one) => one !== null));

const issuerMark = 'issuer ';
const issuerLabel = (keyId: string): string => `${issuerMark}${keyId}`;

/** The issuer that a label counts the clients of; null: it counts something else. */
export const labelledIssuer = (label: string): string | null =>
  label.startsWith(issuerMark) ? label.slice(issuerMark.length) : null;

export const certificates: Projection<CertificatesRow, ClientEvent> = {
  name: 'certificates',
  version: 4,
  reads: ['client'],
  Event: ClientEvent,
  // Most events of a log: who asks for access has no certificate that this changes, and none is looked for.
  key: ({ type, data }) => (type === 'RegistrationRequested' ? undefined : data.username),
  evolve: (row, event, { position }) => {
    const after = evolve(row, event);
    return after === undefined || after === row
      ? row
      : { ...after, changed: { position, at: event.data.at } };
  },
  counted: { always: () => [], now: (row) => [...issuersIn(row)].map(issuerLabel) },
  columns: {
    currentIssuer: (row) => issuerIn(row, row.current),
    nextIssuer: (row) => issuerIn(row, row.next),
    changedAt: ({ changed }) => changed.position,
    /** Whether any of them stands on the list of revoked ones. */
    isListed: ({ certificates: all, heldAt }) =>
      heldAt !== null || all.some(({ revokedAt }) => revokedAt !== null) ? 1 : null,
  },
};
