/** Follows what other nodes keep in the vault and destroy there, and begins again where that breaks off. */
import type { Vault } from '../credentials/vault.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';

const retryDelayMs = 1_000;

/** Resolves when the signal aborts. */
export async function watchVault(
  vault: Pick<Vault, 'watch'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted)
    try {
      await vault.watch(signal);
    } catch (error) {
      logger.warn('The vault cannot be followed; trying again', { error });
      await pause(retryDelayMs, signal);
    }
}
