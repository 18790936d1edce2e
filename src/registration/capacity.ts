/** How many more requests may wait: in the window, in all, and from one source. */
import { isFull } from '../../domain/window.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { WindowRow } from '../../projections/window.ts';
import { sourceKey } from '../platform/networks.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';

export interface Reservation {
  readonly outcome: 'free' | 'window-full' | 'pending-full';
  /** Says which request will stand there: the moment the read models count it, the place does not. */
  bindTo(requestId: string): void;
  /** Gives the place back, or says that the request is counted by the read models now. */
  release(): void;
}

export interface Capacity {
  /**
   * Takes a place for a request that is about to be written; nothing is taken when it is full. Without a window it
   * takes one among those that wait alone.
   */
  reserve(window: WindowRow | null, source: string | null): Reservation;
  /** The source of a request that this node wrote, so that it need not be opened again. */
  requested(requestId: string, source: string | null): void;
  pending(): number;
  /** Counts the requests that wait already, once the rows are as far as the log; the doors open after it resolves. */
  countWaiting(): Promise<void>;
}

interface CapacityOptions {
  readonly requests: Rows<RequestRow>;
  readonly onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  /** Opens the sealed source of a row. */
  readonly openSource: (row: RequestRow) => Promise<string | null>;
  readonly pendingMax: number;
  readonly pendingPerSourceMax: number;
}

/** How many there are of each key; a key without any is not held. */
class KeyCounts {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, difference: number): void {
    const count = this.of(key) + difference;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

/** The requests that wait, as the rows have them, and the source of each. */
class WaitingRequests {
  readonly #requests: Rows<RequestRow>;
  readonly #openSource: CapacityOptions['openSource'];
  readonly #sources = new Map<string, string>();
  readonly perSource = new KeyCounts();

  constructor({ requests, openSource }: CapacityOptions) {
    this.#requests = requests;
    this.#openSource = openSource;
  }

  get count(): number {
    return this.#sources.size;
  }

  has(requestId: string): boolean {
    return this.#sources.has(requestId);
  }

  add(requestId: string, source: string): void {
    if (this.#sources.has(requestId)) return;
    this.#sources.set(requestId, source);
    this.perSource.add(source, 1);
  }

  remove(requestId: string): void {
    const source = this.#sources.get(requestId);
    if (source === undefined) return;
    this.#sources.delete(requestId);
    this.perSource.add(source, -1);
  }

  /** Adds a request whose source must be opened first, should it still wait then. */
  async learn(row: RequestRow): Promise<void> {
    const source = sourceKey(await this.#openSource(row));
    this.#addIfWaiting(row.requestId, source);
  }

  /** The same, where nobody waits for it; what cannot be opened counts as a source that is not known. */
  learnLater(row: RequestRow): void {
    void this.learn(row).catch(() => this.#addIfWaiting(row.requestId, sourceKey(null)));
  }

  #addIfWaiting(requestId: string, source: string): void {
    if (this.#requests.get(requestId)?.status === 'pending') this.add(requestId, source);
  }
}

/** Stands for the window of those who take no place in one. */
const noWindow = '';

/** Places that are taken for requests which the rows do not count yet. */
class InFlight {
  readonly perWindow = new KeyCounts();
  readonly perSource = new KeyCounts();
  /** By the request that is about to be written. */
  readonly #bound = new Map<string, { readonly source: string; release(): void }>();
  count = 0;

  /** The rows have the request: its place counts no more. Its source, where this node wrote it. */
  settle(requestId: string): string | undefined {
    const place = this.#bound.get(requestId);
    place?.release();
    return place?.source;
  }

  take(windowId: string, source: string): Reservation {
    this.#add(windowId, source, 1);
    let isTaken = true;
    let boundTo: string | undefined;
    const unbind = () => {
      if (boundTo !== undefined) this.#bound.delete(boundTo);
    };
    const release = () => {
      unbind();
      if (!isTaken) return;
      isTaken = false;
      this.#add(windowId, source, -1);
    };
    return {
      outcome: 'free',
      release,
      bindTo: (requestId) => {
        if (!isTaken) return;
        unbind();
        boundTo = requestId;
        this.#bound.set(requestId, { source, release });
      },
    };
  }

  #add(windowId: string, source: string, difference: number): void {
    this.count += difference;
    this.perWindow.add(windowId, difference);
    this.perSource.add(source, difference);
  }
}

const nothing = () => undefined;
const full = (outcome: Reservation['outcome']): Reservation => ({
  ...{ outcome, bindTo: nothing, release: nothing },
});

/** Counts waiting requests and their sources, in the window, in all and for each source. */
export function createCapacity(options: CapacityOptions): Capacity {
  const { requests, pendingMax, pendingPerSourceMax } = options;
  const waiting = new WaitingRequests(options);
  const inFlight = new InFlight();
  /** While the rows are folded from the beginning, most of what waited is decided a moment later. */
  let counts = false;

  options.onApplied((_events, changes) => {
    if (!counts) return;
    for (const [requestId, changed] of changes.get('requests') ?? []) {
      const row = changed as RequestRow | undefined;
      const source = inFlight.settle(requestId);
      if (row?.status !== 'pending') waiting.remove(requestId);
      else if (source !== undefined) waiting.add(requestId, source);
      // Another node's: it counts when its source is open.
      else if (!waiting.has(requestId)) waiting.learnLater(row);
    }
  });

  return {
    async countWaiting() {
      counts = true;
      for (const row of everyRow(requests, { where: [{ column: 'status', is: 'pending' }] }))
        await waiting.learn(row);
    },
    pending: () => waiting.count,
    requested(requestId, source) {
      // It may be decided already: then it waits no more.
      const row = requests.get(requestId);
      if (row === undefined || row.status === 'pending') waiting.add(requestId, sourceKey(source));
    },
    reserve(window, source) {
      const key = sourceKey(source);
      if (
        window &&
        isFull(window.limits, window.requestCount + inFlight.perWindow.of(window.windowId))
      )
        return full('window-full');
      const isFullHere =
        waiting.perSource.of(key) + inFlight.perSource.of(key) >= pendingPerSourceMax;
      if (waiting.count + inFlight.count >= pendingMax || isFullHere) return full('pending-full');
      return inFlight.take(window?.windowId ?? noWindow, key);
    },
  };
}
