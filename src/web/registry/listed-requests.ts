/** The requests that the list shows: found, filtered, and in an order that stands still while somebody is at it. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Request } from '../../api/output.ts';
import { get, type PageOf } from '../app/api.ts';
import { useStore } from '../app/store.ts';
import { searchText } from '../app/words.ts';
import { chosenBy, isEvery, orders, type RequestChoice } from './request-choice.ts';

const path = '/api/client-registry/requests?status=pending&limit=200';
const typingMs = 200;

const fits = ({ username, pairingId }: Request, text: string): boolean =>
  username.toLowerCase().includes(text) || pairingId?.includes(text) === true;

/** What the find field asks the server, a moment after the last key. Null: nobody searches. */
export function useFound(typed: string): readonly Request[] | null {
  const [answer, setAnswer] = useState<readonly Request[] | null>(null);
  const { requests } = useStore();
  useEffect(() => {
    if (typed.trim() === '') {
      setAnswer(null);
      return;
    }
    const timer = setTimeout(() => {
      get<PageOf<Request>>(`${path}&q=${encodeURIComponent(searchText(typed).slice(0, 128))}`)
        .then(({ items }) => setAnswer(items))
        .catch(() => setAnswer([]));
    }, typingMs);
    return () => clearTimeout(timer);
  }, [typed]);
  return useMemo(() => {
    if (answer === null) return null;
    // What came or changed since the answer is known here; the server also finds what is not.
    const now = new Map(answer.map((request) => [request.requestId, request]));
    const text = searchText(typed).toLowerCase();
    for (const request of requests)
      if (now.has(request.requestId) || fits(request, text)) now.set(request.requestId, request);
    return [...now.values()];
  }, [answer, requests, typed]);
}

export const useChosen = (requests: readonly Request[], choice: RequestChoice) =>
  useMemo(
    () => (isEvery(choice) ? requests : requests.filter(chosenBy(choice))),
    [requests, choice],
  );

/** Rows are put in order when nobody is at the list, when new ones are let in, and when another order is chosen. */
export function useOrdered(
  requests: readonly Request[],
  sort: RequestChoice['sort'],
  isHeld: () => boolean,
): readonly Request[] {
  const kept = useRef({
    sort,
    requests: null as readonly Request[] | null,
    ordered: requests,
    rank: new Map<string, number>(),
    isInOrder: false,
  });
  const { current } = kept;
  const isSame = current.requests === requests && current.sort === sort;
  if (isSame && (current.isInOrder || isHeld())) return current.ordered;
  const placeOf = ({ requestId }: Request) => current.rank.get(requestId);
  const isInOrder =
    current.sort !== sort ||
    requests.some((request) => placeOf(request) === undefined) ||
    !isHeld();
  const ordered = requests.toSorted(
    isInOrder ? orders[sort] : (one, other) => (placeOf(one) ?? 0) - (placeOf(other) ?? 0),
  );
  const rank = new Map(ordered.map(({ requestId }, at) => [requestId, at]));
  kept.current = { sort, requests, ordered, rank, isInOrder };
  return ordered;
}
