/** What a broker has for a password whose client comes in by a certificate: this registry's nodes alone know it. */
import { createHmac, createSecretKey } from 'node:crypto';

/** The same for the same credential, on every node and after a restart; it is derived, and kept nowhere. */
export function brokerSecrets(pepper: Buffer): (credentialId: string) => string {
  const key = createSecretKey(
    createHmac('sha256', pepper).update('gatebook broker secret').digest(),
  );
  return (credentialId) => createHmac('sha256', key).update(credentialId).digest('base64url');
}
