/** When names were seen, and how many sessions they opened: in memory at once, in the side table a few seconds later. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HistoryRow } from '../../projections/history.ts';
import {
  sightingsGraceMaxMs,
  sightingsMax,
  sightingsPauseMs,
  sightingsPerBatchMax,
  sightingsUnwatchedMs,
  sightingsWaitingMax,
  sightingsWatchedEveryMs,
  sightingsWriteEveryMs,
} from '../limits/rows.ts';
import type { Logger } from '../logger.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { pause } from '../platform/pause.ts';
import type { Journals } from '../platform/sqlite/journals.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { StoredEvent } from '../store/event-store.ts';
import { HeardHistory, type HolderRows, holdersSince } from './holders.ts';
import {
  type NewSighting,
  openSightingsTable,
  type Sighting,
  type SightingsTable,
  type Unseen,
} from './table.ts';

export type { Unseen } from './table.ts';

export interface Sightings {
  /** A name was seen: it sent something, or came in. Never throws; who holds no access is forgotten at the next write. */
  seen(username: string, atMs: number): void;
  /** It was seen, and opened an MQTT session. */
  opened(username: string, atMs: number): void;
  of(username: string): Sighting;
  /** Hears what happened; of names that are erased nothing is kept from this moment on. */
  applied(events: readonly Pick<StoredEvent, 'type' | 'data'>[], changes: Changes): void;
  /** Who holds access and was not seen since, the longest unseen first; behind a place of that list. */
  unseen(belowMs: number, after: Unseen | null, limit: number): readonly Unseen[];
  countUnseen(belowMs: number): number;
  /** Milliseconds to be watched yet until who was not seen may count as gone: nobody watched for a while. */
  graceMs(): number;
  /**
   * Writes what is new, a portion at a time. `isWatched`: all who came since the last time would have been seen; else,
   * as long as that lasts, nobody counts as gone for as long again. Until `inHaste` aborts it takes its time, so that
   * nobody waits long behind it; absent: it takes none.
   */
  write(isWatched: boolean, inHaste?: AbortSignal): Promise<void>;
  close(): void;
}

interface SightingsOptions {
  readonly file: string;
  readonly logId: string;
  readonly rows: HolderRows;
  readonly now: () => string;
  /** The longest time for which it matters that nobody watched; null: a named limit. */
  readonly graceMaxMs: number | null;
  /** Where absent, the commits that make the table's journal long write it. */
  readonly journals?: Journals;
  /** Other than the named limit, so that a test can reach it. */
  readonly max?: number;
}

type WaitingSighting = { -readonly [Name in keyof NewSighting]: NewSighting[Name] };

const neverSeen: Sighting = { seenMs: null, sessionTotal: 0 };

export function createSightings(options: SightingsOptions): Sightings {
  const { file, logId, rows, now, max = sightingsMax } = options;
  const table = openSightingsTable(file, logId, max, options.journals);
  const waiting = new BoundedMap<string, WaitingSighting>(sightingsWaitingMax);
  const heard = new HeardHistory();
  const nowMs = () => Date.parse(now());
  const holds = (username: string) => rows.access.get(username)?.status === 'active';

  function add(username: string, atMs: number, opened: number): void {
    const known = waiting.get(username);
    if (known === undefined) {
      waiting.set(username, { atMs, opened });
      return;
    }
    known.atMs = Math.max(known.atMs, atMs);
    known.opened += opened;
  }

  const writePortion = portionWriter(table, waiting, holds);

  return {
    seen: (username, atMs) => add(username, atMs, 0),
    opened: (username, atMs) => add(username, atMs, 1),
    of(username) {
      const { seenMs, sessionTotal } = table.of(username) ?? neverSeen;
      const fresh = waiting.get(username);
      return fresh === undefined
        ? { seenMs, sessionTotal }
        : {
            seenMs: Math.max(seenMs ?? 0, fresh.atMs),
            sessionTotal: sessionTotal + fresh.opened,
          };
    },
    applied(events, changes) {
      heard.hear((changes.get('history')?.values() ?? []) as Iterable<HistoryRow>);
      for (const { type, data } of events) {
        if (type !== 'ClientErased') continue;
        waiting.delete(String(data.username));
        table.forgotten(String(data.username));
      }
    },
    unseen: (belowMs, after, limit) => table.unseen(belowMs, after, limit),
    countUnseen: (belowMs) => table.countUnseen(belowMs),
    graceMs: () => table.facts().graceMs,
    async write(isWatched, inHaste) {
      await holdersSince({
        ...{ table, rows, heard, nowMs: nowMs() },
        forget: (username) => waiting.delete(username),
      });
      const walk = waiting.entries();
      // Who comes meanwhile is written the next time, or there would be no end while many come.
      let portions = Math.floor(waiting.size / sightingsPerBatchMax);
      while (writePortion(walk) && portions-- > 0)
        await (inHaste?.aborted === false ? pause(sightingsPauseMs, inHaste) : nextTurn());
      if (isWatched) watched(table, nowMs(), options.graceMaxMs ?? sightingsGraceMaxMs);
    },
    close: () => table.close(),
  };
}

/**
 * Writes a portion, what waited longest first, and says whether there may be more. One walk leads through all portions: a
 * new one would step over the place of each that has left.
 */
const portionWriter =
  (
    table: SightingsTable,
    waiting: Map<string, WaitingSighting>,
    holds: (username: string) => boolean,
  ) =>
  (walk: Iterator<[string, WaitingSighting]>): boolean => {
    const portion: [string, WaitingSighting][] = [];
    while (portion.length < sightingsPerBatchMax) {
      const next = walk.next();
      if (next.done) break;
      portion.push(next.value);
    }
    table.batch(() => {
      for (const [username, sighting] of portion) {
        // Its access is looked up last: those rows are larger, and so is what it takes to read one.
        if (!table.seen(username, sighting) && holds(username)) table.firstSeen(username, sighting);
      }
      table.trim();
    });
    for (const [username] of portion) waiting.delete(username);
    return portion.length === sightingsPerBatchMax;
  };

/**
 * Somebody watches now. Was nobody there for a while (the process was down, or a broker), nobody counts as gone until as
 * long again was watched: they could not be seen. A clock that jumps ahead looks the same, and is treated so.
 */
function watched(table: SightingsTable, nowMs: number, graceMaxMs: number): void {
  const facts = table.facts();
  const sinceMs = nowMs - (facts.watchedMs ?? nowMs);
  const isKnown = facts.watchedMs !== null && sinceMs >= 0;
  if (isKnown && sinceMs < sightingsWatchedEveryMs) return;
  table.batch(() => {
    if (sinceMs < 0) table.notAfter(nowMs);
    const graceMs =
      sinceMs > sightingsUnwatchedMs
        ? Math.min(facts.graceMs + sinceMs, graceMaxMs)
        : Math.max(0, facts.graceMs - Math.max(0, sinceMs));
    table.saveFacts({ ...facts, watchedMs: nowMs, graceMs });
  });
}

/** Writes now and then until the signal aborts; resolves then. `live`: the sessions of now, and when each sent something last. */
export async function keepSightings(options: {
  readonly sightings: Sightings;
  readonly live: () => Iterable<{ readonly username: string; readonly atMs: number }>;
  readonly isWatched: () => boolean;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { sightings, logger, signal } = options;
  while (!signal.aborted) {
    await pause(sightingsWriteEveryMs, signal);
    for (const { username, atMs } of options.live()) sightings.seen(username, atMs);
    try {
      await sightings.write(options.isWatched(), signal);
    } catch (error) {
      logger.warn('When clients were seen could not be written down; trying again', { error });
    }
  }
}
