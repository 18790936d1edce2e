/** Waits at the start until the read models are as far as the log was, and logs how far they are. */
import { catchUpToldEveryMs } from '../limits/rows.ts';
import type { Logger } from '../logger.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import type { Position } from '../store/event-store.ts';

/** How soon a service that is told to stop meanwhile does. */
const lookEveryMs = 250;

/**
 * Without a limit: a service that answers from half its log would tell untruths.
 * @param options `total` null: positions of this log do not count its events
 * @throws the signal's reason
 */
export async function catchUp(options: {
  readonly readModels: Pick<ReadModels, 'reached' | 'resume'>;
  readonly head: Position;
  readonly total: number | null;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly nowMs?: () => number;
}): Promise<void> {
  const { readModels, head, total, logger, signal, nowMs = () => performance.now() } = options;
  let toldAtMs = nowMs();
  while (!(await readModels.reached(head, lookEveryMs))) {
    signal.throwIfAborted();
    if (nowMs() - toldAtMs < catchUpToldEveryMs) continue;
    toldAtMs = nowMs();
    const { index: done } = readModels.resume();
    logger.info('Not ready yet: folding the log', total === null ? { done } : { done, total });
  }
}
