/** Asks the registry: one request, its answer, and what went wrong in words. */
import type { z } from 'zod';
import type { Problem as ProblemSchema } from '../../api/output.ts';
import { CommandFailed, exitCodes } from '../command.ts';

export type AnsweredProblem = z.infer<typeof ProblemSchema>;

export interface RegistryResponse<Body> {
  readonly body: Body;
  /** The body as it came. */
  readonly text: string;
}

export type QueryParameters = Readonly<Record<string, string | number | null>>;

export interface ReadOptions {
  /** The answer must not be older than this position; else the command's own changes count. */
  readonly position?: string | null;
  readonly signal?: AbortSignal;
}

/** The registry's REST API, as one signed-in person. Rejects with ProblemAnswered or CommandFailed. */
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
  /** What is no JSON, as it comes and however long; `path` is the whole one: `/api/audit/export`. */
  stream(path: string, query?: QueryParameters, accept?: string): AsyncIterable<Uint8Array>;
}

/** The registry answered with a problem. */
export class ProblemAnswered extends CommandFailed {
  override name = 'ProblemAnswered';
  readonly problem: AnsweredProblem;
  readonly text: string;
  constructor(problem: AnsweredProblem, text: string, retryAfter: string | null) {
    super(exitCodeOf(problem), problem.detail, hintsOf(problem, retryAfter));
    this.problem = problem;
    this.text = text;
  }
}

const requestTimeoutMs = 30_000;
const answerBytesMax = 256 * 1024 * 1024;
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

export function registryAt(url: string, token: string | null): Registry {
  let position: string | null = null;
  const ask = async (method: string, path: string, body?: object, reading: ReadOptions = {}) => {
    const seen = reading.position ?? position;
    const { response, text } = await fetched(url, `${url}/api${path}`, {
      method,
      ...(reading.signal && { signal: reading.signal }),
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
        // A read after a command sees what the command did.
        ...(method === 'GET' && seen !== null && { 'gatebook-position': seen }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    position = response.headers.get('gatebook-position') ?? position;
    const parsed = jsonOf(text);
    if (response.ok && (parsed !== undefined || response.status === 204))
      return { body: parsed, text };
    if (isProblem(parsed) && parsed.code === 'token-missing')
      throw new CommandFailed(exitCodes.notAllowed, `Not signed in at ${url}.`, [signInHint]);
    if (isProblem(parsed))
      throw new ProblemAnswered(parsed, text, response.headers.get('retry-after'));
    throw new CommandFailed(
      response.status >= 502 ? exitCodes.unreachable : exitCodes.failed,
      `What answers at ${url} does not answer as Gatebook does (status ${response.status}).`,
      ['Is this its address? Another one: --url, or GATEBOOK_URL'],
    );
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
      (await ask('GET', path + queryText(query), undefined, reading)) as RegistryResponse<Body>,
    send: async <Body>(method: string, path: string, body?: object) =>
      (await ask(method, path, body)) as RegistryResponse<Body>,
    stream: (path: string, query: QueryParameters = {}, accept = '*/*') =>
      streamed(url, path + queryText(query), {
        accept,
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(position !== null && { 'gatebook-position': position }),
      }),
  };
}

/** The time limit is for each portion: an export may take as long as it needs. */
async function* streamed(
  registry: string,
  path: string,
  headers: Record<string, string>,
): AsyncGenerator<Uint8Array, void, void> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), requestTimeoutMs);
  try {
    const response = await fetch(registry + path, {
      headers,
      redirect: 'manual',
      signal: stalled.signal,
    });
    if (!response.ok) {
      const text = await response.text();
      const problem = jsonOf(text);
      if (isProblem(problem) && problem.code === 'token-missing')
        throw new CommandFailed(exitCodes.notAllowed, `Not signed in at ${registry}.`, [
          signInHint,
        ]);
      if (isProblem(problem))
        throw new ProblemAnswered(problem, text, response.headers.get('retry-after'));
      throw new CommandFailed(
        response.status >= 502 ? exitCodes.unreachable : exitCodes.failed,
        `What answers at ${registry} does not answer as Gatebook does (status ${response.status}).`,
      );
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

async function fetched(registry: string, url: string, init: RequestInit) {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  try {
    // A redirect is not followed: it would carry the token to somebody else.
    const signals = init.signal ? [timeout, init.signal] : [timeout];
    const signal = AbortSignal.any(signals);
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > answerBytesMax) throw Object.assign(new Error(), { code: 'EFBIG' });
      chunks.push(chunk);
    }
    return { response, text: Buffer.concat(chunks).toString() };
  } catch (error) {
    throw unreachable(registry, timeout.aborted ? 'ETIMEDOUT' : systemCode(error));
  }
}

/** The system's code for why there is no answer, as deep as fetch hides it. */
export function systemCode(error: unknown): string {
  for (let cause = error, depth = 0; depth < 5 && cause instanceof Error; depth++) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string') return code;
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  }
  return 'no answer';
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  ETIMEDOUT: `no answer in ${requestTimeoutMs / 1_000} s`,
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the network',
  EFBIG: 'the answer is too large',
};

