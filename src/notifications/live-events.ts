/** Live events: which of them an event of the log means, and a bounded queue of them for each reader. */
import type { HistoryRow } from '../../projections/history.ts';
import {
  liveKnocksGatherMs,
  liveKnocksMax,
  liveResumeMax,
  liveWaitingMax,
} from '../limits/notifications.ts';
import { createWakeup } from '../platform/wakeup.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Knock } from '../registration/knocks.ts';
import type { StoredEvent } from '../store/event-store.ts';

export const liveNames = [
  'request.pending',
  'request.granted',
  'request.denied',
  'request.expired',
  'window.unlocked',
  'window.locked',
  'user.changed',
  'user.ending',
  'activation.changed',
  'proposal.changed',
  'schedule.changed',
  'knock',
  'checkpoint.published',
] as const;
export type LiveName = (typeof liveNames)[number];

/** That something changed. Its new state is read when the live event is sent. */
export interface LiveEntry {
  readonly name: Exclude<LiveName, 'knock' | 'checkpoint.published'>;
  /** The id of the request, the proposal or the schedule, or the username; empty for the window. */
  readonly key: string;
  /** Whom it is about; empty for the window. */
  readonly username: string;
  /** The broker of `activation.changed`. */
  readonly broker: string | null;
  /** The event that meant it. */
  readonly position: string;
  readonly at: string;
}

interface LiveBatch {
  /** More changed than can be sent one by one: everything has to be read again. */
  readonly reset: boolean;
  readonly entries: readonly LiveEntry[];
  readonly knocks: readonly Knock[];
  /** The newest checkpoint that was published meanwhile. */
  readonly checkpoint: unknown;
}

interface LiveReader {
  /** What is queued; empty after `timeoutMs`, and when the signal aborts. */
  next(timeoutMs: number, signal: AbortSignal): Promise<LiveBatch>;
  close(): void;
}

export interface LiveEvents {
  /** Everything after the event at `after`; null: from now on. */
  read(after: string | null): LiveReader;
  knocked(knock: Knock): void;
  checkpointPublished(checkpoint: unknown): void;
}

const requestNames: Readonly<Record<string, LiveEntry['name']>> = {
  RegistrationRequested: 'request.pending',
  ReplacementRequested: 'request.pending',
  RegistrationContested: 'request.pending',
  RegistrationGranted: 'request.granted',
  ReplacementGranted: 'request.granted',
  RegistrationDenied: 'request.denied',
  ReplacementDenied: 'request.denied',
  RegistrationExpired: 'request.expired',
  ReplacementExpired: 'request.expired',
};

type LoggedEvent = Pick<StoredEvent, 'type' | 'stream' | 'position' | 'data'>;

/** The live events that an event of the log means, in order. */
export function liveEntries({ type, stream, position, data }: LoggedEvent): LiveEntry[] {
  const { requestId, proposalId, scheduleId, username, broker, at } = data as Record<
    string,
    string | undefined
  >;
  const entry = (name: LiveEntry['name'], key: string, its: string | null = null): LiveEntry => ({
    ...{ name, key, username: username ?? '', broker: its, position },
    at: at ?? '',
  });
  if (type === 'RegistryUnlocked') {
    const { schedule } = data as { schedule?: { scheduleId: string } | null };
    const opened = schedule ? [entry('schedule.changed', schedule.scheduleId)] : [];
    return [entry('window.unlocked', ''), ...opened];
  }
  if (type === 'RegistryLocked') return [entry('window.locked', '')];
  if (proposalId !== undefined && stream.startsWith('proposal-'))
    return [entry('proposal.changed', proposalId)];
  if (scheduleId !== undefined && stream.startsWith('schedule-'))
    return [entry('schedule.changed', scheduleId)];
  if (username === undefined) return [];
  if (stream.startsWith('activation-'))
    return [entry('activation.changed', username, broker ?? null)];
  if (!stream.startsWith('client-')) return [];
  const request = requestNames[type];
  return [
    ...(request !== undefined && requestId !== undefined ? [entry(request, requestId)] : []),
    ...(type === 'AccessEnding' ? [entry('user.ending', username)] : []),
    entry('user.changed', username),
  ];
}

