/** A door that lies, dawdles and breaks off: what a network and a registry in trouble do to a device, at random. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Pending } from '../api/output.ts';
import type { Serve } from '../http/one-answer.ts';
import { problemText, problemType, refusal } from '../http/response/problem.ts';
import { bodyBytesMax } from '../limits/http.ts';
import type { DoorFate, Fates, RetryAfter } from './fates.ts';

interface HostileTime {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

const register = '/api/client-registry/register';
const doors = [
  register,
  '/api/client-registry/requests/self',
  '/api/client-registry/certificate',
] as const;
const est = '/.well-known/est/';
const dayMs = 24 * 3_600_000;

/**
 * What is no door is served as always, with a header that says where one is.
 * @param fates asked at each question
 */
export function hostileDoor(
  seed: string,
  fates: () => Pick<Fates, 'door'>,
  time: HostileTime,
): (serve: Serve) => Serve {
  return (serve) => (request, response) => {
    response.setHeader('Gatebook-Hostile', seed);
    const [path = ''] = (request.url ?? '').split('?', 1);
    const isDoor = doors.some((one) => one === path);
    if (!isDoor && !path.startsWith(est)) return serve(request, response);
    const fate = fates().door();
    // What EST tells of waiting is bytes of its own: there the network alone is hostile.
    const told = isDoor || isOfTheNetwork(fate) ? fate : { ...fate, what: 'heard' as const };
    void suffer(told, serve, { request, response, path, time }).catch(() =>
      request.socket.destroy(),
    );
  };
}

const isOfTheNetwork = ({ what }: DoorFate): boolean =>
  what === 'heard' || what === 'cut' || what === 'broken-off';

interface Exchanged {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly time: HostileTime;
}

async function suffer(fate: DoorFate, serve: Serve, exchanged: Exchanged): Promise<void> {
  const { request, response, path, time } = exchanged;
  if (fate.delayMs > 0) await time.sleep(fate.delayMs);
  const { what } = fate;
  if (what === 'cut') return void request.socket.destroy();
  if (what === 'heard' || what === 'broken-off') {
    twist(fate, exchanged);
    return serve(request, response);
  }
  const asked = await jsonIn(request);
  if (what === 'made-up' && path === register && typeof asked.username === 'string')
    return answer(fate, exchanged, 202, JSON.stringify(madeUp(asked.username, fate, exchanged)));
  const problem = refusal(what === 'made-up' ? 'registry-locked' : what);
  response.setHeader('Content-Type', problemType);
  answer(fate, exchanged, problem.status, problemText(problem));
}

/** A body that is too long, or none, counts as empty. */
async function jsonIn(request: IncomingMessage): Promise<{ readonly username?: unknown }> {
  let text = '';
  for await (const chunk of request) if (text.length < bodyBytesMax) text += String(chunk);
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

const madeUp = (username: string, { skewMs }: DoorFate, { time }: Exchanged): Pending => ({
  status: 'pending',
  requestId: randomUUID(),
  username,
  pairingId: null,
  registrationToken: `v4.public.${randomBytes(96).toString('base64url')}`,
  expiresAt: new Date(time.nowMs() + dayMs + skewMs).toISOString(),
});

/** What was not heard is answered at once. */
function answer(fate: DoorFate, { response, time }: Exchanged, status: number, body: string): void {
  if (!response.hasHeader('Content-Type'))
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
  for (const [name, value] of headersOf(fate, time.nowMs())) response.setHeader(name, value);
  response.statusCode = status;
  response.end(body);
}

const httpDate = (ms: number): string => new Date(ms).toUTCString();

function retryAfterText(after: NonNullable<RetryAfter>, nowMs: number): string {
  return after.isDate ? httpDate(nowMs + after.seconds * 1_000) : String(after.seconds);
}

/** The date is wrong, and one to come back at is as wrong as it. */
function headersOf({ skewMs, retryAfter }: DoorFate, nowMs: number): [string, string][] {
  const date: [string, string] = ['Date', httpDate(nowMs + skewMs)];
  if (retryAfter === null) return [date];
  return [date, ['Retry-After', retryAfterText(retryAfter, nowMs + skewMs)]];
}

const skewed = (text: string, skewMs: number): string =>
  text.replace(
    /("expiresAt":")([^"]+)(")/g,
    (_whole, before, at, after) =>
      `${before}${new Date(Date.parse(at) + skewMs).toISOString()}${after}`,
  );

/** The real answer, with another date and another time to come back; or the half of it. */
function twist(fate: DoorFate, { request, response, time }: Exchanged): void {
  const { writeHead, end } = response;
  let head: readonly OutgoingHttpHeader[] | null = null;
  response.writeHead = ((status: number, headers: readonly OutgoingHttpHeader[] = []) => {
    response.statusCode = status;
    head = headers;
    return response;
  }) as typeof response.writeHead;
  response.end = ((body?: unknown) => {
    Object.assign(response, { writeHead, end });
    const headers = head ?? [];
    for (let at = 0; at + 1 < headers.length; at += 2)
      response.setHeader(String(headers[at]), headers[at + 1] as OutgoingHttpHeader as string);
    const asks = response.hasHeader('Retry-After');
    if (asks) response.removeHeader('Retry-After');
    for (const [name, value] of headersOf(fate, time.nowMs()))
      if (asks || name === 'Date') response.setHeader(name, value);
    const text = typeof body === 'string' ? skewed(body, fate.skewMs) : body;
    if (typeof text === 'string') response.setHeader('Content-Length', Buffer.byteLength(text));
    if (fate.what === 'heard') return response.end(text);
    const half = typeof text === 'string' ? text.slice(0, text.length / 2) : '';
    response.write(half, () => request.socket.destroy());
    return response;
  }) as typeof response.end;
}