export const reasonText = (code: string): string => reasons[code] ?? code;

export const unreachable = (url: string, code: string): CommandFailed =>
  new CommandFailed(
    exitCodes.unreachable,
    `Cannot reach the registry at ${url} (${reasonText(code)}). Is it running? Start it with: npm start`,
    ['Another address: --url, or GATEBOOK_URL'],
  );

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is AnsweredProblem {
  const { status, detail, code } = (value ?? {}) as Partial<AnsweredProblem>;
  return typeof status === 'number' && typeof detail === 'string' && typeof code === 'string';
}

function exitCodeOf({ status }: AnsweredProblem): number {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 429 || status === 503) return exitCodes.unreachable;
  return status >= 500 ? exitCodes.failed : exitCodes.refused;
}

export const signInHint =
  'Sign in with: gatebook login (or set GATEBOOK_TOKEN, or GATEBOOK_USERNAME and GATEBOOK_PASSWORD)';

const remedies: Readonly<Record<string, string>> = {
  'token-invalid': signInHint,
  'request-not-found': 'See all requests with: gatebook requests --status all',
  'user-not-found': 'See all users with: gatebook users',
  'role-not-found': 'See all roles with: gatebook roles',
  'token-not-found': 'See your tokens with: gatebook tokens',
  'username-taken': 'See who has the name with: gatebook users show NAME',
  'request-already-granted': 'Change rights with: gatebook users authorization NAME',
  'request-expired': 'It can ask again while the registry is unlocked.',
  'user-not-active': 'See its state with: gatebook users show NAME',
  'user-not-suspended': 'See its state with: gatebook users show NAME',
  'user-not-revoked': 'See its state with: gatebook users show NAME',
  'role-in-use': 'See who has it with: gatebook users --role NAME',
  'role-built-in': 'Make a role of your own with: gatebook roles create NAME',
  'internal-error': "The service's log says more.",
};

function hintsOf(problem: AnsweredProblem, retryAfter: string | null): string[] {
  // With one field, its words are those of the problem.
  const errors = (problem.errors ?? []).filter(({ detail }) => detail !== problem.detail);
  const fields = errors.map(({ pointer, parameter, detail }) => {
    const field = parameter ?? pointer?.replace(/^#\/?/, '').replaceAll('/', '.') ?? '';
    return `  ${field === '' ? 'the body' : field}: ${detail}`;
  });
  const remedy = remedies[problem.code];
  const { required } = problem;
  return [
    ...fields,
    ...(remedy === undefined ? [] : [remedy]),
    ...(required === undefined || problem.detail.includes(required.resource)
      ? []
      : [
          `This needs ${required.operation} on ${required.resource}. Ask an administrator for a role that has it.`,
        ]),
    ...(retryAfter === null ? [] : [`Try again in ${retryAfter} s.`]),
  ];
}
