/** Whose certificate a TLS client showed, and whether it is good now: by the log, not by the handshake alone. */
import type { TLSSocket } from 'node:tls';
import type { Authority } from '../authority.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { CertificateAuthority } from '../credentials/certificates/authority.ts';
import { fingerprintOf } from '../credentials/certificates/public-key.ts';

/** `invalid`: revoked, held, replaced, ended, or never a client's. */
type Standing = 'current' | 'invalid';

export interface ClientCertificates {
  /** The certificate of this registry whose key the handshake proved; null: none, or somebody else's. */
  of(socket: TLSSocket): ShownCertificate | null;
  standing(shown: ShownCertificate): Standing;
}

export function createClientCertificates({
  authority,
  ca,
  now,
}: {
  readonly authority: Pick<Authority, 'active'>;
  readonly ca: Pick<CertificateAuthority, 'certificate'>;
  readonly now: () => string;
}): ClientCertificates {
  const issuer = ca.certificate;
  return {
    of(socket) {
      const shown = socket.getPeerX509Certificate();
      // Not by the chain: under a root of others, others sign, too; and what has ended is still ours.
      if (shown === undefined || !shown.checkIssued(issuer) || !shown.verify(issuer.publicKey))
        return null;
      const [, username = ''] = /^CN=([^\n]+)$/.exec(shown.subject) ?? [];
      return {
        username,
        serial: shown.serialNumber.toLowerCase().padStart(32, '0'),
        notAfter: shown.validToDate.toISOString(),
        keyFingerprint: fingerprintOf(shown.publicKey.export({ type: 'spki', format: 'der' })),
      };
    },
    standing({ username, serial, notAfter }) {
      const row = authority.active(username)?.row;
      const isCurrent = row?.status === 'active' && row.certificate?.serial === serial;
      return isCurrent && notAfter > now() ? 'current' : 'invalid';
    },
  };
}
