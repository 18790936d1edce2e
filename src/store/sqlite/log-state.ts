/** The state of an embedded log (live, filling, sealed): a row of its own beside the log's identity. */
import type { DatabaseSync } from 'node:sqlite';
import { LogState } from '../log-state.ts';

export function logStateIn(database: DatabaseSync) {
  const select = database.prepare(`SELECT value FROM meta WHERE name = 'mark'`);
  return {
    /** A log that never said otherwise is live. */
    read: (): LogState => LogState.parse(select.get()?.value ?? 'live'),
  };
}
