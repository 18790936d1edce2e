/** How much happened: one small answer of the server's, and what came since by live events. */
import { useEffect, useState } from 'preact/hooks';
import type { Activity } from '../../api/audit.ts';
import type { Request, User } from '../../api/output.ts';
import { get, nowMs } from '../app/api.ts';
import { onLive } from '../app/live.ts';
import { useStore } from '../app/store.ts';
import { useRead } from '../parts/parts.ts';

type Counted = 'requested' | 'granted' | 'denied' | 'revoked';

/** What a live event says that happened, and when; `once` names it, however often it is told. */
export interface Happened {
  readonly kind: Counted;
  readonly at: string;
  readonly once: string;
}

export function happenedIn(name: string, data: unknown): Happened | null {
  if (name === 'user.changed') {
    const { status, username, changedAt: at } = data as User;
    return status === 'revoked' ? { kind: 'revoked', at, once: `revoked ${username} ${at}` } : null;
  }
  const { requestId, requestedAt, decision } = data as Request;
  if (name === 'request.pending')
    return { kind: 'requested', at: requestedAt, once: `requested ${requestId}` };
  const kind = name.slice('request.'.length);
  if ((kind !== 'granted' && kind !== 'denied') || decision === null) return null;
  return { kind, at: decision.at, once: `${kind} ${requestId}` };
}

/** The answer with what came after it, all in its newest part. */
export function withHappened(activity: Activity, happened: readonly Happened[]): Activity {
  const newer = happened.filter(({ at }) => at >= activity.until);
  const last = activity.items.at(-1);
  if (last === undefined || newer.length === 0) return activity;
  const count = (kind: Counted) => newer.filter((one) => one.kind === kind).length;
  const changed = {
    ...last,
    requested: last.requested + count('requested'),
    granted: last.granted + count('granted'),
    denied: last.denied + count('denied'),
    revoked: last.revoked + count('revoked'),
  };
  return { ...activity, items: [...activity.items.slice(0, -1), changed] };
}

/** So many are counted by themselves; beyond, the server is asked anew. */
const happenedMax = 2_000;
/** As long as the newest part; then the answer is a part too old. */
const readEveryMs = 15 * 60_000;
/** Several changes of the lock at once are one. */
const lockPauseMs = 2_000;

/** The last 24 hours in 96 parts; null until the answer is there. */
export function useActivity(): Activity | null {
  const { window } = useStore();
  const lock = `${window?.windowId} ${window?.status} ${window?.until}`;
  const [key, setKey] = useState({ lock, readMs: nowMs() });
  const [happened, setHappened] = useState<ReadonlyMap<string, Happened>>(new Map());
  const again = () => setKey({ lock, readMs: nowMs() });
  useEffect(() => {
    if (key.lock === lock) return;
    const timer = setTimeout(again, lockPauseMs);
    return () => clearTimeout(timer);
  }, [lock]);
  useEffect(() => {
    const timer = setInterval(again, readEveryMs);
    return () => clearInterval(timer);
  }, []);
  useEffect(
    () =>
      onLive((name, data) => {
        if (name === 'reset') return again();
        const found = /^(request|user)\./.test(name) ? happenedIn(name, data) : null;
        if (found === null) return;
        setHappened((known) =>
          known.has(found.once) ? known : new Map([...known, [found.once, found]]),
        );
      }),
    [],
  );
  const { value } = useRead(`activity ${key.readMs}`, () => get<Activity>('/api/audit/activity'));
  const tooMany = happened.size > happenedMax;
  useEffect(() => {
    if (tooMany) again();
  }, [tooMany]);
  useEffect(() => {
    if (value !== null)
      setHappened((known) => new Map([...known].filter(([, { at }]) => at >= value.until)));
  }, [value]);
  return value && withHappened(value, [...happened.values()]);
}
