/** Decides on certificates: one that is current, at most one next, told apart by serial (SPEC 11). */
import { accept, refuse } from '../decider.ts';
import type { ClientCommandOf, ClientDecision } from './commands.ts';
import type { Client } from './state.ts';

type CertificateChange =
  | ClientCommandOf<'IssueCertificate'>
  | ClientCommandOf<'RenewCertificate'>
  | ClientCommandOf<'TakeCertificate'>
  | ClientCommandOf<'ContestCertificate'>;

const nothingHeld = (state: Client): ClientDecision =>
  refuse(
    state.status === 'unknown' && state.since === 'never' ? 'user-not-found' : 'user-not-active',
  );

/** One for each key: what was issued first stands until it ends, and a later one is thrown away by who signed it. */
function issue(command: ClientCommandOf<'IssueCertificate'>, state: Client): ClientDecision {
  const { username, credentialId, csr, serial, notAfter, certificate, at, by } = command;
  if (state.status !== 'active' || state.credentialId !== credentialId) return nothingHeld(state);
  if (state.certificate !== null && state.certificate.notAfter > at) return accept();
  // Where access ends this second, it would never be good.
  if (notAfter <= at) return refuse('user-not-active');
  // Only the key that was granted, or the first that the right password brings.
  if (state.key !== null && state.key.fingerprint !== csr.fingerprint)
    return refuse('user-not-active');
  return accept({
    type: 'CertificateIssued',
    data: { username, credentialId, csr, serial, notAfter, certificate, at, by },
  });
}

/** The certificate in hand authorises the next one's key; the same key as an unused next gets that one again. */
function renew(command: ClientCommandOf<'RenewCertificate'>, state: Client): ClientDecision {
  const { username, shown, csr, serial, notAfter, certificate, at, by } = command;
  if (state.status !== 'active' || state.certificate === null) return nothingHeld(state);
  if (state.certificate.serial !== shown || state.certificate.notAfter <= at)
    return refuse('user-not-active');
  const { credentialId, next } = state;
  if (next !== null && next.key.fingerprint === csr.fingerprint && next.notAfter > at)
    return accept();
  if (notAfter <= at) return refuse('user-not-active');
  return accept({
    type: 'CertificateIssued',
    data: { username, credentialId, csr, serial, notAfter, certificate, at, by },
  });
}

/** The next one's first use: from then on it is the current one, and the old one opens nothing. */
function take(command: ClientCommandOf<'TakeCertificate'>, state: Client): ClientDecision {
  const { username, serial, at, by } = command;
  if (state.status !== 'active') return nothingHeld(state);
  if (state.certificate?.serial === serial) return accept();
  if (state.next?.serial !== serial || state.next.notAfter <= at) return refuse('user-not-active');
  const { credentialId } = state;
  return accept({ type: 'CertificateTaken', data: { username, credentialId, serial, at, by } });
}

/** Somebody has the key of a certificate that another took the place of: two hold what one should. Once for each. */
function contest(command: ClientCommandOf<'ContestCertificate'>, state: Client): ClientDecision {
  const { username, serial, at, by } = command;
  if (state.status !== 'active') return accept();
  const used = state.replaced.find((one) => one.serial === serial);
  if (used === undefined || used.isContested) return accept();
  return accept({ type: 'CertificateContested', data: { username, serial, at, by } });
}

/**
 * Which certificate of a client was shown; null: none that it holds. Serial and key must fit: whoever has the key of
 * a CA can issue any serial to a key of their own.
 */
export function certificateShown(
  state: Pick<Extract<Client, { status: 'active' | 'suspended' }>, 'certificate' | 'key' | 'next'>,
  { serial, keyFingerprint }: { readonly serial: string; readonly keyFingerprint: string },
): 'current' | 'next' | null {
  const { certificate, key, next } = state;
  if (certificate?.serial === serial && key?.fingerprint === keyFingerprint) return 'current';
  return next?.serial === serial && next.key.fingerprint === keyFingerprint ? 'next' : null;
}

export function decideOnCertificate(command: CertificateChange, state: Client): ClientDecision {
  switch (command.type) {
    case 'IssueCertificate':
      return issue(command, state);
    case 'RenewCertificate':
      return renew(command, state);
    case 'TakeCertificate':
      return take(command, state);
    case 'ContestCertificate':
      return contest(command, state);
  }
}
