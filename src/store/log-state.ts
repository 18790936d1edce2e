/** Whether a log may live: of two copies of one log, only one ever takes events from the service. */
import { z } from 'zod';
import { LogNotLive } from './errors.ts';
import type { EventStore } from './event-store.ts';

/** `filling`: a copy into it has begun and not ended. `sealed`: it was copied, and lives on elsewhere. */
export const LogState = z.enum(['live', 'filling', 'sealed']);
export type LogState = z.infer<typeof LogState>;

/** What an adapter adds to the port, so that its logs can be moved. */
export interface MovableStore extends EventStore {
  mark(): Promise<LogState>;
  /** On disk when it resolves, and known to every process that has the log open. */
  setMark(mark: LogState): Promise<void>;
  /** Whether appends that are made in one turn of the event loop are written together, or none of them. */
  readonly turnIsOneCommit: boolean;
}

/** What a log is opened for: the service takes only one that is live, a copy takes any. */
export type Purpose = 'service' | 'copy';

/** @throws LogNotLive that says what to do. */
export function assertLive(mark: LogState, purpose: Purpose = 'service'): void {
  if (purpose === 'copy' || mark === 'live') return;
  throw new LogNotLive(
    mark === 'sealed'
      ? 'this log was copied and sealed: point GATEBOOK_STORE to the store that it was copied to'
      : 'a copy into this log has not ended: run the same gatebook copy again, it goes on where it was',
  );
}
