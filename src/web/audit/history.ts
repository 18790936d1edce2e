/** The history as the page holds it: pages that were asked for, and what is newer than they are. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Event } from '../../api/output.ts';
import { asFault, get, type PageFault, type PageOf } from '../app/api.ts';

const pageSize = 50;
const typingMs = 250;
const lookEveryMs = 2_000;

interface FoundEvents {
  /** Null: none was asked yet. */
  readonly query: string | null;
  readonly items: readonly Event[];
  readonly cursor: string | null;
  /** Newer than the items, and not shown yet. */
  readonly fresh: readonly Event[];
  /** More came at once than a page holds: what lies between follows from here. */
  readonly gap: { readonly cursor: string | null } | null;
}

const none: FoundEvents = { query: null, items: [], cursor: null, fresh: [], gap: null };

const eventsOf = (query: string, limit: number, cursor: string | null = null) =>
  get<PageOf<Event>>(
    `/api/audit/events?limit=${limit}${query === '' ? '' : `&${query}`}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
  );

function withNewer(before: FoundEvents, { items, nextCursor }: PageOf<Event>): FoundEvents {
  const newest = (before.fresh[0] ?? before.items[0])?.index ?? -1;
  const newer = items.filter(({ index }) => index > newest);
  return newer.length < items.length || nextCursor === null
    ? { ...before, fresh: [...newer, ...before.fresh] }
    : { ...before, fresh: items, gap: { cursor: nextCursor } };
}

function letIn(before: FoundEvents): FoundEvents {
  const { items, fresh, gap } = before;
  if (fresh.length === 0) return before;
  return gap === null
    ? { ...before, items: [...fresh, ...items], fresh: [] }
    : { ...before, items: fresh, cursor: gap.cursor, fresh: [], gap: null };
}

interface ShownHistory {
  readonly items: readonly Event[];
  /** How many newer ones wait to be shown. */
  readonly freshCount: number;
  readonly more: boolean;
  readonly loading: boolean;
  readonly fault: PageFault | null;
  next(): void;
  again(): void;
  showFresh(): void;
}

/**
 * What fits a query of `/api/audit/events`, and while `isLive` what comes. `isHeld`: the list must not move
 * now, so that newer ones wait.
 */
export function useHistory(query: string, isLive: boolean, isHeld: () => boolean): ShownHistory {
  const [found, setFound] = useState<FoundEvents>(none);
  const [loading, setLoading] = useState(false);
  const [fault, setFault] = useState<PageFault | null>(null);
  const currentQuery = useRef(query);
  currentQuery.current = query;
  const read = (cursor: string | null) => {
    setLoading(true);
    eventsOf(query, pageSize, cursor)
      .then(({ items, nextCursor }) => {
        // An answer that was overtaken by other filters.
        if (currentQuery.current !== query) return;
        setFound((before) =>
          cursor === null
            ? { ...none, query, items, cursor: nextCursor }
            : { ...before, items: [...before.items, ...items], cursor: nextCursor },
        );
        setFault(null);
      })
      .catch((error: unknown) => setFault(asFault(error)))
      .finally(() => setLoading(false));
  };
  useEffect(() => {
    const timer = setTimeout(() => read(null), typingMs);
    return () => clearTimeout(timer);
  }, [query]);

  const isShown = found.query === query;
  const newest = (found.fresh[0] ?? found.items[0])?.index ?? -1;
  useEffect(() => {
    if (!isLive || !isShown) return;
    let isOver = false;
    const look = async () => {
      if (document.hidden) return;
      const { items } = await eventsOf(query, 1);
      const page = (items[0]?.index ?? -1) > newest ? await eventsOf(query, pageSize) : null;
      if (isOver) return;
      setFound((before) => {
        const now = page === null ? before : withNewer(before, page);
        return isHeld() ? now : letIn(now);
      });
    };
    // A registry that is away is told by the page's live connection; the next look comes anyway.
    const timer = setInterval(() => look().catch(() => undefined), lookEveryMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [query, isLive, isShown, newest]);

  return {
    items: found.items,
    freshCount: found.fresh.length,
    more: found.cursor !== null,
    loading: loading || !isShown,
    fault,
    next: () => read(found.cursor),
    again: () => read(null),
    showFresh: () => setFound(letIn),
  };
}
