/** Follows `/api/events` with the session's cookie, goes on after a lost connection, and keeps the store fresh. */
import { useEffect } from 'preact/hooks';
import type { Knock, Proposal, Request, Role, User, Window } from '../../api/output.ts';
import { get, getAll, may, nowMs, type PageOf, pageHeaders, sessionIsOver } from './api.ts';
import { announce, change, state } from './store.ts';
import { counted } from './words.ts';

const silenceMaxMs = 40_000;
const retryMaxMs = 15_000;
const hiddenMaxMs = 60_000;
/** Waiting requests that are held here; the find field asks the server for others. */
const requestsMax = 10_000;
const knocksShownMax = 50;
const proposalsMax = 1_000;
const announceEveryMs = 5_000;

/** Whether the list must not move now: pointer or focus are in it, or its top is out of view. */
let listIsHeld: () => boolean = () => false;
export const whenListIsHeld = (held: () => boolean): void => {
  listIsHeld = held;
};

let lastId: string | null = null;
let running: AbortController | null = null;
/** Whether everything was read since the sign-in. */
let complete = false;

/** Reads everything anew. */
async function readAll(): Promise<void> {
  const registry = '/api/client-registry';
  const optional = async <T>(path: string, read: () => Promise<T>, otherwise: T): Promise<T> =>
    may('read', path) ? await read() : otherwise;
  const [window, first, knocks, roles, proposals] = await Promise.all([
    optional(registry, () => get<Window>(registry), null),
    optional(
      `${registry}/requests`,
      () => get<PageOf<Request>>(`${registry}/requests?status=pending&limit=100`),
      { items: [], nextCursor: null },
    ),
    optional(
      `${registry}/knocks`,
      () => get<PageOf<Knock>>(`${registry}/knocks?limit=${knocksShownMax}`),
      {
        items: [],
        nextCursor: null,
      },
    ),
    optional('/api/roles', () => getAll<Role>('/api/roles', 1_000), []),
    optional(
      '/api/approvals',
      () => getAll<Proposal>('/api/approvals?status=waiting', proposalsMax),
      [],
    ),
  ]);
  change({
    window,
    requests: first.items,
    requestsLoaded: true,
    arrivals: [],
    knocks: knocks.items,
    roles,
    proposals,
  });
  state.decidedMs.clear();
  if (first.nextCursor === null) return;
  const all = await getAll<Request>(`${registry}/requests?status=pending`, requestsMax);
  const known = new Set(all.map(({ requestId }) => requestId));
  change({
    requests: [...state.requests.filter(({ requestId }) => !known.has(requestId)), ...all],
  });
}

export const readRoles = async (): Promise<void> => {
  if (may('read', '/api/roles')) change({ roles: await getAll<Role>('/api/roles', 1_000) });
};

/** Roles change without a live event: what shows them reads them when it opens. */
export const useFreshRoles = (): void => {
  useEffect(() => {
    readRoles().catch(() => undefined);
  }, []);
};

let newCount = 0;
let announcedMs = 0;
function announceNew(): void {
  newCount++;
  const say = () => {
    if (newCount === 0) return;
    announce(counted(newCount, 'new request', 'new requests'));
    newCount = 0;
    announcedMs = Date.now();
  };
  if (Date.now() - announcedMs > announceEveryMs) say();
  else setTimeout(say, announceEveryMs);
}

export function letArrivalsIn(): void {
  if (state.arrivals.length === 0) return;
  const now = nowMs();
  for (const { requestId } of state.arrivals) state.arrivedMs.set(requestId, now);
  change({ requests: [...state.arrivals, ...state.requests], arrivals: [] });
}

/** Keeps a request as it is now, wherever it stands. */
export function putRequest(request: Request): void {
  const same = ({ requestId }: Request) => requestId === request.requestId;
  const waits = request.status === 'pending';
  if (!waits && !state.decidedMs.has(request.requestId))
    state.decidedMs.set(request.requestId, nowMs());
  const at = state.requests.findIndex(same);
  if (at >= 0) {
    const requests = [...state.requests];
    requests[at] = request;
    change({ requests });
    return;
  }
  const arrivals = state.arrivals.filter((one) => !same(one));
  if (!waits) {
    change({ arrivals });
    return;
  }
  change({ arrivals: [request, ...arrivals] });
  announceNew();
  if (!listIsHeld()) letArrivalsIn();
}

/** Keeps a proposal as it is now. */
export function putProposal(proposal: Proposal): void {
  const others = state.proposals.filter(({ proposalId }) => proposalId !== proposal.proposalId);
  change({ proposals: [proposal, ...others].slice(0, proposalsMax) });
}

type LiveListener = (name: string, data: unknown) => void;
const listeners = new Set<LiveListener>();

