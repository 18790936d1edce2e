/** Feeds the log to the read models; after a fault, which readiness shows, it tries again for ever. */
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import type { EventStore } from '../store/event-store.ts';
import type { ReadModels } from './read-models.ts';

const retryDelayMs = 1_000;

export interface ReadModelFollower {
  /** What keeps the read models behind the log; null: nothing. */
  fault(): Error | null;
  /** Resolves when the follower has ended. */
  readonly ended: Promise<void>;
}

export function followLog(options: {
  store: EventStore;
  readModels: ReadModels;
  logger: Logger;
  signal: AbortSignal;
}): ReadModelFollower {
  const { store, readModels, logger, signal } = options;
  let fault: Error | null = null;
  let loggedCount = 0;
  let undone = new AbortController();
  readModels.onUndone((error) => undone.abort(error));

  async function run(): Promise<void> {
    while (!signal.aborted) {
      undone = new AbortController();
      const going = AbortSignal.any([signal, undone.signal]);
      try {
        for await (const events of store.follow(readModels.resume().position, going)) {
          undone.signal.throwIfAborted();
          readModels.apply(events);
          fault = null;
          const faults = readModels.faults();
          for (const { error } of faults.slice(loggedCount)) logger.error(error.message);
          loggedCount = faults.length;
        }
        undone.signal.throwIfAborted();
      } catch (error) {
        fault = error instanceof Error ? error : new Error('the log cannot be followed');
        logger.error('The read models cannot follow the log; trying again', { error: fault });
        await pause(retryDelayMs, signal);
      }
    }
  }

  return { fault: () => fault, ended: run() };
}
