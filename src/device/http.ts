/** One request of a device: bounded in time and size; no answer is an answer too. */
import { type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { answerBytesMax, type DoorRequest, type DoorResponse } from './answer.ts';
import { retryAfterMs } from './retry-after.ts';
import type { DeviceTime } from './time.ts';

/** Whom a device trusts, and what it shows of itself, over TLS; PEM. */
export interface TlsCredentials {
  /** Absent: whom the system trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Sending {
  readonly time: DeviceTime;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One request. A redirect is not followed: the password would go to somebody else. */
export async function send(
  url: string,
  { time, timeoutMs, signal }: Sending,
  asked: DoorRequest,
  credentials: TlsCredentials = {},
): Promise<DoorResponse> {
  signal?.throwIfAborted();
  const timeout = time.timeout(timeoutMs);
  const until = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await responseTo(url, until, asked, credentials);
    const body = await boundedJson(response);
    const { 'retry-after': after, date } = response.headers;
    const retry = retryAfterMs(after, date, time.nowMs());
    return { status: response.statusCode ?? 0, body, retryAfterMs: retry };
  } catch (error) {
    signal?.throwIfAborted();
    const detail = timeout.aborted ? 'ETIMEDOUT' : codeOf(error);
    return { status: 0, body: { detail }, retryAfterMs: null };
  }
}

/** Why there is no answer; of several addresses that were tried, the first one's reason. */
export function codeOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code } = first as { code?: unknown };
  return typeof code === 'string' ? code : String(first);
}

/** A connection of its own: what it trusts and shows is asked anew each time. */
function responseTo(
  url: string,
  signal: AbortSignal,
  { method, headers, body }: DoorRequest,
  credentials: TlsCredentials,
): Promise<IncomingMessage> {
  const text = body === undefined ? null : JSON.stringify(body);
  const content = text !== null && {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
  };
  const options = { method, signal, agent: false, headers: { ...content, ...headers } };
  return new Promise((resolve, reject) => {
    const asking = url.startsWith('https:')
      ? overHttps(url, { ...options, ...credentials })
      : overHttp(url, options);
    asking.once('response', resolve).once('error', reject);
    asking.end(text ?? undefined);
  });
}

async function boundedJson(response: IncomingMessage): Promise<DoorResponse['body']> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.byteLength;
    if (length > answerBytesMax) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return typeof value === 'object' && value !== null ? (value as DoorResponse['body']) : {};
  } catch {
    return {};
  }
}
