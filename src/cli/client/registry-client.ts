/** The registry's REST API over HTTP: one request, its response, and what went wrong in words. */
import { CommandFailed, exitCodes } from '../command.ts';
import { faultOf } from './problem.ts';
import { CommandWaits, proposalIn } from './proposed.ts';
import { requestTimeoutMs, systemCode, unreachable } from './unreachable.ts';

interface RegistryResponse<Body> {
  readonly body: Body;
  /** The body as it came. */
  readonly text: string;
}

export type QueryParameters = Readonly<Record<string, string | number | null>>;

interface ReadOptions {
  /** The answer must not be older than this position; else the command's own changes count. */
  readonly position?: string | null;
  readonly signal?: AbortSignal;
}

/** The registry's REST API, as one signed-in person. Rejects with ProblemAnswered, CommandWaits or CommandFailed. */
export interface Registry {
  readonly url: string;
  get<Body>(
    path: string,
    query?: QueryParameters,
    reading?: ReadOptions,
  ): Promise<RegistryResponse<Body>>;
  send<Body>(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<RegistryResponse<Body>>;
  /** Sends a file; for one of thousands of lines the registry takes its time. */
  upload<Body>(
    path: string,
    file: Uint8Array<ArrayBuffer>,
    mediaType: string,
  ): Promise<RegistryResponse<Body>>;
  /** What is no JSON, as it comes and however long; `path` is the whole one: `/api/audit/export`. */
  stream(path: string, query?: QueryParameters, accept?: string): AsyncIterable<Uint8Array>;
  /** The same of a command. */
  download(path: string, body: object): AsyncIterable<Uint8Array>;
}

const responseBytesMax = 256 * 1024 * 1024;
const uploadTimeoutMs = 10 * 60 * 1_000;
const defaultUrl = 'http://127.0.0.1:8080';

/** The registry's address without a slash at the end. @throws CommandFailed when it is none. */
export function registryUrl(given: string | null): string {
  const text = given ?? defaultUrl;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ''
  )
    throw new CommandFailed(
      exitCodes.usage,
      'The address of the registry is no http or https URL.',
      [`Give one such as ${defaultUrl} (--url, or GATEBOOK_URL), without a user in it.`],
    );
  return url.href.replace(/\/+$/, '');
}

const jsonBody = (body: object) => ({ body: JSON.stringify(body), type: 'application/json' });

export function registryAt(url: string, token: string | null): Registry {
  let position: string | null = null;
  const request = async (
    method: string,
    path: string,
    sent?: { readonly body: string | Uint8Array<ArrayBuffer>; readonly type: string },
    reading: ReadOptions = {},
    timeoutMs = requestTimeoutMs,
  ) => {
    const minimumPosition = reading.position ?? position;
    const init = {
      method,
      ...(reading.signal && { signal: reading.signal }),
      headers: {
        accept: 'application/json',
        ...(sent !== undefined && { 'content-type': sent.type }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
        // A read after a command sees what the command did.
        ...(method === 'GET' &&
          minimumPosition !== null && { 'gatebook-position': minimumPosition }),
      },
      ...(sent !== undefined && { body: sent.body }),
    };
    const { response, text } = await fetchText(url, `${url}/api${path}`, init, timeoutMs);
    position = response.headers.get('gatebook-position') ?? position;
    const parsed = jsonOf(text);
    const waiting = proposalIn(response.status, parsed);
    if (waiting !== undefined) throw new CommandWaits(waiting, text);
    const isAnswer = method === 'GET' ? response.status === 200 : response.ok;
    if (isAnswer && (isBody(parsed) || response.status === 204)) return { body: parsed, text };
    throw faultOf(url, response, text, parsed);
  };
  const queryText = (query: QueryParameters) => {
    const pairs = Object.entries(query).filter(([, value]) => value !== null);
    return pairs.length === 0
      ? ''
      : `?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)]))}`;
  };
  return {
    url,
    get: async <Body>(path: string, query: QueryParameters = {}, reading: ReadOptions = {}) =>
      (await request('GET', path + queryText(query), undefined, reading)) as RegistryResponse<Body>,
    send: async <Body>(method: string, path: string, body?: object) =>
      (await request(method, path, body && jsonBody(body))) as RegistryResponse<Body>,
    upload: async <Body>(path: string, file: Uint8Array<ArrayBuffer>, type: string) => {
      const sent = { body: file, type };
      return (await request(
        ...(['POST', path, sent, {}, uploadTimeoutMs] as const),
      )) as RegistryResponse<Body>;
    },
    stream: (path: string, query: QueryParameters = {}, accept = '*/*') =>
      streamed(url, path + queryText(query), {
        headers: {
          accept,
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(position !== null && { 'gatebook-position': position }),
        },
      }),
    download: (path: string, body: object) =>
      streamed(url, path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== null && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
      }),
  };
}

/** The time limit is for each portion: an export may take as long as it needs. */
async function* streamed(
  registry: string,
  path: string,
  init: RequestInit,
): AsyncGenerator<Uint8Array, void, void> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), requestTimeoutMs);
  try {
    const response = await fetch(registry + path, {
      ...init,
      redirect: 'manual',
      signal: stalled.signal,
    });
    if (!response.ok) {
      const text = await response.text();
      throw faultOf(registry, response, text, jsonOf(text));
    }
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw unreachable(registry, stalled.signal.aborted ? 'ETIMEDOUT' : systemCode(error));
  } finally {
    clearTimeout(timer);
    stalled.abort();
  }
}

async function fetchText(registry: string, url: string, init: RequestInit, timeoutMs: number) {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    // A redirect is not followed: it would carry the token to somebody else.
    const signals = init.signal ? [timeout, init.signal] : [timeout];
    const signal = AbortSignal.any(signals);
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > responseBytesMax) throw Object.assign(new Error(), { code: 'EFBIG' });
      chunks.push(chunk);
    }
    return { response, text: Buffer.concat(chunks).toString() };
  } catch (error) {
    throw unreachable(registry, timeout.aborted ? 'ETIMEDOUT' : systemCode(error));
  }
}

/** Every answer in JSON is an object. */
const isBody = (parsed: unknown): boolean => typeof parsed === 'object' && parsed !== null;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