/** Told of each live event, also of `reset`: what was missed is not told. Returns how to stop. */
export function onLive(listener: LiveListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply(name: string, data: unknown): void {
  for (const listener of listeners) listener(name, data);
  if (name === 'reset') {
    void readAll().catch(() => undefined);
  } else if (name.startsWith('request.')) {
    const request = data as Request;
    const isNew = name === 'request.pending' && request.status === 'pending' && !known(request);
    putRequest(request);
    const { window } = state;
    if (isNew && window !== null && window.windowId === request.windowId)
      change({ window: { ...window, requestCount: window.requestCount + 1 } });
    if (isNew)
      change({ knocks: state.knocks.filter(({ username }) => username !== request.username) });
  } else if (name.startsWith('window.')) {
    const window = data as Window;
    if (window.status !== state.window?.status)
      announce(window.status === 'unlocked' ? 'Unlocked' : 'Locked');
    change({ window });
  } else if (name === 'proposal.changed') {
    const proposal = data as Proposal;
    if (!state.proposals.some(({ proposalId }) => proposalId === proposal.proposalId))
      announce('Something waits for approval');
    putProposal(proposal);
  } else if (name === 'knock') {
    const knock = data as Knock;
    const others = state.knocks.filter(
      ({ username, source }) => username !== knock.username || source !== knock.source,
    );
    change({ knocks: [knock, ...others].slice(0, knocksShownMax) });
  } else if (name === 'user.changed' || name === 'activation.changed') {
    const { username, status } = data as User;
    if (name === 'user.changed') state.userStatuses.set(username, status);
    state.userChanges.set(username, (state.userChanges.get(username) ?? 0) + 1);
    if (name === 'activation.changed') activated(data as ActivatedAt);
    change();
  }
}

const known = ({ requestId }: Request): boolean =>
  state.requests.some((one) => one.requestId === requestId) ||
  state.arrivals.some((one) => one.requestId === requestId);

type ActivatedAt = Request['activations'][number] & { username: string };

/** The result of a grant, broker by broker, in the row it was given in. */
function activated({ username, ...activation }: ActivatedAt): void {
  const requests = state.requests.map((request) =>
    request.username === username && request.status === 'granted'
      ? {
          ...request,
          activations: [
            ...request.activations.filter(({ broker }) => broker !== activation.broker),
            activation,
          ],
        }
      : request,
  );
  change({ requests });
}

function applyBlock(block: string): void {
  let name = 'message';
  let data = '';
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ');
    if (at < 1) continue;
    const [field, value] = [line.slice(0, at), line.slice(at + 2)];
    if (field === 'id') lastId = value;
    else if (field === 'event') name = value;
    else if (field === 'data') data += value;
  }
  if (data !== '') apply(name, JSON.parse(data));
}

/** One connection, until it ends. Resolves with whether it was ever there. */
async function follow(signal: AbortSignal): Promise<boolean> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), silenceMaxMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), silenceMaxMs);
  };
  let live = false;
  try {
    const goesOn: Record<string, string> = lastId === null ? {} : { 'Last-Event-ID': lastId };
    const response = await fetch('/api/events', {
      headers: { ...pageHeaders, ...goesOn },
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (response.status === 401) {
      sessionIsOver();
      return true;
    }
    if (response.status === 403) {
      change({ connection: { status: 'refused' } });
      running?.abort();
      return true;
    }
    if (!response.ok || response.body === null) return false;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return live;
      heard();
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) applyBlock(block);
      if (!live) {
        live = true;
        const wasLost = state.connection.status === 'lost';
        change({ connection: { status: 'live' } });
        if (wasLost) announce('Connected again');
        // What was there before the stream began; what it told meanwhile is in it already.
        if (!complete) await readAll();
        complete = true;
      }
    }
  } catch {
    return live;
  } finally {
    clearTimeout(timer);
  }
}

let retryNow: () => void = () => undefined;
export const tryNow = (): void => retryNow();

/** Follows until `stopLive`. */
export async function startLive(goOn = false): Promise<void> {
  stopLive(!goOn);
  const ending = new AbortController();
  running = ending;
  let retryMs = 1_000;
  while (!ending.signal.aborted) {
    const was = await follow(ending.signal);
    if (ending.signal.aborted) return;
    retryMs = was ? 1_000 : Math.min(retryMaxMs, retryMs * 2);
    const { connection } = state;
    const atMs = connection.status === 'lost' ? connection.atMs : Date.now();
    if (connection.status !== 'lost') announce('Connection lost');
    change({ connection: { status: 'lost', atMs, retryMs: Date.now() + retryMs } });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, retryMs);
      retryNow = () => {
        clearTimeout(timer);
        resolve();
      };
      ending.signal.addEventListener('abort', retryNow);
    });
  }
}

export function stopLive(forget = true): void {
  running?.abort();
  running = null;
  if (!forget) return;
  lastId = null;
  complete = false;
}

/** A page that nobody looks at gives its connection back, since a browser has few for one address. */
export function restWhileHidden(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (state.me === null || state.me === undefined || state.sessionOver) return;
    if (document.hidden) timer = setTimeout(() => stopLive(false), hiddenMaxMs);
    else if (running === null) void startLive(true);
  });
}
