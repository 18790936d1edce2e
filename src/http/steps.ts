/** What happens to every request beside its route: it is numbered and noted, and what goes wrong is told as a problem. */
import type { IncomingMessage } from 'node:http';
import type { Edge, Exchange, RequestState } from './edge.ts';
import { internalProblem, type ProblemAnswer, problemOf } from './response/problem.ts';

/** Numbers a request and finds its source. Nothing a client sends is an id. */
export const beginning = (
  { newId, sourceOf, behindHttps }: Edge,
  req: IncomingMessage,
): RequestState => ({
  correlationId: newId(),
  source: sourceOf(req.socket.remoteAddress, req.headers['x-forwarded-for'] as string),
  isSecure: behindHttps || 'encrypted' in req.socket,
  route: 'unknown',
});

/** Notes how it went, once it is over. */
export function noteAnswer(
  { metrics, logger }: Edge,
  { res, method, state }: Pick<Exchange, 'res' | 'method' | 'state'>,
): void {
  const startedMs = performance.now();
  res.once('close', () => {
    const seconds = (performance.now() - startedMs) / 1_000;
    const labels = { method, route: state.route, status: String(res.statusCode) };
    metrics.httpRequestSeconds.observe(labels, seconds);
    logger.debug('A request was answered', {
      ...labels,
      durationMs: seconds * 1_000,
      correlationId: state.correlationId,
    });
  });
}

/** What an error is answered with; counted, and logged where it is our own fault. */
export function answeredProblem(
  edge: Edge,
  { correlationId }: RequestState,
  error: unknown,
): ProblemAnswer {
  const problem = problemOf(error);
  if (problem !== undefined) return counted(edge, problem);
  edge.logger.error('A request failed by a fault of the service', { error, correlationId });
  return counted(edge, internalProblem(correlationId));
}

export function counted({ metrics }: Edge, problem: ProblemAnswer): ProblemAnswer {
  metrics.refusals.inc({ code: problem.code });
  return problem;
}
