/** How much happened in equal parts of a time, counted by index, in portions that let others have their turn. */
import { setImmediate as turn } from 'node:timers/promises';
import { registryId, WindowEvent } from '../../domain/window.ts';
import { type ActivityKind, activityAt, type HistoryRow } from '../../projections/history.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Activity } from '../api/audit.ts';
import { countedAtOnceMax } from '../limits/audit.ts';
import { pagesBetween } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { VersionedRows } from '../read-models/row-versions.ts';
import type { Tree } from './transparency-log/tree.ts';

interface ActivityOptions {
  readonly history: Rows<HistoryRow>;
  readonly window: VersionedRows<WindowRow>;
  readonly tree: Pick<Tree, 'sizeAt'>;
  /** ISO. */
  readonly now: () => string;
}

/** In ms since 1970; the end is left out. */
interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

const rangeOf = (kind: ActivityKind, { from, to }: TimeSpan) => ({
  column: 'activity',
  atLeast: activityAt(kind, iso(from)),
  below: activityAt(kind, iso(to)),
});

const within = (kind: ActivityKind, span: TimeSpan) => {
  const { column, atLeast, below } = rangeOf(kind, span);
  return [
    { column, atLeast },
    { column, below },
  ];
};

/** A part with more than one portion is divided by time, so that no count goes on for long. */
async function countIn(
  history: Rows<HistoryRow>,
  kind: ActivityKind,
  span: TimeSpan,
): Promise<number> {
  const { from, to } = span;
  const found = history.count(within(kind, span), countedAtOnceMax);
  if (found < countedAtOnceMax) return found;
  if (to - from <= 1) return history.count(within(kind, span));
  await turn();
  const middle = Math.floor((from + to) / 2);
  const before = await countIn(history, kind, { from, to: middle });
  return before + (await countIn(history, kind, { from: middle, to }));
}

interface LockEvent {
  readonly index: number;
  readonly at: number;
  /** Null: it was locked. */
  readonly until: number | null;
}

/** In the log's order, which rules over clocks that went back; read by the time, of which there is an index. */
async function lockEvents(history: Rows<HistoryRow>, span: TimeSpan): Promise<LockEvent[]> {
  const found: LockEvent[] = [];
  const range = { ...rangeOf('lock', span), limit: lockEventsAtOnce };
  for (const page of pagesBetween(history, range)) {
    for (const row of page) {
      const { type, data } = WindowEvent.parse({ type: row.type, data: row.data });
      const until = type === 'RegistryUnlocked' ? Date.parse(data.until) : null;
      found.push({ index: row.index, at: Date.parse(data.at), until });
    }
    await turn();
  }
  return found.sort((a, b) => a.index - b.index);
}

/** The times in which it was unlocked, in order: a window that is unlocked again takes its new end. */
async function* unlockedIn({ history, window, tree, now }: ActivityOptions, span: TimeSpan) {
  const end = Math.min(span.to, Date.parse(now()));
  const before = window.get(registryId, tree.sizeAt(iso(span.from - 1)));
  let open: TimeSpan | null =
    before?.status === 'unlocked' ? { from: span.from, to: Date.parse(before.until) } : null;
  const closedAt = (at: number): TimeSpan[] => {
    const to = Math.min(open?.to ?? at, at, end);
    return open !== null && to > open.from ? [{ from: open.from, to }] : [];
  };
  for (const { at, until } of await lockEvents(history, span)) {
    yield* closedAt(at);
    open = until === null ? null : { from: at, to: until };
  }
  yield* closedAt(end);
}

const lockEventsAtOnce = 500;

export const createActivity = (options: ActivityOptions) => ({
  /** From `since` up to `until` (ISO) in so many parts; `since` < `until`. */
  async activity(since: string, until: string, bucketCount: number): Promise<Activity> {
    const [first, end] = [Date.parse(since), Date.parse(until)];
    const edge = (at: number) => first + Math.floor(((end - first) * at) / bucketCount);
    const spans = Array.from({ length: bucketCount }, (_, at) => ({
      from: edge(at),
      to: edge(at + 1),
    }));
    const items: Activity['items'] = [];
    for (const span of spans) {
      const count = (kind: ActivityKind) => countIn(options.history, kind, span);
      items.push({
        from: iso(span.from),
        requested: await count('requested'),
        granted: await count('granted'),
        denied: await count('denied'),
        revoked: await count('revoked'),
        unlockedMs: 0,
      });
      await turn();
    }
    const partOf = (ms: number) => Math.floor(((ms - first) * bucketCount) / (end - first));
    for await (const unlocked of unlockedIn(options, { from: first, to: end }))
      for (let at = Math.max(0, partOf(unlocked.from) - 1); at < bucketCount; at++) {
        const [item, span] = [items[at], spans[at]];
        if (item === undefined || span === undefined || span.from >= unlocked.to) break;
        const overlapMs = Math.min(span.to, unlocked.to) - Math.max(span.from, unlocked.from);
        item.unlockedMs += Math.max(0, overlapMs);
      }
    return { since, until, items };
  },
});
