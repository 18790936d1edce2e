/** Opens the log, and waits for a server that does not answer yet: it may be starting, as this service is. */
import type { Config } from '../config/config.ts';
import { storeWaitMs, storeWaitToldEveryMs } from '../limits/store.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import { StoreUnavailable } from '../store/event-store.ts';
import { isShared, shownStore } from '../store/location.ts';

const againAfterMs = 1_000;

/** @throws StoreUnavailable that names the server and the setting, the signal's reason, what `open` throws */
export async function waitForStore<Store>(
  { store }: Pick<Config, 'store'>,
  open: () => Promise<Store>,
  options: { readonly logger: Logger; readonly signal: AbortSignal; readonly waitMs?: number },
): Promise<Store> {
  const { logger, signal, waitMs = storeWaitMs } = options;
  const beganMs = performance.now();
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await open();
    } catch (error) {
      // A log in this machine's own folder does not come by waiting.
      if (!(error instanceof StoreUnavailable) || !isShared({ store })) throw error;
      const nowMs = performance.now();
      const address = shownStore(store);
      if (nowMs - beganMs >= waitMs)
        throw new StoreUnavailable(
          `no answer from ${address} for ${Math.round(waitMs / 1_000)} s (GATEBOOK_STORE): ${error.message}`,
          { cause: error },
        );
      if (nowMs - toldMs >= storeWaitToldEveryMs) {
        logger.warn('Not ready yet: waiting for the event store (GATEBOOK_STORE)', {
          ...{ store: address, error: error.message },
        });
        toldMs = nowMs;
      }
      await pause(againAfterMs, signal);
    }
  }
}
