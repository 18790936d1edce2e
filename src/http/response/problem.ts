/** Errors as problem documents: the class, what an error means to the caller, and the middleware that answers it. */
import type { Middleware } from 'koa';
import {
  type Fault,
  type ProblemCode,
  type ProblemDocument,
  problemTable,
  waits,
} from '../../api/problems.ts';
import { Refused } from '../../commands/refused.ts';
import { HashingBusy } from '../../credentials/passwords/hash-queue.ts';
import { retryAfterSeconds } from '../../limits.ts';
import { MalformedCursor } from '../../read-models/cursor.ts';
import { Conflict, StoreUnavailable } from '../../store/event-store.ts';

export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly document: ProblemDocument;
  /** Header fields that the status wants: `Retry-After` in seconds, `WWW-Authenticate`. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param code what it is; status and title follow from it
   * @param options `detail` says it better than the table, `members` stand beside the RFC's own,
   *   `retryAfterSeconds` is when to come back
   */
  constructor(
    code: ProblemCode,
    options: {
      readonly detail?: string;
      readonly errors?: readonly Fault[];
      readonly members?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly retryAfterSeconds?: number;
    } = {},
  ) {
    super(code);
    this.code = code;
    const { status, title, detail } = problemTable[code];
    this.document = {
      type: `urn:gatebook:problem:${code}`,
      title,
      status,
      detail: options.detail ?? detail,
      code,
      ...(options.errors === undefined ? {} : { errors: options.errors }),
      ...options.members,
    };
    const wait = options.retryAfterSeconds ?? (waits(code) ? retryAfterSeconds : undefined);
    this.headers = {
      ...(wait === undefined ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(wait))) }),
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...options.headers,
    };
  }

  get status(): number {
    return this.document.status;
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

/**
 * Answers every error with a problem. Our own faults are logged with the correlation id, which is all
 * that the caller learns of them.
 */
export const problems =
  (edge: {
    readonly onProblem: (code: ProblemCode) => void;
    readonly onFault: (error: unknown, correlationId: string) => void;
  }): Middleware =>
  async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const { correlationId } = ctx.state as { correlationId: string };
      let problem = problemOf(error);
      if (problem === undefined) {
        edge.onFault(error, correlationId);
        problem = new Problem('internal-error', {
          detail: `Something broke here. The service's log says more under ${correlationId}.`,
        });
      }
      edge.onProblem(problem.code);
      ctx.status = problem.status;
      ctx.body = problem.document;
      ctx.type = 'application/problem+json';
      ctx.set(problem.headers);
    }
  };
