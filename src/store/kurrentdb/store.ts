/** The event log in EventStoreDB or KurrentDB: the port over the vendor's client. */
import { setTimeout as delay } from 'node:timers/promises';
import { storeAnswerMs, storeAttemptMs, storeProbeMs } from '../../limits/store.ts';
import {
  type Appended,
  beginning,
  Conflict,
  type EventStore,
  isVaultStream,
  type NewEvent,
  noStream,
  StoreUnavailable,
} from '../event-store.ts';
import { assertLive, type MovableStore, type Purpose } from '../log-state.ts';
import { connectionTo, type KurrentConnection } from './connection.ts';
import { disksOf } from './disks.ts';
import { assertOurs, eventData } from './events.ts';
import { followingOrder } from './follow.ts';
import { identityIn } from './identity.ts';
import { eventsOf, type KurrentReading, readingFrom } from './read.ts';
import { sharedFollowing } from './shared-following.ts';
import { type KurrentWriting, writingTo } from './write.ts';

interface KurrentOptions {
  /** `kurrentdb://` or `esdb://`, one node or a cluster, with TLS, user and password. */
  readonly connectionString: string;
  /** Told of each append that was acknowledged: how long it took, and how many events it has. */
  readonly onAppend?: (seconds: number, events: number) => void;
  /** Milliseconds after which what is not answered is given up; `storeAnswerMs` by default. */
  readonly answerMs?: number;
  readonly purpose?: Purpose;
}

export interface KurrentStore extends MovableStore {
  /** Milliseconds since the store last answered; it is asked each `storeProbeMs`. */
  silentMs(): number;
}

/**
 * Opens the log; makes its identity where there is none.
 *
 * Positions are commit positions. A vault stream is deleted by a tombstone: no reader sees it any more,
 * but its bytes stay on each node's disk until a scavenge has run there.
 *
 * @throws StoreUnavailable when no node answers; LogNotLive for a log that was moved away; an Error
 *   that does not repeat the address when that cannot be read.
 */
