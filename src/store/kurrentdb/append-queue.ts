/** The order of appends: one at a time for each stream, and only so many at once on each connection. */
import {
  appendsWaitingMax,
  storeAppendConnectionsMax,
  storeAppendsAtOnceMax,
} from '../../limits/store.ts';
import { StoreUnavailable } from '../event-store.ts';

interface AppendQueue {
  /**
   * Runs one thing of a stream at a time: a try that is repeated must not be overtaken by the append
   * that builds on it. @throws StoreUnavailable at once when too much waits.
   */
  readonly forStream: <Result>(stream: string, work: () => Promise<Result>) => Promise<Result>;
  /**
   * Lets `storeAppendsAtOnceMax` through at once on each connection, the first that has room; the others wait
   * in order, and not for ever.
   */
  readonly whenFree: <Answer>(
    givenUpMs: number,
    ask: (connection: number) => Promise<Answer>,
  ) => Promise<Answer>;
}

export function appendQueue(): AppendQueue {
  const last = new Map<string, Promise<unknown>>();
  const waiting: ((connection: number) => void)[] = [];
  const running = Array.from({ length: storeAppendConnectionsMax }, () => 0);
  let queued = 0;

  /** So that a service with little to do keeps one connection busy, and others unopened. */
  const taken = (): number | undefined => {
    const free = running.findIndex((count) => count < storeAppendsAtOnceMax);
    if (free === -1) return undefined;
    running[free] = (running[free] as number) + 1;
    return free;
  };

  return {
    async forStream(stream, work) {
      if (queued >= appendsWaitingMax)
        throw new StoreUnavailable('too many appends wait for the event store');
      queued += 1;
      const result = (last.get(stream) ?? Promise.resolve()).then(work);
      const settled = result.then(
        () => undefined,
        () => undefined,
      );
      last.set(stream, settled);
      try {
        return await result;
      } finally {
        queued -= 1;
        if (last.get(stream) === settled) last.delete(stream);
      }
    },

    async whenFree(givenUpMs, ask) {
      const connection = taken() ?? (await new Promise<number>((resolve) => waiting.push(resolve)));
      try {
        if (performance.now() > givenUpMs)
          throw new StoreUnavailable('the event store was too slow for all that waits for it');
        return await ask(connection);
      } finally {
        const next = waiting.shift();
        if (next) next(connection);
        else running[connection] = (running[connection] as number) - 1;
      }
    },
  };
}
