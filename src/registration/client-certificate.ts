/** Whose certificate a TLS client showed, and whether it is good now: by the log, not by the handshake alone. */
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { certificateShown } from '../../domain/client/certificates.ts';
import type { Authority } from '../authority.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { Clients } from '../commands/client-commands.ts';
import type { Cause } from '../commands/handle.ts';
import type { CertificateAuthority } from '../credentials/certificates/authority.ts';
import { fingerprintOf } from '../credentials/certificates/public-key.ts';

/** `invalid`: revoked, held, replaced, ended, or never a client's. */
type Standing = 'current' | 'next' | 'invalid';

export interface ClientCertificates {
  /** The certificate of this registry whose key the handshake proved; null: none, or somebody else's. */
  of(socket: TLSSocket): ShownCertificate | null;
  /** The same of a certificate whose key a broker has seen proven, PEM. */
  ofPem(pem: string): ShownCertificate | null;
  standing(shown: ShownCertificate): Standing;
  /**
   * Whether it opens now. The first use of a next one is recorded before it does; one whose place another took is
   * recorded as a conflict, once. @throws StoreUnavailable, Conflict
   */
  use(shown: ShownCertificate, cause: Cause): Promise<boolean>;
}

export function createClientCertificates({
  authority,
  clients,
  ca,
  now,
}: {
  readonly clients: Pick<Clients, 'change'>;
  readonly authority: Pick<Authority, 'active'>;
  readonly ca: Pick<CertificateAuthority, 'certificate'> & {
    readonly others: readonly Pick<CertificateAuthority, 'certificate'>[];
  };
  readonly now: () => string;
}): ClientCertificates {
  const issuers = [ca, ...ca.others].map(({ certificate }) => certificate);
  const isOurs = (shown: X509Certificate) =>
    issuers.some((issuer) => shown.checkIssued(issuer) && shown.verify(issuer.publicKey));
  function standing(shown: ShownCertificate): Standing {
    const row = authority.active(shown.username)?.row;
    if (row?.status !== 'active' || shown.notAfter <= now()) return 'invalid';
    return certificateShown(row, shown) ?? 'invalid';
  }
  function shownBy(shown: X509Certificate | undefined): ShownCertificate | null {
    // Not by the chain: under a root of others, others sign, too; and what has ended is still ours.
    if (shown === undefined || !isOurs(shown)) return null;
    const [, username = ''] = /^CN=([^\n]+)$/.exec(shown.subject) ?? [];
    return {
      username,
      serial: shown.serialNumber.toLowerCase().padStart(32, '0'),
      notAfter: shown.validToDate.toISOString(),
      keyFingerprint: fingerprintOf(shown.publicKey.export({ type: 'spki', format: 'der' })),
    };
  }
  return {
    of: (socket) => shownBy(socket.getPeerX509Certificate()),
    ofPem(pem) {
      try {
        return shownBy(new X509Certificate(pem));
      } catch {
        return null;
      }
    },
    standing,
    async use(shown, cause) {
      const { username, serial } = shown;
      const standsAs = standing(shown);
      if (standsAs === 'current') return true;
      const command = {
        username,
        serial,
        at: now(),
        by: { kind: 'client', name: username },
      } as const;
      if (standsAs === 'next') {
        const taken = { type: 'TakeCertificate', ...command } as const;
        return (await clients.change(username, taken, cause)).decision.accepted;
      }
      const row = authority.active(username)?.row;
      const isNews = (one: { serial: string; isContested: boolean }) =>
        one.serial === serial && !one.isContested;
      if (row?.status === 'active' && row.replaced.some(isNews))
        await clients.change(username, { type: 'ContestCertificate', ...command }, cause);
      return false;
    },
  };
}