class Reader implements LiveReader {
  /** By name and key: what changed twice before it was sent is sent once. */
  readonly #entries = new Map<string, LiveEntry>();
  readonly #knocks = new Map<string, Knock>();
  #checkpoint: unknown;
  readonly #leave: (reader: Reader) => void;
  #reset: boolean;
  readonly #wakeup = createWakeup();
  #gathering: NodeJS.Timeout | undefined;

  constructor(missed: readonly LiveEntry[] | null, leave: (reader: Reader) => void) {
    this.#reset = missed === null;
    this.#leave = leave;
    for (const entry of missed ?? []) this.#queue(entry);
  }

  #queue(entry: LiveEntry): void {
    const key = `${entry.name} ${entry.broker} ${entry.key}`;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= liveWaitingMax) return;
    this.#entries.clear();
    this.#reset = true;
  }

  push(entries: readonly LiveEntry[]): void {
    for (const entry of entries) this.#queue(entry);
    this.#wakeup.wake();
  }

  knocked(knock: Knock): void {
    const key = `${knock.username} ${knock.source}`;
    if (!this.#knocks.has(key) && this.#knocks.size >= liveKnocksMax) return;
    this.#knocks.set(key, knock);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#wakeup.wake();
    }, liveKnocksGatherMs);
  }

  published(checkpoint: unknown): void {
    this.#checkpoint = checkpoint;
    this.#wakeup.wake();
  }

  get #hasQueued(): boolean {
    const knocks = this.#knocks.size > 0 && this.#gathering === undefined;
    return this.#reset || this.#entries.size > 0 || knocks || this.#checkpoint !== undefined;
  }

  async next(timeoutMs: number, signal: AbortSignal): Promise<LiveBatch> {
    if (!this.#hasQueued) {
      const timer = setTimeout(this.#wakeup.wake, timeoutMs);
      await this.#wakeup.next(signal);
      clearTimeout(timer);
    }
    const gathered = this.#gathering === undefined ? [...this.#knocks.values()] : [];
    const batch = {
      reset: this.#reset,
      entries: [...this.#entries.values()],
      knocks: gathered,
      checkpoint: this.#checkpoint,
    };
    this.#checkpoint = undefined;
    this.#reset = false;
    this.#entries.clear();
    if (this.#gathering === undefined) this.#knocks.clear();
    return batch;
  }

  close(): void {
    clearTimeout(this.#gathering);
    this.#leave(this);
  }
}

export function createLiveEvents(options: {
  history: Rows<HistoryRow>;
  onApplied: (listener: (events: readonly StoredEvent[]) => void) => void;
}): LiveEvents {
  const { history } = options;
  const readers = new Set<Reader>();

  options.onApplied((events) => {
    if (readers.size === 0) return;
    const entries = events.flatMap(liveEntries);
    // Also without entries: the rights of the reader may have changed.
    for (const reader of readers) reader.push(entries);
  });

  /** null: too far behind, or an event that this log does not have. */
  function missedSince(after: string): LiveEntry[] | null {
    const row = history.get(after);
    if (row === undefined) return null;
    const page = history.find({
      order: 'oldest',
      limit: liveResumeMax,
      after: row.index,
    });
    return page.nextCursor === null ? page.items.flatMap(liveEntries) : null;
  }

  return {
    read(after) {
      const reader = new Reader(after === null ? [] : missedSince(after), (one) =>
        readers.delete(one),
      );
      readers.add(reader);
      return reader;
    },
    knocked(knock) {
      for (const reader of readers) reader.knocked(knock);
    },
    checkpointPublished(checkpoint) {
      for (const reader of readers) reader.published(checkpoint);
    },
  };
}
