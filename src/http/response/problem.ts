/** Problem documents: what a refusal is answered with, as a value and as an error, and what an error means to the caller. */
import type { Context } from 'koa';
import {
  type Fault,
  type ProblemCode,
  type ProblemDocument,
  problemTable,
  waits,
} from '../../api/problems.ts';
import { Refused } from '../../commands/refused.ts';
import { HashingBusy } from '../../credentials/passwords/hash-queue.ts';
import { retryAfterSeconds } from '../../limits/http.ts';
import { MalformedCursor } from '../../read-models/cursor.ts';
import { Conflict, StoreUnavailable } from '../../store/event-store.ts';

export const problemType = 'application/problem+json';

interface ProblemOptions {
  /** Says it better than the table. */
  readonly detail?: string;
  readonly errors?: readonly Fault[];
  /** Stand beside the RFC's own. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** When to come back. */
  readonly retryAfterSeconds?: number;
}

/** A problem as it is answered. */
export interface ProblemAnswer {
  readonly code: ProblemCode;
  readonly status: number;
  readonly document: ProblemDocument;
  /** Header fields that the status wants: `Retry-After` in seconds, `WWW-Authenticate`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @param code what it is; status and title follow from it */
function answerOf(code: ProblemCode, options: ProblemOptions): ProblemAnswer {
  const { status, title, detail } = problemTable[code];
  const document: ProblemDocument = {
    type: `urn:gatebook:problem:${code}`,
    title,
    status,
    detail: options.detail ?? detail,
    code,
    ...(options.errors === undefined ? {} : { errors: options.errors }),
    ...options.members,
  };
  const wait = options.retryAfterSeconds ?? (waits(code) ? retryAfterSeconds : undefined);
  const headers = {
    ...(wait === undefined ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(wait))) }),
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...options.headers,
  };
  return { code, status, document, headers };
}

/** Those that say nothing of their own, made once: a locked registry answers many with the same. */
const plain = new Map<ProblemCode, ProblemAnswer>();
const plainTexts = new WeakMap<ProblemAnswer, string>();

/** What a route answers where it refuses as a matter of course; no error is made, since that costs more than the answer. */
export function refusal(code: ProblemCode, options?: ProblemOptions): ProblemAnswer {
  if (options !== undefined) return answerOf(code, options);
  const known = plain.get(code);
  if (known !== undefined) return known;
  const answer = answerOf(code, {});
  plain.set(code, answer);
  plainTexts.set(answer, JSON.stringify(answer.document));
  return answer;
}

/** Whether it is the one answer of its code: what is made of it can be kept. */
export const isPlain = (problem: ProblemAnswer): boolean => plainTexts.has(problem);

/** The document as JSON. */
export const problemText = (problem: ProblemAnswer): string =>
  plainTexts.get(problem) ?? JSON.stringify(problem.document);

export class Problem extends Error implements ProblemAnswer {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly document: ProblemDocument;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(code);
    const { status, document, headers } = answerOf(code, options);
    this.code = code;
    this.status = status;
    this.document = document;
    this.headers = headers;
  }
}

/** A request with these faults, each named, and so many more. */
export function malformed(errors: readonly Fault[], unnamed = 0): Problem {
  const all = errors.length + unnamed;
  const which = unnamed === 0 ? 'each' : `the first ${errors.length}`;
  const detail = all === 1 ? errors[0]?.detail : `${all} things are wrong: errors names ${which}.`;
  return new Problem('request-malformed', { detail: detail ?? '', errors });
}

/** What an error means to the caller; `undefined` when it is our own fault. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  // A new refusal does not compile here until the table has a status for it.
  if (error instanceof Refused) return new Problem(error.code, error.more);
  if (error instanceof HashingBusy) return new Problem('hashing-busy');
  if (error instanceof MalformedCursor)
    return malformed([
      { parameter: 'cursor', detail: 'cursor must be a nextCursor of this list, as it was given.' },
    ]);
  // A conflict that outlasted every attempt: others write to this stream faster than we decide.
  if (error instanceof StoreUnavailable || error instanceof Conflict)
    return new Problem('store-unavailable');
  return undefined;
}

/** Our own fault: the service's log says more. */
export const internalProblem = (correlationId: string): Problem =>
  new Problem('internal-error', {
    detail: `Something broke here. The service's log says more under ${correlationId}.`,
  });

export function sendProblem(ctx: Context, { status, document, headers }: ProblemAnswer): void {
  ctx.status = status;
  ctx.body = document;
  ctx.type = problemType;
  ctx.set({ ...headers });
}
