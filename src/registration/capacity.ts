/** How much room is left for requests: in the window, in all, and for one source. */
import { isFull } from '../../domain/window.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { WindowRow } from '../../projections/window.ts';
import { sourceKey } from '../platform/networks.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';

export interface Reservation {
  readonly room: 'free' | 'window-full' | 'pending-full';
  /** Says which request will stand there: the moment the read models count it, the place does not. */
  bindTo(requestId: string): void;
  /** Gives the place back, or says that the request is counted by the read models now. */
  release(): void;
}

export interface Capacity {
  /** Takes a place for a request that is about to be written; nothing is taken when it is full. */
  reserve(window: WindowRow, source: string | null): Reservation;
  /** The source of a request that this node wrote, so that it need not be opened again. */
  asked(requestId: string, source: string | null): void;
  pending(): number;
  /** Counts what waits already, once the rows are as far as the log; the doors open after it resolves. */
  countWaiting(): Promise<void>;
}

/** Counts waiting requests and their sources. `openSource` opens the sealed source of a row. */
export function createCapacity(options: {
  requests: Rows<RequestRow>;
  onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  openSource: (row: RequestRow) => Promise<string | null>;
  pendingMax: number;
  pendingPerSourceMax: number;
}): Capacity {
  const { requests, openSource, pendingMax, pendingPerSourceMax } = options;
  const sources = new Map<string, string>();
  const perSource = new Map<string, number>();
  /** Places of this node whose request is about to be written, by request. */
  const filling = new Map<string, { readonly source: string; release(): void }>();
  const inFlight = { all: 0, window: new Map<string, number>(), source: new Map<string, number>() };

  const add = (counts: Map<string, number>, key: string, by: number) => {
    const count = (counts.get(key) ?? 0) + by;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  const started = (requestId: string, source: string) => {
    if (sources.has(requestId)) return;
    sources.set(requestId, source);
    add(perSource, source, 1);
  };
  const ended = (requestId: string) => {
    const source = sources.get(requestId);
    if (source === undefined) return;
    sources.delete(requestId);
    add(perSource, source, -1);
  };
  const waits = (requestId: string) => requests.get(requestId)?.status === 'pending';
  const learn = async (row: RequestRow) => {
    const source = sourceKey(await openSource(row));
    if (waits(row.requestId)) started(row.requestId, source);
  };

  /** While the rows are folded from the beginning, most of what waited is decided a moment later. */
  let counts = false;
  options.onApplied((_events, changes) => {
    if (!counts) return;
    for (const [requestId, changed] of changes.get('requests') ?? []) {
      const row = changed as RequestRow | undefined;
      const place = filling.get(requestId);
      place?.release();
      if (row?.status !== 'pending') ended(requestId);
      else if (place) started(requestId, place.source);
      else if (!sources.has(requestId))
        // Another node's: it counts when its source is open.
        void learn(row).catch(() => {
          if (waits(requestId)) started(requestId, sourceKey(null));
        });
    }
  });

  return {
    async countWaiting() {
      counts = true;
      for (const row of everyRow(requests, { where: [{ column: 'status', is: 'pending' }] }))
        await learn(row);
    },
    pending: () => sources.size,
    asked(requestId, source) {
      // It may be decided already: then it waits no more.
      const row = requests.get(requestId);
      if (row === undefined || row.status === 'pending') started(requestId, sourceKey(source));
    },
    reserve(window, source) {
      const key = sourceKey(source);
      const { windowId, requestCount, limits } = window;
      const nothing = () => undefined;
      const full = (room: Reservation['room']): Reservation => ({
        room,
        bindTo: nothing,
        release: nothing,
      });
      if (isFull(limits, requestCount + (inFlight.window.get(windowId) ?? 0)))
        return full('window-full');
      if (sources.size + inFlight.all >= pendingMax) return full('pending-full');
      if ((perSource.get(key) ?? 0) + (inFlight.source.get(key) ?? 0) >= pendingPerSourceMax)
        return full('pending-full');

      inFlight.all++;
      add(inFlight.window, windowId, 1);
      add(inFlight.source, key, 1);
      let taken = true;
      let filledBy: string | undefined;
      const release = () => {
        if (filledBy !== undefined) filling.delete(filledBy);
        if (!taken) return;
        taken = false;
        inFlight.all--;
        add(inFlight.window, windowId, -1);
        add(inFlight.source, key, -1);
      };
      return {
        room: 'free',
        release,
        bindTo(requestId) {
          if (!taken) return;
          if (filledBy !== undefined) filling.delete(filledBy);
          filledBy = requestId;
          filling.set(requestId, { source: key, release });
        },
      };
    },
  };
}
