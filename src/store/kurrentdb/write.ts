/** Writes to KurrentDB: asks again with the same event ids until it knows what became of a write. */
import {
  ANY,
  type AppendStreamState,
  type EventData,
  type KurrentDBClient,
  NO_STREAM,
} from '@kurrent/kurrentdb-client';
import { storeAttemptMs } from '../../limits/store.ts';
import { type Appended, Conflict, noStream, positionOf } from '../event-store.ts';
import { appendQueue } from './append-queue.ts';
import type { KurrentConnection } from './connection.ts';
import { isStreamDeleted, isWrongRevision } from './errors.ts';
import type { KurrentReading } from './read.ts';
import { retryUntil } from './retry.ts';

/** Larger than the server takes, so that one append is one message, and its queue holds no parts. */
const appendMessageBytesMax = 8 * 1024 * 1024;

export type KurrentWriting = ReturnType<typeof writingTo>;

/** @param appendingAt the connections that appends go over, from 0, each made when it is first asked for */
export function writingTo(
  connection: KurrentConnection,
  appendingAt: (place: number) => KurrentConnection,
  reading: KurrentReading,
  options: { answerMs: number; onAppend?: ((seconds: number, events: number) => void) | undefined },
) {
  const { answerMs, onAppend } = options;
  const queue = appendQueue();

  async function appendUntilKnown(givenUpMs: number, append: Append): Promise<Appended> {
    try {
      const appended = await retryUntil(givenUpMs, connection.closed, () =>
        queue.whenFree(givenUpMs, (at) =>
          appendingAt(at).ask((client) => appendOnce(client, reading, append)),
        ),
      );
      if (appended !== 'elsewhere') return appended;
    } catch (error) {
      if (isStreamDeleted(error)) throw new Conflict(`${append.stream} was deleted`);
      if (!isWrongRevision(error)) throw error;
    }
    return repeatedOrConflict(reading, append);
  }

  return {
    /** @throws Conflict, StoreUnavailable */
    async append(stream: string, expectedRevision: number, events: EventData[]): Promise<Appended> {
      const started = performance.now();
      const appended = await queue.forStream(stream, () =>
        appendUntilKnown(started + answerMs, { stream, expectedRevision, events }),
      );
      onAppend?.((performance.now() - started) / 1000, events.length);
      return appended;
    },

    /** Deletes a stream for ever; a scavenge on each node takes what it held from the disks. */
    async tombstone(stream: string): Promise<void> {
      try {
        await retryUntil(performance.now() + answerMs, connection.closed, async () => {
          if (!(await reading.exists(stream))) return;
          await connection.ask((client) =>
            client.tombstoneStream(stream, { expectedRevision: ANY, deadline: storeAttemptMs }),
          );
        });
      } catch (error) {
        // Also when the answer to the first try was lost.
        if (!isStreamDeleted(error)) throw error;
      }
    },
  };
}

interface Append {
  readonly stream: string;
  readonly expectedRevision: number;
  readonly events: EventData[];
}

/** What a stream that is elsewhere means: the append was there before, or another one was. */
async function repeatedOrConflict(
  reading: KurrentReading,
  { stream, expectedRevision, events }: Append,
): Promise<Appended> {
  const there = await reading.stream(stream, {
    fromRevision: BigInt(expectedRevision + 1),
    maxCount: events.length,
  });
  const last = there.at(-1);
  if (last && events.every(({ id }, at) => there[at]?.eventId === id))
    return { revision: last.revision, position: last.position };
  throw new Conflict(`${stream} is not at revision ${expectedRevision}`);
}

/** The server's answer to a repeat may lack the position. */
async function positionAt(
  reading: KurrentReading,
  stream: string,
  revision: number,
): Promise<Appended> {
  const [event] = await reading.stream(stream, { fromRevision: BigInt(revision), maxCount: 1 });
  if (event === undefined) throw new Conflict(`${stream} was deleted`);
  return { revision, position: event.position };
}

async function appendOnce(
  client: KurrentDBClient,
  reading: KurrentReading,
  { stream, expectedRevision, events }: Append,
): Promise<Appended | 'elsewhere'> {
  const streamState: AppendStreamState =
    expectedRevision === noStream ? NO_STREAM : BigInt(expectedRevision);
  const { success, position } = await client.appendToStream(stream, events, {
    streamState,
    deadline: storeAttemptMs,
    batchAppendSize: appendMessageBytesMax,
  });
  if (!success) return 'elsewhere';
  const revision = expectedRevision + events.length;
  if (position === undefined) return positionAt(reading, stream, revision);
  return { revision, position: positionOf(position.commit) };
}