export async function openKurrentStore(options: KurrentOptions): Promise<KurrentStore> {
  const { connectionString, onAppend, answerMs = storeAnswerMs } = options;
  const connection = connectionTo(connectionString, answerMs);
  const appending: KurrentConnection[] = [];
  const appendingAt = (place: number): KurrentConnection => {
    const one = appending[place] ?? connectionTo(connectionString, answerMs);
    appending[place] = one;
    return one;
  };
  const reading = readingFrom(connection);
  const writing = writingTo(connection, appendingAt, reading, { answerMs, onAppend });
  const identity = identityIn(reading, writing);
  const disks = disksOf(connection, connectionString, answerMs);
  const closeAll = async () => {
    await Promise.all([connection, ...appending].map((one) => one.close()));
  };
  try {
    const { logId, state } = await identity.readOrMake();
    assertLive(state, options.purpose);
    const lifecycle = lifecycleOf(closeAll, identity, options.purpose);
    return {
      logId,
      ...reads(reading, connection, lifecycle),
      ...writes(reading, writing, lifecycle),
      async getState() {
        lifecycle.assertOpen();
        return (await identity.read())?.state ?? 'live';
      },
      async setState(wanted) {
        lifecycle.assertOpen();
        await lifecycle.track(identity.setState(wanted));
        // By then every process that has the log open has looked, or cannot reach the store.
        if (wanted === 'sealed') await delay(storeProbeMs + storeAttemptMs);
      },
      groupsAppends: false,
      silentMs: connection.silentMs,
      async disks() {
        lifecycle.assertOpen();
        return await lifecycle.track(disks.disks());
      },
      async close() {
        await lifecycle.close();
        await disks.close();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type LogLifecycle = ReturnType<typeof lifecycleOf>;

/** Whether the log is open, what is under way, and a look at the store each `storeProbeMs`. */
function lifecycleOf(
  closeAll: () => Promise<void>,
  identity: ReturnType<typeof identityIn>,
  purpose: Purpose = 'service',
) {
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  let movedAway = false;
  let isLooking = false;
  const look = async () => {
    // A look may take longer than the time to the next one.
    if (isLooking) return;
    isLooking = true;
    try {
      movedAway = purpose === 'service' && (await identity.read())?.state !== 'live';
    } catch {
      // Silence is counted where it is heard.
    }
    isLooking = false;
  };
  const probe = setInterval(() => void look(), storeProbeMs);
  probe.unref();

  function assertOpen(): void {
    if (closing.signal.aborted) throw new StoreUnavailable('the log is closed');
  }

  return {
    closed: closing.signal,
    assertOpen,
    assertWritable(): void {
      assertOpen();
      if (movedAway) throw new StoreUnavailable('this log was moved to another store');
    },
    /** Keeps the connection until it is done. */
    async track<Result>(work: Promise<Result>): Promise<Result> {
      underWay.add(work);
      try {
        return await work;
      } finally {
        underWay.delete(work);
      }
    },
    async close(): Promise<void> {
      if (closing.signal.aborted) return;
      closing.abort();
      clearInterval(probe);
      await Promise.allSettled(underWay);
      await closeAll();
    },
  };
}

type Reads = Pick<EventStore, 'read' | 'readAll' | 'head' | 'follow' | 'readVault' | 'followVault'>;

function reads(
  reading: KurrentReading,
  connection: KurrentConnection,
  lifecycle: LogLifecycle,
): Reads {
  const open = <Result>(read: () => Promise<Result>): Promise<Result> => {
    lifecycle.assertOpen();
    return read();
  };
  const followLog = sharedFollowing((after, signal) => {
    const until = AbortSignal.any([signal, lifecycle.closed]);
    const following = { connection, reading, order: 'log', signal: until } as const;
    return followingOrder(after, { ...following, convert: eventsOf });
  });
  return {
    read: async (stream) => open(() => reading.stream(stream)),
    readAll: async (after, limit) => open(() => reading.log(after, limit)),
    head: async () => open(() => reading.head()),
    readVault: async (after, limit) => open(() => reading.vault(after, limit)),
    follow(after, signal) {
      lifecycle.assertOpen();
      return followLog(after, AbortSignal.any([signal, lifecycle.closed]));
    },
    followVault(after, signal) {
      lifecycle.assertOpen();
      const until = AbortSignal.any([signal, lifecycle.closed]);
      const following = { connection, reading, order: 'vault', signal: until } as const;
      return followingOrder(after, { ...following, convert: reading.changesBy });
    },
  };
}

function writes(
  reading: KurrentReading,
  writing: KurrentWriting,
  lifecycle: LogLifecycle,
): Pick<EventStore, 'append' | 'deleteStream'> {
  /** Takes down what is appended; what it gives back appends it. */
  const taken = (stream: string, expectedRevision: number, newEvents: readonly NewEvent[]) => {
    lifecycle.assertWritable();
    assertOurs(stream);
    if (!Number.isSafeInteger(expectedRevision) || expectedRevision < noStream)
      throw new TypeError('the expected revision is a whole number from -1');
    const events = newEvents.map(eventData);
    return async (): Promise<Appended> => {
      if (events.length > 0)
        return lifecycle.track(writing.append(stream, expectedRevision, events));
      const last = (await reading.stream(stream)).at(-1);
      const revision = last?.revision ?? noStream;
      if (revision !== expectedRevision)
        throw new Conflict(`${stream} is at revision ${revision}, not ${expectedRevision}`);
      return { revision, position: last?.position ?? beginning };
    };
  };

  return {
    async append(stream, expectedRevision, newEvents, secrets = []) {
      const append = taken(stream, expectedRevision, newEvents);
      if (secrets.length === 0) return await append();
      const kept = secrets.map((secret) => taken(secret.stream, noStream, [secret.event]));
      const all = async () => {
        // First: an event must never name a secret that there is not.
        await Promise.all(kept.map((keep) => keep()));
        return await append();
      };
      return await lifecycle.track(all());
    },

    async deleteStream(stream) {
      lifecycle.assertWritable();
      if (!isVaultStream(stream)) throw new TypeError('only streams of the vault can be deleted');
      await lifecycle.track(writing.tombstone(stream));
    },
  };
}
