/** Issues the certificate of a client's key: signed once its access is recorded, told once that is recorded, too. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { client } from '../../domain/client/client.ts';
import type { ClientKey } from '../../domain/client/events.ts';
import type { Client } from '../../domain/client/state.ts';
import { refuse } from '../../domain/decider.ts';
import { system } from '../../domain/values.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
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
  /** Whether this service is reached by a name: then no client has a certificate for it (SPEC 11). */
  readonly isServerName: (name: string) => boolean;
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
  /**
   * The next certificate, for a key that the shown one authorises: PEM, the client's own first, the root last. Of
   * two who renew at once one is first; the same key gets that one. Undefined: the shown one authorises nothing now.
   * @throws StoreUnavailable, Conflict
   */
  renew(shown: ShownCertificate, key: ClientKey, cause: Cause): Promise<string | undefined>;
  /** PEM, the client's own first, the root last; null: it has none. */
  chainOf(username: string): string | null;
}

const isoSeconds = (ms: number): string => new Date(Math.floor(ms / 1_000) * 1_000).toISOString();

/** Signs what the state of a client allows, and decides on it: what is not recorded is thrown away. */
function signingBy({ ca, ttlMs, now }: CertificatesOptions) {
  function sign(username: string, key: ClientKey, endsAt: string | null) {
    const at = now();
    const ends = [addMs(at, ttlMs), endsAt, ca.certificate.validToDate.toISOString()];
    const notAfter = isoSeconds(
      Math.min(...ends.filter((end) => end !== null).map((end) => Date.parse(end))),
    );
    const serial = serialFrom(randomBytes(16));
    const { raw } = clientCertificate(ca, username, {
      serial,
      publicKey: Buffer.from(key.publicKey, 'base64'),
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

  function decideOnNext(state: Client, username: string, shown: string, key: ClientKey) {
    if (state.status !== 'active') return refuse('user-not-active');
    const signed = sign(username, key, state.rights.expiresAt);
    const by = { kind: 'client', name: username } as const;
    const renewal = { type: 'RenewCertificate', username, shown, csr: key, ...signed, by } as const;
    return client.decide(renewal, state);
  }

  return { decideOn, decideOnNext };
}

export function createCertificates(options: CertificatesOptions): Certificates {
  const { clients, rows, ca } = options;
  const { decideOn, decideOnNext } = signingBy(options);

  /** The chain of its issuer, and the roots of the others: the device knows them all before the CA changes. */
  function trustFor(der: string): string {
    if (ca.others.length === 0) return ca.chainPem;
    const all = [ca, ...ca.others];
    const leaf = new X509Certificate(Buffer.from(der, 'base64'));
    const issuer = all.find(({ certificate }) => leaf.checkIssued(certificate)) ?? ca;
    const roots = new Map(all.map(({ root }) => [root.fingerprint256, root.toString()]));
    roots.delete(issuer.root.fingerprint256);
    return [issuer.chainPem, ...roots.values()].join('');
  }

  const chain = (der: string): string => {
    const lines = der.match(/.{1,64}/g) ?? [];
    const own = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''];
    return `${own.join('\n')}${trustFor(der)}`;
  };

  return {
    async ensure({ username, credentialId }, key, cause) {
      const row = rows.access.get(username);
      if (row?.status !== 'active' || (row.key ?? key) === null) return;
      // This service may have come to be reached by that name since the client asked.
      if (options.isServerName(username)) return;
      if (row.certificate !== null && row.certificate.notAfter > options.now()) return;
      await clients.decide(
        username,
        async (state) => ({ decision: decideOn(state, username, credentialId, key) }),
        cause,
      );
    },
    async renew({ username, serial: shown }, key, cause) {
      const { decision, state } = await clients.decide(
        username,
        async (now) => ({ decision: decideOnNext(now, username, shown, key) }),
        cause,
      );
      return decision.accepted && state.status === 'active' && state.next !== null
        ? chain(state.next.certificate)
        : undefined;
    },
    chainOf(username) {
      const row = rows.access.get(username);
      return row?.status !== 'active' || row.certificate === null
        ? null
        : chain(row.certificate.certificate);
    },
  };
}
