/** Notes whether the store takes what is written, for readiness: the newest write tells. */
import { type EventStore, StoreUnavailable } from './event-store.ts';

/** A fault older than this says nothing any more: others must try again, or nobody learns that it is over. */
const faultCountsMs = 5_000;

/** The same store, and what keeps it from being written to now; null: nothing that is known. */
export function observed(
  store: EventStore,
  nowMs: () => number = () => performance.now(),
): { store: EventStore; fault: () => Error | null } {
  let fault: Error | null = null;
  let faultMs = 0;
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const done = await work;
      fault = null;
      return done;
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        fault = error;
        faultMs = nowMs();
      }
      throw error;
    }
  };
  return {
    fault: () => (nowMs() - faultMs < faultCountsMs ? fault : null),
    store: {
      logId: store.logId,
      append: (stream, expectedRevision, events) =>
        watch(store.append(stream, expectedRevision, events)),
      read: (stream) => store.read(stream),
      readAll: (after, limit) => store.readAll(after, limit),
      readVault: (after, limit) => store.readVault(after, limit),
      head: () => store.head(),
      follow: (after, signal) => store.follow(after, signal),
      followVault: (after, signal) => store.followVault(after, signal),
      deleteStream: (stream) => watch(store.deleteStream(stream)),
      close: () => store.close(),
    },
  };
}
