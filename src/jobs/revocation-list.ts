/** Renews the list of revoked certificates before it ends, also where nobody asks for it. */
import { crlLookEveryMs } from '../limits/credentials.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import type { RevocationList } from '../registration/revocation-list.ts';

/** Runs until the signal aborts; resolves then. */
export async function startRenewingRevocationList(
  list: Pick<RevocationList, 'current' | 'isUsed'>,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (list.isUsed()) await list.current();
    } catch (error) {
      if (!signal.aborted)
        logger.warn('The list of revoked certificates could not be renewed; trying again', {
          error,
        });
    }
    await pause(crlLookEveryMs, signal);
  }
}
