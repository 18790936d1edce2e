/** Writes copied events in their order: consecutive ones of a stream as one append. */
import { commitBytesMax, commitEventsMax } from '../../limits/store.ts';
import type { EventStore, StoredEvent } from '../event-store.ts';
import type { MovableStore } from '../log-state.ts';

/** One append, well below what a server refuses for its size. */
const runEventsMax = 200;
const runBytesMax = 256 * 1024;

interface Run {
  readonly events: StoredEvent[];
  bytes: number;
}

export function writerInto(to: EventStore & Partial<Pick<MovableStore, 'groupsAppends'>>) {
  let runs: Run[] = [];
  let events = 0;
  let bytes = 0;

  async function flush(): Promise<void> {
    const pack = runs;
    runs = [];
    events = 0;
    bytes = 0;
    await Promise.all(pack.map((run) => append(to, run.events)));
  }

  return {
    async add(event: StoredEvent): Promise<void> {
      const size = Buffer.byteLength(JSON.stringify(event.data));
      const last = runs.at(-1);
      const joins = last !== undefined && continues(last, event, size);
      // Several appends at once are safe only where all of them become one commit, in their order.
      const full = to.groupsAppends
        ? events >= commitEventsMax || bytes + size > commitBytesMax
        : last !== undefined && !joins;
      if (full) await flush();
      if (joins && !full) {
        last.events.push(event);
        last.bytes += size;
      } else runs.push({ events: [event], bytes: size });
      events += 1;
      bytes += size;
    },
    end: flush,
  };
}

const continues = ({ events, bytes }: Run, event: StoredEvent, size: number): boolean =>
  events.at(-1)?.stream === event.stream &&
  events.length < runEventsMax &&
  bytes + size <= runBytesMax;

async function append(to: EventStore, run: readonly StoredEvent[]): Promise<void> {
  const [first] = run;
  if (first === undefined) return;
  const events = run.map(({ eventId, type, data, metadata }) => ({
    eventId,
    type,
    data,
    metadata,
  }));
  await to.append(first.stream, first.revision - 1, events);
}
