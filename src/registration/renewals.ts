/** Renewal at every door that has it: so many a minute for one client, over all of them. */
import type { ClientKey } from '../../domain/client/events.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { Cause } from '../commands/handle.ts';
import { renewalsPerMinuteMax } from '../limits/credentials.ts';
import { createThrottle } from '../platform/throttle.ts';
import type { Certificates } from './certificates.ts';

type RenewalAnswer =
  /** PEM, the client's own first, the root last. */
  | { readonly kind: 'renewed'; readonly chain: string }
  /** The shown one authorises nothing now. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number };

export interface Renewals {
  /** The next certificate. @throws StoreUnavailable, Conflict */
  renew(shown: ShownCertificate, key: ClientKey, cause: Cause): Promise<RenewalAnswer>;
}

export function createRenewals(certificates: Pick<Certificates, 'renew'>): Renewals {
  const throttle = createThrottle(renewalsPerMinuteMax);
  return {
    async renew(shown, key, cause) {
      const retryAfterSeconds = throttle.waitSeconds(shown.username);
      if (retryAfterSeconds > 0) return { kind: 'throttled', retryAfterSeconds };
      throttle.count(shown.username);
      const chain = await certificates.renew(shown, key, cause);
      return chain === undefined ? { kind: 'refused' } : { kind: 'renewed', chain };
    },
  };
}
