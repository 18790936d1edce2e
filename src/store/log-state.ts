/** Which of two copies of one log is live: only that one takes events from the service. */
import { z } from 'zod';
import { LogNotLive } from './errors.ts';
import type { EventStore } from './event-store.ts';

/** `filling`: a copy into it has begun and not ended. `sealed`: it was moved to another store. */
export const LogState = z.enum(['live', 'filling', 'sealed']);
export type LogState = z.infer<typeof LogState>;

/** What an adapter adds to the port, so that its logs can be moved. */
export interface MovableStore extends EventStore {
  getState(): Promise<LogState>;
  /** On disk when it resolves, and known to every process that has the log open. */
  setState(state: LogState): Promise<void>;
  /** Whether appends that are made in one turn of the event loop share one commit: all of them, or none. */
  readonly groupsAppends: boolean;
}

/** What a log is opened for: the service takes only one that is live, a copy takes any. */
export type Purpose = 'service' | 'copy';

/** @throws LogNotLive that says what to do. */
export function assertLive(state: LogState, purpose: Purpose = 'service'): void {
  if (purpose === 'copy' || state === 'live') return;
  throw new LogNotLive(
    state === 'sealed'
      ? 'this log was copied and sealed: point GATEBOOK_STORE and GATEBOOK_DATA_DIR to the copy, or, ' +
          'where that was a mistake, lift the seal with: gatebook copy --unseal --from THIS --to COPY'
      : 'a copy or a restore into this log has not ended: run the same gatebook copy again, it goes on where it was; ' +
          'after gatebook restore, empty the folder and restore again',
  );
}
