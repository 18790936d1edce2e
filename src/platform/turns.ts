/** Long work a little at a time, so that nobody else waits for it, and one piece of it in a turn of the event loop. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { serial } from './serial.ts';

/** Awaited between pieces of work: resolves at once, or where it has worked for long, when its turn comes again. */
type Breathe = () => Promise<void>;

export interface Turns {
  /** For one long work; the others that began have turns of their own. */
  begin(): Breathe;
}

/** @param turnMsMax milliseconds that a work may go on for before it lets others have their turn */
export function createTurns(turnMsMax: number): Turns {
  const queue = serial();
  return {
    begin() {
      let sinceMs = performance.now();
      return async () => {
        if (performance.now() - sinceMs < turnMsMax) return;
        await queue(() => nextTurn());
        sinceMs = performance.now();
      };
    },
  };
}
