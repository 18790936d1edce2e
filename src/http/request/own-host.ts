/** Whether a request names this registry as its host: a page that had its own name lead here does not. */
import { foreignHosts } from '../../config/own-names.ts';
import type { Guard } from '../edge.ts';
import { malformed } from '../response/problem.ts';

/** Refuses foreign names where a request comes in over the loopback. @throws Problem 400 */
export function ownHostOnly(config: Parameters<typeof foreignHosts>[0]): Guard {
  const isForeign = foreignHosts(config);
  return (request) => {
    if (isForeign(request))
      throw malformed([
        {
          parameter: 'Host',
          detail:
            "Host is no name of this registry: use localhost, its address or the machine's name, or set GATEBOOK_PUBLIC_URL to the name (of a proxy: GATEBOOK_TRUSTED_PROXIES).",
        },
      ]);
  };
}
