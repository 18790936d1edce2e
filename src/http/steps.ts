/** What happens to every request beside its route: it is numbered and noted, and what goes wrong is told as a problem. */
import type { IncomingMessage } from 'node:http';
import type { Edge, Exchange, RequestState } from './edge.ts';
import { traceIdOf } from './request/trace-id.ts';
import { internalProblem, type ProblemAnswer, problemOf } from './response/problem.ts';

/** What is known of a request from its headers; its id is made when somebody asks for it, since most record nothing. */
class BegunRequest implements RequestState {
  readonly traceId: string | undefined;
  readonly source: string | null;
  readonly isSecure: boolean;
  readonly causationId = null;
  route = 'unknown';
  readonly #newId: Edge['newId'];
  #correlationId: string | undefined;

  constructor({ newId, sourceOf, behindHttps }: Edge, req: IncomingMessage) {
    const { headers, socket } = req;
    this.#newId = newId;
    this.traceId = traceIdOf(req);
    this.source = sourceOf(socket.remoteAddress, headers['x-forwarded-for'] as string | undefined);
    this.isSecure = behindHttps || 'encrypted' in socket;
  }

  get correlationId(): string {
    this.#correlationId ??= this.#newId();
    return this.#correlationId;
  }
}

/** Numbers a request and finds its source. Nothing a client sends is an id; a trace of its own is told in log lines, and nowhere else. */
export function beginning(edge: Edge, req: IncomingMessage): RequestState {
  const state = new BegunRequest(edge, req);
  if (state.traceId !== undefined && req.method !== 'GET')
    edge.tracedAs?.(state.correlationId, state.traceId);
  return state;
}

/** Notes how a request went, once it is over. */
export function noteAnswer(
  { metrics, logger }: Edge,
  { res, method, state }: Pick<Exchange, 'res' | 'method' | 'state'>,
  startedMs: number,
): void {
  const seconds = (performance.now() - startedMs) / 1_000;
  const labels = { method, route: state.route, status: String(res.statusCode) };
  metrics.httpRequestSeconds.observe(labels, seconds);
  logger.debug('A request was answered', () => ({
    ...labels,
    durationMs: seconds * 1_000,
    correlationId: state.correlationId,
    traceId: state.traceId,
  }));
}

/** What an error is answered with; counted, and logged where it is our own fault. */
export function answeredProblem(
  edge: Edge,
  { correlationId, traceId }: RequestState,
  error: unknown,
): ProblemAnswer {
  const problem = problemOf(error);
  if (problem !== undefined) return counted(edge, problem);
  edge.logger.error('A request failed by a fault of the service', {
    error,
    correlationId,
    traceId,
  });
  return counted(edge, internalProblem(correlationId));
}

export function counted({ metrics }: Edge, problem: ProblemAnswer): ProblemAnswer {
  metrics.refusals.inc({ code: problem.code });
  return problem;
}
