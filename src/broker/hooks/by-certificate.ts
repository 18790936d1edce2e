/** Sessions of RabbitMQ that a certificate opens: the broker checks it, and tells its CN alone, before it tells the client id. */
import type { Authority } from '../../authority.ts';
import { hookRecentMs } from '../../limits/brokers.ts';
import type { Admission } from '../ports/authenticator.ts';
import { type Admissions, rightsDigest } from './admissions.ts';
import type { HookKind } from './kinds.ts';

export interface SessionsByCertificate {
  /** Whether a client may come in by a certificate, which the broker checked against the list of revoked ones. */
  admitsByCertificate(username: string): boolean;
  /**
   * Whether a session of an active client may begin, by whatever it was let in, and with this client id. One whose
   * password was not judged just now came in by a certificate.
   */
  begins(kind: HookKind, username: string, clientId: string): boolean;
}

export const sessionsByCertificate = (options: {
  readonly authority: Pick<Authority, 'active'>;
  readonly byCertificate: () => boolean;
  readonly admissions: Readonly<Record<HookKind, Admissions>>;
  readonly mayUse: (
    admission: Pick<Admission, 'username' | 'pinnedClientId'>,
    clientId: string,
  ) => boolean;
  readonly onConnect?: (outcome: 'admitted' | 'refused' | 'unavailable') => void;
}): SessionsByCertificate => ({
  admitsByCertificate(username) {
    const row = options.authority.active(username)?.row;
    const isGood = options.byCertificate() && row?.status === 'active' && row.certificate !== null;
    options.onConnect?.(isGood ? 'admitted' : 'refused');
    return isGood;
  },
  begins(kind, username, clientId) {
    const found = options.authority.active(username);
    if (found?.row.status !== 'active') return false;
    const admissions = options.admissions[kind];
    const known = admissions.of(username).get(clientId);
    const atMs = performance.now();
    if (known !== undefined && atMs - known.atMs < hookRecentMs) return true;
    const { credentialId, certificate, rights } = found.row;
    if (!options.byCertificate() || certificate === null) return true;
    const { mqttPublishPrefix: publishPrefix, mqttClientId: pinnedClientId } = rights;
    if (!options.mayUse({ username, pinnedClientId }, clientId)) return false;
    admissions.remember(username, clientId, {
      ...{ credentialId, tokenId: null, certificateSerial: certificate.serial, atMs },
      rights: rightsDigest({ permissions: found.permissions, publishPrefix, pinnedClientId }),
    });
    return true;
  },
});
