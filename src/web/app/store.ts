/** What the page knows now, kept fresh by live events; components draw it anew when it changes. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { Knock, Proposal, Request, Role, Self, User, Window } from '../../api/output.ts';
import { nowMs } from './api.ts';

interface Toast {
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'wait';
  readonly action?: { readonly label: string; readonly run: () => void };
}

type PageConnection =
  | { readonly status: 'connecting' | 'live' | 'refused' }
  | { readonly status: 'lost'; readonly atMs: number; readonly retryMs: number };

interface PageState {
  /** undefined: not known yet. null: nobody is signed in. */
  me: Self | null | undefined;
  /** Somebody was signed in until now: what they typed stays. */
  sessionOver: boolean;
  connection: PageConnection;
  window: Window | null;
  /** Waiting ones, and those decided a moment ago; by id, the newest first. */
  requests: Request[];
  requestsLoaded: boolean;
  /** New ones that wait to be let into the list. */
  arrivals: Request[];
  /** When a row was decided or arrived, by request id. */
  decidedMs: Map<string, number>;
  arrivedMs: Map<string, number>;
  knocks: Knock[];
  /** Those that wait for several people, and those that changed while this page was open. */
  proposals: Proposal[];
  roles: Role[];
  toast: Toast | null;
  /** Counts changes of users, by name: what shows one reads it anew. */
  userChanges: Map<string, number>;
  /** What users became while this page was open, by name. */
  userStatuses: Map<string, User['status']>;
  /** Whose access is to be revoked, once it is said what that does. */
  revoking: readonly string[] | null;
  announcement: string;
  showsKeys: boolean;
  exactTimes: boolean;
  shortcuts: boolean;
  theme: string;
}

export const remembered = (name: string): string | null => {
  try {
    return localStorage.getItem(`gatebook-${name}`);
  } catch {
    return null;
  }
};
export const remember = (name: string, value: string): void => {
  try {
    localStorage.setItem(`gatebook-${name}`, value);
  } catch {
    // Without storage it holds until the page is closed.
  }
};

export const fresh = () => ({
  window: null,
  requests: [],
  requestsLoaded: false,
  arrivals: [],
  decidedMs: new Map<string, number>(),
  arrivedMs: new Map<string, number>(),
  knocks: [],
  proposals: [],
  roles: [],
  userChanges: new Map<string, number>(),
  userStatuses: new Map<string, User['status']>(),
  revoking: null,
  connection: { status: 'connecting' } as const,
});

export const state: PageState = {
  me: undefined,
  sessionOver: false,
  toast: null,
  announcement: '',
  showsKeys: false,
  exactTimes: remembered('exact-times') === 'on',
  shortcuts: remembered('shortcuts') !== 'off',
  theme: remembered('theme') ?? '',
  ...fresh(),
};

const listeners = new Set<() => void>();
let isScheduled = false;

/** Changes what is known; many changes of one moment are drawn once. */
export function change(changes: Partial<PageState> = {}): void {
  Object.assign(state, changes);
  if (isScheduled) return;
  isScheduled = true;
  queueMicrotask(() => {
    isScheduled = false;
    for (const listener of [...listeners]) listener();
  });
}

/**
 * Draws the component anew whenever something is known anew. It listens from the moment it is drawn: an
 * effect that waits for the next frame would miss an answer that comes before it.
 */
export function useStore(): PageState {
  const [, draw] = useState(0);
  useLayoutEffect(() => {
    const listener = () => draw((count) => count + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return state;
}

const tickers = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

/** The server's time, drawn anew each second: one timer for the page. */
export function useNow(): number {
  const [, draw] = useState(0);
  useEffect(() => {
    const ticker = () => draw((count) => count + 1);
    tickers.add(ticker);
    ticking ??= setInterval(() => {
      for (const one of [...tickers]) one();
    }, 1_000);
    return () => {
      tickers.delete(ticker);
      if (tickers.size > 0) return;
      clearInterval(ticking);
      ticking = undefined;
    };
  }, []);
  return nowMs();
}

export const showToast = (toast: Toast | null): void => change({ toast });

/** Said once to screen readers. */
export const announce = (announcement: string): void => change({ announcement });
