/** Tracks whether the store answers, for readiness, by its newest read and its newest write. */
import { type EventStore, StoreUnavailable } from './event-store.ts';

/** A fault older than this no longer counts: else nobody would try again and learn that it is over. */
const faultCountsMs = 5_000;

/** The same store, and the fault that keeps it from answering now; null: none known. */
export function withHealth(
  store: EventStore,
  nowMs: () => number = () => performance.now(),
): { store: EventStore; fault: () => Error | null } {
  // Apart: a full disk can still be read.
  const faults: Record<'read' | 'write', { error: Error; atMs: number } | null> = {
    read: null,
    write: null,
  };
  const watch = <T>(kind: 'read' | 'write', work: Promise<T>): Promise<T> =>
    work.then(
      (done) => {
        faults[kind] = null;
        return done;
      },
      (error) => {
        if (error instanceof StoreUnavailable) faults[kind] = { error, atMs: nowMs() };
        throw error;
      },
    );
  const { readTexts } = store;
  return {
    fault() {
      const known = faults.write ?? faults.read;
      return known !== null && nowMs() - known.atMs < faultCountsMs ? known.error : null;
    },
    store: {
      logId: store.logId,
      append: (...given) => watch('write', store.append(...given)),
      read: (stream) => watch('read', store.read(stream)),
      readAll: (after, limit) => watch('read', store.readAll(after, limit)),
      ...(readTexts && { readTexts: (after, limit) => watch('read', readTexts(after, limit)) }),
      readVault: (after, limit) => watch('read', store.readVault(after, limit)),
      head: () => watch('read', store.head()),
      follow: (after, signal) => store.follow(after, signal),
      followVault: (after, signal) => store.followVault(after, signal),
      deleteStream: (stream) => watch('write', store.deleteStream(stream)),
      close: () => store.close(),
    },
  };
}
