/** Issues the certificate of a client's key: signed once its access is recorded, told once that is recorded, too. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { client } from '../../domain/client/client.ts';
import type { ClientKey } from '../../domain/client/events.ts';
import type { Client } from '../../domain/client/state.ts';
import { refuse } from '../../domain/decider.ts';
import { system } from '../../domain/values.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { Clients } from '../commands/client-commands.ts';
import type { Cause } from '../commands/handle.ts';
import { backdatedMs, type CertificateAuthority } from '../credentials/certificates/authority.ts';
import { clientCertificate, serialFrom } from '../credentials/certificates/x509.ts';
import { addMs } from '../platform/instant.ts';
import type { Rows } from '../read-models/row-table.ts';

interface CertificatesOptions {
  readonly clients: Clients;
  readonly rows: { readonly access: Rows<AccessRow> };
  readonly ca: CertificateAuthority;
  readonly ttlMs: number;
  readonly now: () => string;
}

export interface Certificates {
  /**
   * Sees to it that an active client's key has its certificate. What is signed here and not recorded, because
   * another node was first or the process ended, was seen by nobody: the next call signs anew.
   * @param key of the CSR that came with the right password of this credential: a client without a key takes it
   * @throws StoreUnavailable, Conflict
   */
  ensure(
    holder: { readonly username: string; readonly credentialId: string },
    key: ClientKey | null,
    cause: Cause,
  ): Promise<void>;
  /** PEM, the client's own first, the root last; null: it has none. */
  chainOf(username: string): string | null;
}

const isoSeconds = (ms: number): string => new Date(Math.floor(ms / 1_000) * 1_000).toISOString();

export function createCertificates(options: CertificatesOptions): Certificates {
  const { clients, rows, ca } = options;

  function sign(username: string, key: ClientKey, endsAt: string | null) {
    const at = options.now();
    const ends = [addMs(at, options.ttlMs), endsAt, ca.certificate.validToDate.toISOString()];
    const notAfter = isoSeconds(
      Math.min(...ends.filter((end) => end !== null).map((end) => Date.parse(end))),
    );
    const serial = serialFrom(randomBytes(16));
    const spki = Buffer.from(key.publicKey, 'base64');
    const { raw } = clientCertificate(ca, username, {
      serial,
      publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
      notBefore: new Date(Date.parse(at) - backdatedMs),
      notAfter: new Date(notAfter),
    });
    return { at, serial: serial.toString('hex'), notAfter, certificate: raw.toString('base64') };
  }

  function decideOn(state: Client, username: string, credentialId: string, key: ClientKey | null) {
    const wanted = state.status === 'active' ? (state.key ?? key) : null;
    if (state.status !== 'active' || wanted === null) return refuse('user-not-active');
    const signed = sign(username, wanted, state.rights.expiresAt);
    return client.decide(
      { type: 'IssueCertificate', username, credentialId, csr: wanted, ...signed, by: system },
      state,
    );
  }

  return {
    async ensure({ username, credentialId }, key, cause) {
      const row = rows.access.get(username);
      if (row?.status !== 'active' || row.certificate !== null || (row.key ?? key) === null) return;
      await clients.decide(
        username,
        async (state) => ({ decision: decideOn(state, username, credentialId, key) }),
        cause,
      );
    },
    chainOf(username) {
      const row = rows.access.get(username);
      if (row?.status !== 'active' || row.certificate === null) return null;
      const lines = row.certificate.certificate.match(/.{1,64}/g) ?? [];
      const own = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''];
      return `${own.join('\n')}${ca.chainPem}`;
    },
  };
}
