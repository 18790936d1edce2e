/** The identity of a log in KurrentDB and its state: events in a stream of their own. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Conflict, noStream } from '../event-store.ts';
import { type LogState, LogState as LogStateSchema } from '../log-state.ts';
import { eventData } from './events.ts';
import type { KurrentReading } from './read.ts';
import type { KurrentWriting } from './write.ts';

/** Of no category that is audited or kept in the vault, so it stands in neither order. */
const identityStream = 'gatebook-log';

const IdentityEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('LogCreated'), data: z.object({ logId: z.uuid() }) }),
  z.object({ type: z.literal('LogMarked'), data: z.object({ mark: LogStateSchema }) }),
]);
type IdentityEvent = z.infer<typeof IdentityEvent>;

interface Identity {
  readonly logId: string;
  readonly state: LogState;
}

export function identityIn(
  reading: Pick<KurrentReading, 'stream'>,
  writing: Pick<KurrentWriting, 'append'>,
) {
  async function read(): Promise<(Identity & { revision: number }) | undefined> {
    const stored = await reading.stream(identityStream);
    const events = stored.map((event) => IdentityEvent.parse(event));
    const [created] = events;
    if (created?.type !== 'LogCreated') return undefined;
    const state = events.reduce<LogState>(
      (before, { type, data }) => (type === 'LogMarked' ? data.mark : before),
      'live',
    );
    return { logId: created.data.logId, state, revision: stored.length - 1 };
  }

  const record = (revision: number, { type, data }: IdentityEvent) => {
    const metadata = { correlationId: randomUUID(), causationId: null };
    const event = eventData({ eventId: randomUUID(), type, data, metadata });
    return writing.append(identityStream, revision, [event]);
  };

  return {
    read,

    /** The log's identity; whoever opens a new log first makes it. */
    async readOrMake(): Promise<Identity> {
      const there = await read();
      if (there) return there;
      try {
        await record(noStream, { type: 'LogCreated', data: { logId: randomUUID() } });
      } catch (error) {
        // Another node made it meanwhile.
        if (!(error instanceof Conflict)) throw error;
      }
      const made = await read();
      if (!made) throw new Error(`${identityStream} does not say which log this is`);
      return made;
    },

    async setState(state: LogState): Promise<void> {
      const there = await read();
      if (!there) throw new Error(`${identityStream} does not say which log this is`);
      if (there.state !== state)
        await record(there.revision, { type: 'LogMarked', data: { mark: state } });
    },
  };
}
