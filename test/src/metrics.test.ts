import { createMetrics } from '../../src/metrics.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('metrics');

/** Names and labels as WIRE "Health and metrics" promises them. */
const promised: Record<string, readonly string[]> = {
  window_unlocked: [],
  requests_pending: [],
  clients: ['status'],
  certificates_expiring: [],
  grants_ending: [],
  clients_stale: [],
  mqtt_sessions: [],
  hash_queue_length: [],
  foreign_verifiers: [],
  erasures_pending: [],
  disk_free_bytes: [],
  projection_lag_events: ['projection'],
  check_up: ['check'],
  last_backup_timestamp_seconds: [],
  siem_lag_events: [],
  siem_lag_seconds: [],
  siem_delivered_total: [],
  siem_failures_total: [],
  registrations_total: ['flow', 'outcome'],
  lenient_registrations_total: [],
  lenient_members_left_out_total: [],
  decisions_total: ['decision'],
  knocks_total: ['flow'],
  mqtt_connects_total: ['outcome'],
  mqtt_limits_reached_total: ['limit'],
  mqtt_waited_seconds_total: [],
  refusals_total: ['code'],
  events_appended_total: [],
  http_request_duration_seconds: ['method', 'route', 'status'],
  store_append_duration_seconds: [],
  activation_duration_seconds: ['broker'],
};

test('every metric has the name and the labels that were promised, and there are no others', () => {
  const { registry } = createMetrics();
  const found = registry
    .getMetricsAsArray()
    .filter(({ name }) => !/^(process|nodejs)_/.test(name))
    .map((metric) => [metric.name, (metric as unknown as { labelNames: string[] }).labelNames]);
  assert.equal(
    Object.fromEntries(found),
    Object.fromEntries(
      Object.entries(promised).map(([name, labels]) => [`gatebook_${name}`, labels]),
    ),
  );
});

test('memory, garbage collection, processor and the lag of the event loop are told, the version is not', async () => {
  const text = await createMetrics().registry.metrics();
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_heap_size_used_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ])
    assert.match(text, new RegExp(`^${name} [\\d.e-]+$`, 'm'));
  assert.match(text, /^# TYPE nodejs_gc_duration_seconds histogram$/m);
  assert.not.match(text, process.version);
});

test('gauges are read when somebody scrapes, and forget what is gone', async () => {
  const metrics = createMetrics();
  let clients: Record<string, number> = { active: 2, pending: 1 };
  metrics.observe({
    windowUnlocked: () => true,
    requestsPending: () => 3,
    clients: () => clients,
    grantsEnding: () => 2,
    clientsStale: () => 9,
    certificatesExpiring: () => 8,
    mqttSessions: () => 4,
    foreignVerifiers: () => 0,
    hashQueueLength: () => 5,
    erasuresPending: () => 7,
    diskFreeBytes: () => 8,
    projectionLagEvents: () => ({ requests: 6 }),
  });
  metrics.observe({ checks: () => ({ store: 'up', disk: 'down' }), lastBackupSeconds: () => 10 });
  const before = await metrics.registry.metrics();
  for (const line of [
    'gatebook_window_unlocked 1',
    'gatebook_requests_pending 3',
    'gatebook_clients{status="pending"} 1',
    'gatebook_certificates_expiring 8',
    'gatebook_grants_ending 2',
    'gatebook_mqtt_sessions 4',
    'gatebook_hash_queue_length 5',
    'gatebook_erasures_pending 7',
    'gatebook_disk_free_bytes 8',
    'gatebook_projection_lag_events{projection="requests"} 6',
    'gatebook_check_up{check="store"} 1',
    'gatebook_check_up{check="disk"} 0',
    'gatebook_last_backup_timestamp_seconds 10',
  ])
    assert.ok(before.includes(`${line}\n`), line);

  clients = { active: 3 };
  const after = await metrics.registry.metrics();
  assert.ok(after.includes('gatebook_clients{status="active"} 3\n'));
  assert.not.ok(after.includes('status="pending"'));
});

test('two services count apart', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.knocks.inc({ flow: 'explicit' });
  assert.ok((await one.registry.metrics()).includes('gatebook_knocks_total{flow="explicit"} 1'));
  assert.not.ok((await other.registry.metrics()).includes('flow="explicit"'));
});

test.run();
