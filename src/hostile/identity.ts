/** A CA that changes: at some handshakes somebody else shows a certificate for the same names. */
import type { ServerIdentity } from '../platform/server-identity.ts';
import type { Fates } from './fates.ts';

/** @param impostor of another CA; whoever trusts its server trusts anybody */
export const hostileIdentity = (
  own: ServerIdentity,
  impostor: ServerIdentity,
  fates: () => Pick<Fates, 'isImpostor'>,
): ServerIdentity => ({
  current: () => (fates().isImpostor() ? impostor : own).current(),
  onChange: () => undefined,
  isAnewEachTime: true,
});
