/** The certificate that the registry's CA issues to this service itself, renewed before it ends. */
import { generateKeyPairSync, randomBytes, type X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import {
  serverCertificateDays,
  serverCertificateLookEveryMs,
  serverCertificateRenewedAt,
} from '../../limits/credentials.ts';
import { pause } from '../../platform/pause.ts';
import { ChangingIdentity, type ServerIdentity } from '../../platform/server-identity.ts';
import { backdatedMs, type CertificateAuthority } from './authority.ts';
import { serialFrom, serverCertificate } from './x509.ts';

interface ServerIdentityOptions {
  readonly authority: CertificateAuthority;
  /** Host names and addresses. */
  readonly names: readonly string[];
  readonly now: () => string;
  readonly onRenewed: (until: Date) => void;
  readonly signal: AbortSignal;
}

/** The key is this process's alone, and never on disk. `ended` resolves when it is renewed no more. */
export function issueServerIdentity(options: ServerIdentityOptions): {
  readonly identity: ServerIdentity;
  readonly ended: Promise<void>;
} {
  const first = issue(options);
  const identity = new ChangingIdentity(first.context);
  return { identity, ended: renew(options, identity, first.certificate) };
}

function issue({ authority, names, now }: ServerIdentityOptions): {
  readonly certificate: X509Certificate;
  readonly context: SecureContextOptions;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const issuedAtMs = Date.parse(now());
  const endsAtMs = issuedAtMs + serverCertificateDays * 24 * 3_600_000;
  const certificate = serverCertificate(authority, names, {
    serial: serialFrom(randomBytes(16)),
    publicKey,
    notBefore: new Date(issuedAtMs - backdatedMs),
    notAfter: new Date(Math.min(endsAtMs, authority.certificate.validToDate.getTime())),
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { certificate, context: { key, cert: `${certificate.toString()}${authority.chainPem}` } };
}

async function renew(
  options: ServerIdentityOptions,
  identity: ChangingIdentity,
  first: X509Certificate,
) {
  const { now, onRenewed, signal } = options;
  let certificate = first;
  while (!signal.aborted) {
    await pause(serverCertificateLookEveryMs, signal);
    const [begins, ends] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    const isDue = Date.parse(now()) >= begins + (ends - begins) * serverCertificateRenewedAt;
    if (signal.aborted || !isDue) continue;
    const next = issue(options);
    certificate = next.certificate;
    identity.change(next.context);
    onRenewed(certificate.validToDate);
  }
}
