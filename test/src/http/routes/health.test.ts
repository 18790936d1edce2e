import { Health, Readiness } from '../../../../src/api/service.ts';
import { healthRoutes } from '../../../../src/http/routes/health.ts';
import { createMetrics } from '../../../../src/metrics.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Shell, shell } from '../listening-application.ts';

const checks: Record<string, 'up' | 'down'> = {};
const metrics = createMetrics();

const test = suite<{ service: Shell }>('http health');
test.before(async (world) => {
  world.service = await shell(healthRoutes({ metrics, health: () => checks }), {
    edge: { metrics },
  });
});
test.after(({ service }) => service.stop());
test.before.each(() => {
  Object.assign(checks, { store: 'up', readModels: 'up', 'broker:embedded': 'up' });
});

test('the process lives', async ({ service }) => {
  const response = await fetch(`${service.url}/healthz`);
  assert.is(response.status, 200);
  assert.equal(Health.parse(await response.json()), { status: 'up' });
});

test('it is ready while every check is up', async ({ service }) => {
  const response = await fetch(`${service.url}/readyz`);
  assert.is(response.status, 200);
  assert.equal(Readiness.parse(await response.json()), { status: 'ready', checks });
});

test('it is not ready when one check is down, and lives on', async ({ service }) => {
  checks['broker:embedded'] = 'down';
  const response = await fetch(`${service.url}/readyz`);
  assert.is(response.status, 503);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  assert.is(response.headers.get('retry-after'), '5');
  assert.equal(Readiness.parse(await response.json()), { status: 'unready', checks });
  assert.is((await fetch(`${service.url}/healthz`)).status, 200);
});

test('metrics are there without a token, in the text format', async ({ service }) => {
  const response = await fetch(`${service.url}/metrics`);
  assert.is(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(await response.text(), /^gatebook_window_unlocked 0$/m);
});

test.run();
