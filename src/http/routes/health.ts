/** Whether the process lives, whether it can serve, and what it counts about itself. */

import { Health, Readiness } from '../../api/service.ts';
import { retryAfterSeconds } from '../../limits/http.ts';
import type { Metrics } from '../../metrics.ts';
import { ok, type Route, type RouteResponse, route } from '../route.ts';

const group = 'Service';

interface HealthSource {
  readonly metrics: Metrics;
  /** Each name of `/readyz` with its state, read from memory. */
  readonly health: () => Readonly<Record<string, 'up' | 'down'>>;
}

function readiness({ health }: HealthSource): RouteResponse {
  const checks = health();
  const ready = Object.values(checks).every((state) => state === 'up');
  if (ready) return ok({ status: 'ready', checks });
  const headers = { 'Retry-After': String(retryAfterSeconds) };
  return { status: 503, body: { status: 'unready', checks }, headers };
}

export const liveness: Route = route({
  method: 'GET',
  path: '/healthz',
  group,
  operationId: 'health',
  summary: 'Whether the process lives',
  access: 'open',
  hot: true,
  answers: { 200: { description: 'It does.', body: Health } },
  handle: () => ok({ status: 'up' }),
});

export const healthRoutes = (service: HealthSource): Route[] => [
  liveness,
  route({
    method: 'GET',
    path: '/readyz',
    group,
    operationId: 'readiness',
    summary: 'Whether this node can serve',
    access: 'open',
    answers: {
      200: { description: 'Every check is up.', body: Readiness },
      503: { description: 'A check is down.', body: Readiness },
    },
    handle: () => readiness(service),
  }),
  route({
    method: 'GET',
    path: '/metrics',
    group,
    operationId: 'metrics',
    summary: 'What this node counts, for Prometheus',
    access: 'open',
    answers: { 200: { description: 'Metrics.', type: 'text/plain' } },
    async handle() {
      const { registry } = service.metrics;
      return { status: 200, body: await registry.metrics(), type: registry.contentType };
    },
  }),
];
