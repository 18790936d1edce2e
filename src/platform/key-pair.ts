/** Whether a certificate and a private key belong together. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** PEM; of a chain the first certificate counts. What does not fit: one of the two, or both together; null: nothing. */
export function keyPairFault(cert: string, key: string): 'certificate' | 'key' | 'pair' | null {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    return 'certificate';
  }
  try {
    return certificate.checkPrivateKey(createPrivateKey(key)) ? null : 'pair';
  } catch {
    return 'key';
  }
}
