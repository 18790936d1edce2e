/** What one decides about a request, and how what was granted is revoked. */
import type { Bulk, Request, User } from '../../api/output.ts';
import { asFault, faultWords, get, may, nowMs, post } from '../app/api.ts';
import { putRequest } from '../app/live.ts';
import { announce, change, showToast, state } from '../app/store.ts';
import { activationWords, counted, dateTime } from '../app/words.ts';

const base = '/api/client-registry/requests';

/** Revokes one after the other, and tells what could not be. */
export async function revokeAll(usernames: readonly string[], said: object): Promise<void> {
  const failed: string[] = [];
  const done: string[] = [];
  let sessions = 0;
  for (const username of usernames)
    try {
      const path = `/api/users/${encodeURIComponent(username)}`;
      sessions += (await get<User>(path)).sessionCount;
      const { status } = await post<User>(`${path}/revoke`, said);
      state.userStatuses.set(username, status);
      done.push(username);
    } catch (error) {
      failed.push(`${username}: ${faultWords(asFault(error))}`);
    }
  const closed =
    sessions === 0 ? '' : ` ${counted(sessions, 'session is', 'sessions are')} closed.`;
  const reinstate = { label: 'Reinstate', run: () => void reinstated(done) };
  const words = `Revoked.${closed} Nobody can ask for ${done.length === 1 ? 'this name until you reinstate it' : 'these names until you reinstate them'}.`;
  if (done.length > 0) announce(words);
  showToast({
    tone: failed.length > 0 ? 'bad' : 'good',
    text: `${done.length > 0 ? words : ''} ${failed.length > 0 ? `Not everything was revoked. ${failed.join(' ')}` : ''}`.trim(),
    ...(done.length > 0 && { action: reinstate }),
  });
}

async function reinstated(usernames: readonly string[]): Promise<void> {
  try {
    for (const username of usernames)
      await post(`/api/users/${encodeURIComponent(username)}/reinstate`, {});
    showToast({
      tone: 'good',
      text: 'Reinstated. It may ask again when the registry is unlocked.',
    });
  } catch (error) {
    showToast({ tone: 'bad', text: faultWords(asFault(error)) });
  }
}

/** Asks first, and says what it does: a grant is not undone, its access is revoked. */
export const askToRevoke = (usernames: readonly string[]): void => change({ revoking: usernames });

export const mayRevoke = (username: string): boolean =>
  may('write', `/api/users/${username}/revoke`);

/** @throws Fault */
export async function grantOne(request: Request, body: object): Promise<void> {
  const granted = await post<Request>(`${base}/${request.requestId}/grant`, body);
  putRequest(granted);
  const words = `Granted. ${activationWords(granted)}`.trim();
  announce(words);
  showToast({
    tone: 'good',
    text: `${request.username}: ${words}.`,
    ...(mayRevoke(request.username)
      ? { action: { label: 'Revoke…', run: () => askToRevoke([request.username]) } }
      : {}),
  });
}

/** @throws Fault */
export async function denyOne(
  request: Request,
  body: { reason?: string; blockedUntil?: string },
): Promise<void> {
  putRequest(await post<Request>(`${base}/${request.requestId}/deny`, body));
  const then =
    body.blockedUntil === undefined
      ? 'It may ask again when the registry is next unlocked.'
      : `It may not ask again before ${dateTime(body.blockedUntil, nowMs())}.`;
  announce('Denied');
  showToast({ tone: 'wait', text: `${request.username}: Denied. ${then}` });
}

/** Those that can be granted alike: contested ones and replacements are granted one by one. */
export const grantableTogether = (requests: readonly Request[]): Request[] =>
  requests.filter(
    ({ status, contested, kind }) => status === 'pending' && !contested && kind === 'new',
  );

/** Outcomes one by one: those left alone stay where they are. @throws Fault */
export async function decideMany(
  verb: 'grant' | 'deny',
  requests: readonly Request[],
  body: object,
): Promise<void> {
  const done: string[] = [];
  const left = new Map<string, number>();
  for (let at = 0; at < requests.length; at += 1_000) {
    const ids = requests.slice(at, at + 1_000).map(({ requestId }) => requestId);
    const { results } = await post<Bulk>(`${base}/${verb}`, { ids, ...body });
    for (const result of results) {
      if ('problem' in result)
        left.set(result.problem.title, (left.get(result.problem.title) ?? 0) + 1);
      else done.push(result.requestId);
    }
  }
  const of = new Map(requests.map((request) => [request.requestId, request]));
  for (const id of done) {
    const request = state.requests.find(({ requestId }) => requestId === id) ?? of.get(id);
    // What exactly was decided comes by itself; until then the row says that it is decided.
    if (request?.status === 'pending')
      putRequest({ ...request, status: verb === 'grant' ? 'granted' : 'denied' });
  }
  const names = done.flatMap((id) => of.get(id)?.username ?? []);
  const alone = [...left]
    .map(([title, count]) => `${count} left alone: ${title.toLowerCase()}.`)
    .join(' ');
  const words = `${counted(done.length, 'request', 'requests')} ${verb === 'grant' ? 'granted' : 'denied'}. ${alone}`;
  announce(words);
  showToast({
    tone: left.size > 0 ? 'wait' : 'good',
    text: words,
    ...(verb === 'grant' && names.length > 0 && mayRevoke('x')
      ? { action: { label: `Revoke ${names.length}…`, run: () => askToRevoke(names) } }
      : {}),
  });
}
